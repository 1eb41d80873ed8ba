"""Lessons as a pupil plays them: by mouse and by keys, on a desk and on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import report, violations
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
    expect(page.get_by_text("1 of 25 lessons finished")).to_be_visible()
    page.reload()
    rest(page)
    expect(page.get_by_text("1 of 25 lessons finished")).to_be_visible()
    expect(page.get_by_text("Next lesson: Prompt, completion, context window")).to_be_visible()
    assert page.get_by_test_id("stMain").evaluate("n => n.scrollWidth - n.clientWidth") <= 1


@pytest.mark.parametrize("lesson", ["1.4", "3.1", "4.4", "5.1"])
def test_a_lesson_is_played_by_keys_alone(open_at: Open, lesson: str) -> None:
    page = open_at(f"/Learn?lesson={lesson}&lesson_step=1")
    page.locator(PANEL).get_by_role("button", name="Open it").focus()
    page.keyboard.press("Enter")
    expect(page.locator(PANEL)).to_contain_text("step 1 of", timeout=30_000)
    rest(page)
    of = int(re.search(r"step 1 of (\d)", page.locator(PANEL).inner_text())[1])  # type: ignore[index]
    for number in range(1, of + 1):
        step(page, number, of)
        choices = page.locator(PANEL).get_by_role("radio")
        if choices.count():
            choices.first.focus()
            page.keyboard.press("Space")
            alert = page.locator(PANEL).get_by_test_id("stAlert")
            expect(alert.first).to_be_visible(timeout=20_000)
        page.evaluate("document.activeElement?.blur()")  # letters typed into a field are letters
        if number < of:
            page.keyboard.press("n")
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


@pytest.mark.parametrize("dark", [False, True])
def test_the_panel_and_the_course_have_no_accessibility_faults(open_at: Open, dark: bool) -> None:
    page = open_at("/Decoding?lesson=1.2&lesson_step=2", dark=dark)
    panel = page.locator(PANEL)
    panel.get_by_text("Among the first ten").click()
    expect(panel.get_by_role("button", name="Show me")).to_be_visible()
    found = [one for one in violations(page) if "atlas-lesson" in one.target]
    assert not found, report(found)
    course = open_at("/Learn", dark=dark)
    found = violations(course)
    assert not found, report(found)
