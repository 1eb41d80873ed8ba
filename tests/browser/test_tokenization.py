"""Journeys on the Tokenization page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from engine.models.catalog import SHIPPED
from tests.browser.conftest import Open, rest, shot


def chip(page: Page, token: int) -> Locator:
    return page.locator(f".tokens .tok[data-id=t{token}]")


def stretch(page: Page, token: int) -> Locator:
    return page.locator(f".tokens .source [data-id=t{token}]")


@pytest.mark.feature("Two-way hover: text span <-> id")
def test_hover_lights_the_text_and_the_reverse(open_at: Open) -> None:
    page = open_at("/Tokenization?model=tales-gpt&text=The+cat+sat+on+the+mat.")
    chip(page, 1).hover()
    expect(stretch(page, 1)).to_have_class(re.compile("lit"))
    expect(stretch(page, 2)).not_to_have_class(re.compile("lit"))
    stretch(page, 3).hover()
    expect(chip(page, 3)).to_have_class(re.compile("lit"))
    expect(page.get_by_role("tooltip")).to_contain_text("id ")
    expect(page.get_by_role("tooltip")).to_contain_text("characters")


def test_a_chip_is_locked_kept_in_the_link_and_let_go(open_at: Open) -> None:
    page = open_at("/Tokenization?model=tales-gpt&text=The+cat+sat+on+the+mat.")
    chip(page, 1).click()
    rest(page)
    expect(page).to_have_url(re.compile("token=t1"))
    expect(chip(page, 1)).to_have_class(re.compile("locked"))
    expect(page.get_by_text("Pinned:")).to_be_visible()
    again = open_at(page.url)
    expect(chip(again, 1)).to_have_class(re.compile("locked"))
    page.keyboard.press("Escape")
    rest(page)
    expect(chip(page, 1)).not_to_have_class(re.compile("locked"))
    expect(page).not_to_have_url(re.compile("token="))


@pytest.mark.feature("Grapheme-safe display of split multi-byte characters")
def test_a_family_emoji_stays_whole_and_shows_its_bytes(open_at: Open) -> None:
    page = open_at("/Tokenization?model=tales-gpt", dark=True, width=390)
    page.get_by_label("Text", exact=True).fill("\U0001f469\u200d\U0001f469\u200d\U0001f467 ok")
    page.keyboard.press("Control+Enter")
    rest(page)
    group = page.locator(".tokens .group").first
    expect(group).to_be_visible()
    expect(group).to_contain_text("F0")
    expect(group.locator("> b")).to_contain_text("\U0001f467")
    shot(page, "tokens-emoji-390-dark")


@pytest.mark.feature("Byte view of each token")
def test_what_stands_under_a_chip_can_be_chosen(open_at: Open) -> None:
    page = open_at("/Tokenization?model=tales-gpt&text=The+cat")
    page.get_by_text("Options", exact=True).click()
    page.get_by_role("radio", name="Bytes").click()
    rest(page)
    expect(chip(page, 1)).to_contain_text("20 63 61 74")
    expect(page).to_have_url(re.compile("below=Bytes"))


def test_a_word_is_chosen_and_stepped_through(open_at: Open) -> None:
    page = open_at(
        "/Tokenization?view=Step+by+step&model=tales-gpt&text=A+teacher+explained+unbelievabilities"
    )
    page.locator(".stages [data-id=w2]").click()
    rest(page)
    expect(page).to_have_url(re.compile("word=w2"))
    slider = page.get_by_role("slider", name="Step")
    last = int(slider.input_value())
    for _ in range(2):
        page.get_by_role("button", name="Back").click()
        rest(page)
    expect(slider).to_have_value(str(last - 2))
    page.get_by_role("button", name="Next").click()
    rest(page)
    expect(slider).to_have_value(str(last - 1))
    expect(page).to_have_url(re.compile(f"step={last - 1}"))


def test_play_walks_to_the_end_by_itself(open_at: Open) -> None:
    page = open_at("/Tokenization?view=Step+by+step&model=tales-bert&text=unbelievable")
    slider = page.get_by_role("slider", name="Step")
    last = slider.input_value()
    page.get_by_role("button", name="Play").click()
    expect(slider).not_to_have_value(last)
    expect(slider).to_have_value(last, timeout=25_000)
    expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=5_000)


@pytest.mark.feature("Two tokenizers side by side on the same text")
def test_three_tokenizers_stand_on_the_same_characters(open_at: Open) -> None:
    page = open_at("/Tokenization?view=Compare+tokenizers&text=The+cat+sat")
    boxes = page.locator(".aligned .wide g[data-id]")
    boxes.first.wait_for()
    box = page.locator(".aligned .wide g[data-id=r0t0]")
    box.hover()
    for row in (1, 2):
        lit = page.locator(f".aligned .wide g.lit[data-id^=r{row}]")
        assert lit.count() >= 1
    narrow = open_at("/Tokenization?view=Compare+tokenizers&text=The+cat+sat", width=390)
    narrow.locator(".aligned .narrow g[data-id]").first.wait_for()
    expect(narrow.locator(".aligned .wide")).to_be_hidden()


def test_the_chips_leave_as_png_and_svg(open_at: Open) -> None:
    page = open_at("/Tokenization?model=tales-gpt&text=The+cat")
    page.get_by_role("button", name="Save").first.click()
    with page.expect_download() as png:
        page.get_by_role("button", name="PNG image").click()
    assert png.value.path().read_bytes()[:4] == b"\x89PNG"
    with page.expect_download() as svg:
        page.get_by_role("button", name="SVG drawing").click()
    assert "<svg" in svg.value.path().read_text(encoding="utf-8")


@pytest.mark.feature("Re-tokenises while typing")
def test_the_text_is_cut_again_while_it_is_typed(open_at: Open) -> None:
    page = open_at("/Tokenization?model=tales-gpt&text=The")
    box = page.get_by_label("Text", exact=True)
    chip(page, 0).wait_for()
    expect(box).to_have_value("The")
    box.press("End")
    box.press_sequentially(" cat sat on the mat", delay=40)
    # No key that ends the typing, the field keeps the focus.
    expect(chip(page, 5)).to_contain_text("mat", timeout=20_000)
    expect(box).to_have_value("The cat sat on the mat")
    expect(box).to_be_focused()
    expect(page).to_have_url(re.compile(r"text=The\+cat\+sat\+on\+the\+mat"))
    page.get_by_role("button", name="Samples").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button").first.click()
    rest(page)
    expect(box).not_to_have_value("The cat sat on the mat")


@pytest.mark.feature("Whitespace / control characters made visible")
def test_spaces_tabs_and_line_ends_are_marks_in_grey(open_at: Open) -> None:
    page = open_at("/Tokenization?model=tales-gpt&text=a+b%09c%0Ad")
    chip(page, 0).wait_for()
    marks = page.locator(".tokens .tok u").all_inner_texts()
    assert {"·", "→", "⏎"} <= set("".join(marks))
    assert chip(page, 0).locator("i").inner_text().isdigit()  # its id


def test_a_tokenizer_from_a_file_joins_and_a_hostile_one_is_a_sentence(open_at: Open) -> None:
    page = open_at("/Tokenization?view=Compare+tokenizers&model=tales-gpt&text=The+cat+sat")
    page.get_by_text("Add a tokenizer from the Hub or from a file").click()
    files = page.locator("input[type=file]")
    bad = {"name": "bad.json", "mimeType": "application/json", "buffer": b"<b>no</b>"}
    files.set_input_files(bad)  # type: ignore[arg-type]
    expect(page.get_by_text("it is no JSON")).to_be_visible(timeout=30_000)
    files.set_input_files(str(SHIPPED / "tales-bert" / "tokenizer.json"))
    expect(page).to_have_url(re.compile(r"with=file%3Atokenizer-[0-9a-f]{6}"), timeout=30_000)
    rest(page)
    expect(page.locator(".aligned .wide g[data-id^=r3]").first).to_be_visible()
    shot(page, "compare-file")
