"""A teacher makes a lesson out of three pages and shares it; somebody else plays it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from engine.learn.authoring import opened
from pages.shell.lesson.own.checking import check
from tests.browser.axe import in_both_themes, report
from tests.browser.conftest import Open, rest, shot
from tests.browser.test_lessons import PANEL, step

AUTHOR = ".st-key-atlas-author"
TEXT = "The monkey ate that banana because it was too hungry."


def author(page: Page, number: int, of: int) -> Locator:
    panel = page.locator(AUTHOR)
    expect(panel).to_contain_text(f"step {number} of {of}", timeout=30_000)
    rest(page)
    assert page.get_by_test_id("stException").count() == 0
    return panel


def write(page: Page, label: str, text: str) -> None:
    field = page.locator(AUTHOR).get_by_role("textbox", name=label, exact=True)
    field.fill(text)
    page.keyboard.press("Tab")
    rest(page)


def choose(page: Page, label: str, typed: str) -> None:
    """Choose from a list of the panel by keys."""
    page.locator(AUTHOR).get_by_role("combobox", name=re.compile(label)).first.focus()
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    rest(page)


def turn(page: Page, name: str) -> None:
    page.locator(".st-key-atlas-menu").get_by_role("link", name=name, exact=True).click()
    page.wait_for_url(re.compile(f"/{name}"))
    rest(page)


@pytest.mark.feature("Lessons that a teacher writes: steps = links + question")
def test_a_lesson_is_made_of_three_pages_tried_saved_opened_and_shared(
    open_at: Open, tmp_path: Path
) -> None:
    page = open_at(f"/Tokenization?model=tales-bert&text={TEXT}")
    # 1) Three views of three pages.
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Add this view to a lesson").click()
    author(page, 1, 1)
    expect(page.get_by_role("button", name="Create short link")).to_be_hidden()
    write(page, "Title of the lesson", "The hungry monkey")
    write(page, "Text of the step", "How is the text **cut**?")
    choose(page, "Question", "The number of tokens of the text itself")
    expect(page.locator(AUTHOR)).to_contain_text("Right here: 12 tokens")
    write(page, "What is asked", "How many tokens are there?")
    turn(page, "Attention")
    page.locator(AUTHOR).get_by_role("button", name="Add this view as step 2").click()
    author(page, 2, 2)
    write(page, "Text of the step", "Look at the row of *it*.")
    choose(page, "Question", "The word that a word attends to most")
    expect(page.locator(AUTHOR)).to_contain_text("Right here")
    write(page, "What is asked", "Which word is it?")
    turn(page, "Embeddings")
    page.locator(AUTHOR).get_by_role("button", name="Add this view as step 3").click()
    panel = author(page, 3, 3)
    write(page, "Text of the step", "Each token is a point.")
    write(page, "What one can say afterwards, in one sentence", "A text has many pictures.")
    shot(page, "own-author-1440")
    # 2) In another order, by keys: the last one comes second; one is deleted and brought back.
    panel.get_by_role("button", name="Move up").focus()
    page.keyboard.press("Enter")
    author(page, 2, 3)
    panel.get_by_role("button", name="Delete step").click()
    author(page, 1, 2)
    panel.get_by_role("button", name="Undo").click()
    author(page, 1, 3)
    # 3) Tried as its readers will see it.
    expect(panel.get_by_role("button", name="Try it")).to_be_enabled()
    panel.get_by_role("button", name="Try it").focus()
    page.keyboard.press("Enter")
    step(page, 1, 3)
    page.locator(PANEL).get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile("/Embeddings"))
    step(page, 2, 3)
    page.locator(PANEL).get_by_role("button", name="Edit this step").click()
    author(page, 2, 3)
    # 4) Saved, and opened again from the file by a browser that knows nothing of it.
    turn(page, "Learn")
    expect(page.get_by_text("The hungry monkey", exact=True)).to_be_visible()
    page.get_by_role("button", name="Save, share").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    draft = opened(file.read_text("utf-8"), check)
    assert file.name == "the-hungry-monkey.toml"
    assert [one.page for one in draft.steps] == ["Tokenization", "Embeddings", "Attention"]
    # 5) Shared as a link.
    page.get_by_role("button", name="Share as a link").click()
    field = page.get_by_role("textbox", name="Link to the lesson")
    expect(field).to_have_value(re.compile("/s/[a-z2-7]{10}$"), timeout=30_000)
    link = field.input_value()
    shot(page, "own-learn-1440")
    # 6) The browser keeps it over a visit.
    page.reload()
    rest(page)
    expect(page.get_by_text("The hungry monkey", exact=True)).to_be_visible(timeout=30_000)
    other = open_at(re.sub(r"^https?://[^/]+", "", link), width=390, height=844)
    step(other, 1, 3)
    expect(other.locator(PANEL)).to_contain_text("The hungry monkey")
    choices = other.locator(PANEL).get_by_role("radio")
    expect(choices).to_have_count(3)
    choices.nth(0).focus()
    other.keyboard.press("Space")
    expect(other.locator(PANEL).get_by_role("button", name="Show me")).to_be_visible(timeout=20_000)
    choices.nth(1).focus()
    other.keyboard.press("Space")
    expect(other.locator(PANEL)).to_contain_text("12 tokens for 11 words and marks")
    shot(other, "own-played-390")
    third = open_at("/Learn")
    third.get_by_role("button", name="Open a file").click()
    third.locator("input[type=file]").set_input_files(file)
    expect(third.get_by_text("The hungry monkey", exact=True)).to_be_visible(timeout=30_000)
    rest(third)
    third.get_by_role("button", name="Play", exact=True).click()
    third.wait_for_url(re.compile("/Tokenization.*lesson=own-"))
    step(third, 1, 3)
    third.reload()  # the server has forgotten it, the browser gives it back
    step(third, 1, 3)


def test_the_authors_panel_has_no_accessibility_faults_and_covers_nothing(open_at: Open) -> None:
    page = open_at("/Decoding?model=tales-gpt&text=Once upon a", width=390, height=844)
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Add this view to a lesson").click()
    author(page, 1, 1)
    choose(page, "Question", "The token that the model ranks first")
    expect(page.locator(AUTHOR)).to_contain_text("Right here")
    shot(page, "own-author-390")
    found = in_both_themes(page, "atlas-author")
    assert not found, report(found)
    assert page.get_by_test_id("stMain").evaluate("n => n.scrollWidth - n.clientWidth") <= 1
