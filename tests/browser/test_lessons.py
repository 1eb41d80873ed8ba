"""Lessons as a pupil plays them: by mouse and by keys, on a desk and on a phone."""

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from engine.api import local
from engine.learn import grading
from engine.learn.asking import Asked
from engine.learn.reader import shipped
from tests.browser.axe import in_both_themes, report
from tests.browser.conftest import Open, rest, shot

PANEL = ".st-key-atlas-lesson"
BOXES = """() => {
  const box = (node) => { const b = node.getBoundingClientRect();
    return [b.left, b.top, b.right, b.bottom]; };
  const main = document.querySelector("[data-testid=stMainBlockContainer]");
  const own = getComputedStyle(main);
  return { panel: box(document.querySelector(".st-key-atlas-lesson")), main: box(main),
    right: parseFloat(own.paddingRight), bottom: parseFloat(own.paddingBottom) };
}"""


def step(page: Page, number: int, of: int) -> None:
    expect(page.locator(PANEL)).to_contain_text(f"step {number} of {of}", timeout=30_000)
    rest(page)
    assert page.get_by_test_id("stException").count() == 0
    assert page.locator("[data-testid=stAlert]", has_text="showing").count() == 0


@pytest.mark.parametrize("width", [1440, 390])
def test_a_pupil_begins_at_home_and_plays_the_first_lesson_to_its_end(
    open_at: Open, width: int
) -> None:
    page = open_at("/", width=width)
    page.get_by_text("Start here").first.click()
    page.wait_for_url(re.compile("/Tokenization"))
    step(page, 1, 5)
    panel = page.locator(PANEL)
    panel.get_by_text("About 40, one for each letter").click()
    expect(panel).to_contain_text("Letters would be 42 pieces")
    panel.get_by_text("About 10", exact=True).click()
    expect(panel).to_contain_text("10 tokens for 10 words and marks")
    for number, name in enumerate(("Embeddings", "Attention", "Decoding", "Decoding"), 2):
        panel.get_by_role("button", name="Next").click()
        page.wait_for_url(re.compile(f"/{name}.*lesson_step={number}"))
        step(page, number, 5)
        shot(page, f"lesson-start-{number}-{width}")
    panel.get_by_text("All 6,144").click()
    expect(panel).to_contain_text("1 token is left")
    panel.get_by_role("button", name="Show me").click()
    expect(panel).to_contain_text("Only one.")
    expect(panel).to_contain_text("Now you can say")
    panel.get_by_role("button", name="Finish").click()
    page.wait_for_url(re.compile("/Learn"))
    expect(page.get_by_text(f"1 of {len(shipped())} lessons finished")).to_be_visible()
    page.reload()
    rest(page)
    expect(page.get_by_text(f"1 of {len(shipped())} lessons finished")).to_be_visible()
    expect(page.get_by_text("Next lesson: Prompt, completion, context window")).to_be_visible()
    assert page.get_by_test_id("stMain").evaluate("n => n.scrollWidth - n.clientWidth") <= 1


def wrong_then_right(page: Page, lesson: str, number: int) -> bool:
    """Answer a step's question by keys: wrong, which is explained, then right, with its reason."""
    asked = shipped()[lesson].steps[number - 1]
    posed = grading.pose(asked, Asked(local(), asked.model, asked.sentence))
    panel = page.locator(PANEL)
    alert = panel.get_by_test_id("stAlert")
    choices = panel.get_by_role("radio")
    if posed.choices:
        expect(choices).to_have_count(len(posed.choices))
        answers = [next(i for i in range(len(posed.choices)) if i != posed.right), posed.right]
    else:
        wrong = "zebra" if asked.question and asked.question.form == "word" else "99999"
        answers = [wrong, str(posed.answer.value)]
    for given in answers:
        if isinstance(given, int):
            choices.nth(given).focus()
            page.keyboard.press("Space")
        else:
            panel.get_by_role("textbox").focus()
            page.keyboard.press("Control+a")
            page.keyboard.type(given)
            page.keyboard.press("Enter")
        if given == answers[0]:
            expect(panel.get_by_role("button", name="Show me")).to_be_visible(timeout=20_000)
        else:
            expect(alert.first).to_contain_text(posed.answer.because[:30], timeout=20_000)
            expect(panel.get_by_role("button", name="Show me")).to_have_count(0)
    return True


@pytest.mark.parametrize("lesson", ["1.4", "4.4"])
def test_a_lesson_is_played_by_keys_alone(open_at: Open, lesson: str) -> None:
    page = open_at(f"/Learn?lesson={lesson}&lesson_step=1")
    page.locator(PANEL).get_by_role("button", name="Open it").focus()
    page.keyboard.press("Enter")
    expect(page.locator(PANEL)).to_contain_text("step 1 of", timeout=30_000)
    rest(page)
    of = int(re.search(r"step 1 of (\d)", page.locator(PANEL).inner_text())[1])  # type: ignore[index]
    graded = 0
    for number in range(1, of + 1):
        step(page, number, of)
        graded += wrong_then_right(page, lesson, number)
        page.evaluate("document.activeElement?.blur()")  # letters typed into a field are letters
        if number < of:
            page.keyboard.press("n")
    assert graded == of  # every question of these lessons was answered wrong and right
    expect(page.locator(PANEL)).to_contain_text(f"You predicted 0 of {of} right at once")
    page.keyboard.press("b")
    step(page, of - 1, of)


def test_the_panel_stands_beside_the_page_or_under_it_and_covers_nothing(open_at: Open) -> None:
    wide = open_at("/Attention?lesson=3.1&lesson_step=1", width=1440)
    wide.locator(PANEL).get_by_role("radio").first.wait_for(state="attached")
    boxes = wide.evaluate(BOXES)
    assert boxes["panel"][0] >= boxes["main"][2] - boxes["right"]
    phone = open_at("/Attention?lesson=3.1&lesson_step=1", width=390, height=844)
    phone.locator(PANEL).get_by_role("radio").first.wait_for(state="attached")
    boxes = phone.evaluate(BOXES)
    left, top, right, bottom = boxes["panel"]
    assert (left, right, bottom) == (0, 390, 844) and bottom - top <= boxes["bottom"]


def test_back_in_the_browser_goes_back_by_one_step(open_at: Open) -> None:
    page = open_at("/Attention?lesson=3.1&lesson_step=1")
    step(page, 1, 4)
    for number in (2, 3):
        page.locator(PANEL).get_by_role("button", name="Next").click()
        page.wait_for_url(re.compile(f"lesson_step={number}"))
        step(page, number, 4)
    page.go_back()
    step(page, 2, 4)
    assert "spot=k2" in page.url


def test_the_panel_and_the_course_have_no_accessibility_faults(open_at: Open) -> None:
    page = open_at("/Decoding?lesson=1.2&lesson_step=2")
    panel = page.locator(PANEL)
    panel.get_by_text("Among the first ten").click()
    expect(panel.get_by_role("button", name="Show me")).to_be_visible()
    found = in_both_themes(page, "atlas-lesson")
    assert not found, report(found)
    found = in_both_themes(open_at("/Learn"))
    assert not found, report(found)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_what_a_step_speaks_of_is_outlined_and_pulses_only_where_motion_is_wanted(
    open_at: Open, motion: Literal["no-preference", "reduce"]
) -> None:
    page = open_at("/Attention?lesson=3.1&lesson_step=1")
    page.emulate_media(reduced_motion=motion)
    step(page, 1, 4)
    frame = page.locator("rect.pointed").first
    expect(frame).to_be_attached()
    label = page.locator("text[data-highlight='row:it']").first
    style = (
        "(node) => { const s = getComputedStyle(node); return [s.outlineStyle, s.animationName]; }"
    )
    assert label.evaluate(style) == ["dashed", "none" if motion == "reduce" else "atlas-pulse"]
    # The lock is another thing: it goes, and what is pointed at stays.
    page.get_by_role("button", name="Unlock").first.click()
    expect(page.locator(".chip.on")).to_have_count(0)
    expect(page.locator("text[data-highlight='row:it']")).to_have_count(1)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_term_is_searched_for_and_leads_to_its_picture(open_at: Open, width: int) -> None:
    page = open_at("/Learn", width=width)
    page.get_by_role("link", name=re.compile("Glossary of")).click()
    field = page.get_by_label("Search the glossary")
    expect(field).to_be_in_viewport()
    field.focus()
    page.keyboard.type("induc")
    expect(page.get_by_role("link", name="See induction head")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("link", name="See tokenizer")).to_have_count(0)
    assert page.get_by_test_id("stMain").evaluate("n => n.scrollWidth - n.clientWidth") <= 1
    shot(page, f"glossary-{width}")
    page.get_by_role("link", name="See induction head").click()
    page.wait_for_url(re.compile("/Attention.*head=4"))
    rest(page)
    assert page.get_by_test_id("stException").count() == 0
    assert page.locator(PANEL).count() == 0


def test_a_term_in_a_caption_says_what_it_means_by_pointer_and_by_keys(open_at: Open) -> None:
    page = open_at("/Attention")
    caption = page.locator("[data-testid=stCaptionContainer][aria-description]").first
    expect(caption).to_be_attached(timeout=20_000)
    assert page.evaluate("CSS.highlights.get('atlas-term').size") >= 1
    tip = page.locator(".atlas-term-tip")
    expect(tip).to_be_hidden()
    caption.scroll_into_view_if_needed()
    box = page.evaluate(
        """() => { const [range] = CSS.highlights.get('atlas-term');
          const box = range.getBoundingClientRect();
          return [box.x + 3, box.y + box.height / 2]; }"""
    )
    page.mouse.move(*box)
    expect(tip).to_be_visible()
    shot(page, "term-pointed-at")
    page.mouse.move(2, 2)
    expect(tip).to_be_hidden()
    page.keyboard.press("Tab")  # what follows is the keyboard's
    caption.focus()
    expect(tip).to_contain_text("Enter: lesson")
    lesson = re.search(r"Enter: lesson (\d\.\d)", tip.inner_text())[1]  # type: ignore[index]
    page.keyboard.press("Enter")
    expect(page.locator(PANEL)).to_contain_text(f"Lesson {lesson}", timeout=30_000)
    rest(page)
    assert page.get_by_test_id("stException").count() == 0
