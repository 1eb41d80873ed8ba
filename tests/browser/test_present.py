"""A lesson before a class on a projector, and terms dotted in labels, in Chromium."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import report, violations
from tests.browser.conftest import Open, at_rest, rest, shot

# What is in sight of a page but its question, its pictures, its controls and its bar.
ELSE = """() => [...document.querySelectorAll(
  ".st-key-atlas-menu,.st-key-atlas-top,[data-testid=stHeader],.st-key-atlas-lesson,h2,h3,"
  + "[data-testid=stExpander],[data-testid=stPopover]")]
  .filter((node) => node.getClientRects().length).map((node) => node.outerHTML.slice(0, 80))"""
DRAWN = """() => [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
  .map((host) => host.shadowRoot.querySelector(".stage > svg, .stage > div, .sheet, .plot"))
  .filter((node) => node && node.getBoundingClientRect().width > 40)
  .map((node) => { const box = node.getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom, box.height]; })"""
BAR = "() => document.querySelector('.st-key-atlas-present-bar').getBoundingClientRect().top"


def at(page: Page, number: int, face: str) -> None:
    page.wait_for_url(re.compile(rf"lesson_step={number}.*present={face}"), timeout=30_000)
    rest(page)
    page.wait_for_timeout(200)  # pictures take the room that is left


def fits(page: Page, pictures: bool = True) -> None:
    """Nothing else is in sight, and the picture is: large, above the bar, inside the window."""
    assert page.evaluate(ELSE) == []
    size = page.viewport_size
    assert size is not None
    at_rest(page.get_by_test_id("stMainBlockContainer"), "(n) => n.scrollHeight")
    main = page.get_by_test_id("stMain")
    assert main.evaluate("n => n.scrollWidth - n.clientWidth") <= 1
    drawn = page.evaluate(DRAWN)
    assert bool(drawn) == pictures, drawn
    for left, top, right, bottom, tall in drawn:
        assert left >= 0 and right <= size["width"] + 1 and top > 0
        assert bottom <= page.evaluate(BAR) + 1, (bottom, page.evaluate(BAR))
        assert tall >= 250
    ask = page.locator(".st-key-atlas-present h1")
    assert float(ask.evaluate("n => parseFloat(getComputedStyle(n).fontSize)")) >= 28


@pytest.mark.parametrize(("width", "height", "dark"), [(1024, 768, False), (1440, 900, True)])
def test_a_lesson_is_presented_by_keys_from_its_panel_to_its_end(
    open_at: Open, width: int, height: int, dark: bool
) -> None:
    page = open_at("/Attention?lesson=3.1&lesson_step=1", width=width, height=height, dark=dark)
    page.get_by_role("button", name="Present", exact=True).click()
    at(page, 1, "question")
    fits(page)
    expect(page.locator(".st-key-atlas-present")).not_to_contain_text("22 more to")
    page.keyboard.press("Space")
    at(page, 1, "answer")
    expect(page.locator(".st-key-atlas-present")).to_contain_text("22 more to")
    fits(page)
    shot(page, f"present-answer-{width}")
    page.keyboard.press("PageDown")
    at(page, 2, "question")
    fits(page)
    found = violations(page)
    assert not found, report(found)
    page.keyboard.press("PageUp")
    at(page, 1, "answer")
    page.keyboard.press("Escape")
    expect(page.locator(".st-key-atlas-lesson")).to_contain_text("step 1 of 4", timeout=30_000)
    assert "present=" not in page.url
    rest(page)
    expect(page.locator(".st-key-atlas-menu")).to_be_visible()


def test_where_a_model_writes_the_text_stands_alone_until_the_answer(open_at: Open) -> None:
    page = open_at("/Decoding?lesson=1.2&lesson_step=2&present=question", width=1024, height=768)
    fits(page, pictures=False)
    expect(page.locator(".st-key-atlas-present")).to_contain_text("“She drank a cup of …”")
    page.keyboard.press("t")
    expect(page.get_by_text("The place in this list is the")).to_be_visible()
    page.keyboard.press("t")
    expect(page.get_by_text("The place in this list is the")).to_be_hidden()
    page.keyboard.press("Space")
    at(page, 2, "answer")
    fits(page)
    page.keyboard.press("Space")
    at(page, 3, "question")
    page.go_back()
    at(page, 2, "answer")


def test_another_page_is_turned_to_and_its_control_stays_in_sight(open_at: Open) -> None:
    page = open_at("/Tokenization?lesson=1.4&lesson_step=1&present=answer", width=1024, height=768)
    at(page, 1, "answer")
    fits(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("/Embeddings.*lesson_step=2"))
    at(page, 2, "question")
    page.keyboard.press("ArrowRight")
    at(page, 2, "answer")
    page.keyboard.press("ArrowRight")
    at(page, 3, "question")
    fits(page)
    slider = page.locator(".st-key-after")
    expect(slider).to_be_visible()
    box = slider.bounding_box()
    assert box and box["y"] + box["height"] <= page.evaluate(BAR)
    slider.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")  # the slider's, not the presentation's
    rest(page)
    assert "lesson_step=3" in page.url
    assert "after=3" in page.url


def test_terms_are_dotted_in_labels_of_controls_and_of_pictures(open_at: Open) -> None:
    page = open_at("/Decoding")
    label = page.locator("[data-testid=stWidgetLabel]", has_text="Temperature").first
    label.scroll_into_view_if_needed()
    expect(label).to_have_attribute("aria-description", re.compile("^temperature: "))
    expect(page.get_by_role("slider", name="Temperature").first).to_be_visible()  # named as before
    box = label.locator("p").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    tip = page.locator(".atlas-term-tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("temperature: ")
    other = open_at("/Attention")
    other.wait_for_function(
        """() => [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
        .flatMap((host) => [...host.shadowRoot.querySelectorAll(".term-dots")]).length >= 3"""
    )
    picture = other.get_by_role("group", name="Terms of the picture").first
    picture.focus()
    other.keyboard.press("Shift+Tab")
    other.keyboard.press("Tab")
    expect(other.locator(".atlas-term-tip")).to_contain_text("Enter: lesson")
    other.keyboard.press("Enter")
    other.wait_for_url(re.compile("lesson="))
