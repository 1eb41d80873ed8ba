"""The Translation page by hand: a cold link, stepping, playing, pointing, forcing, comparing."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open, rest, shot

TEXT = "Il+a+mangé+une+pomme+rouge."
START = f"/Translation?model=fr-en&text={TEXT}"


def stage(page: Page) -> Locator:
    return page.locator('.stage svg:has([data-id="t0"])')


def told(page: Page, name: str) -> None:
    """The step of the course called `name` is the one whose button is pressed."""
    expect(page.get_by_role("radio", name=name)).to_be_checked(timeout=20_000)


@pytest.mark.parametrize("dark", [False, True])
def test_a_cold_link_opens_its_moment(open_at: Open, dark: bool) -> None:
    page = open_at(START + "&step=8", dark=dark, height=2200)
    told(page, "8 Loop, then text")
    expect(page.get_by_text("Token 2: one logit")).to_be_visible()
    expect(stage(page).locator('[data-id="t1"]')).to_be_visible()
    assert stage(page).locator('[data-id="t2"]').count() == 0
    expect(page.locator(".atlas").first).to_have_attribute(
        "data-theme", "dark" if dark else "light"
    )
    shot(page, f"translation-{'dark' if dark else 'light'}")


def test_a_translation_is_stepped_through_with_the_arrow_keys(open_at: Open) -> None:
    page = open_at(START + "&step=1", height=1800)
    told(page, "1 Tokenize")
    slider = page.get_by_role("slider", name="Step")
    for step, name in enumerate(("2 Embed", "3 Encode", "4 Representation"), 2):
        slider.press("ArrowRight")
        rest(page)
        told(page, name)
        expect(page).to_have_url(re.compile(rf"step={step}\b"))
    for _ in range(3):
        slider.press("ArrowRight")
        rest(page)
    told(page, "7 Softmax")
    expect(stage(page).locator('[data-id="t0"]')).to_be_visible()


def test_the_strip_jumps_and_play_goes_on_by_itself(open_at: Open) -> None:
    page = open_at(START, height=1800)
    page.get_by_role("radio", name="5 Into the decoder").click()
    expect(page).to_have_url(re.compile(r"step=5\b"))
    rest(page)
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=20_000)
    expect(page).to_have_url(re.compile(r"step=([6-9]|1\d)\b"), timeout=30_000)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=20_000)
    page.wait_for_timeout(300)
    rest(page)
    before = page.url
    page.wait_for_timeout(2500)
    assert page.url == before


@pytest.mark.feature("Cross-attention alignment view", "Beam tree")
def test_pointing_at_a_word_lights_its_ribbons_candidates_and_nodes(open_at: Open) -> None:
    page = open_at(START + "&step=15", height=2200)
    stage(page).locator('[data-id="t1"]').hover()
    lit = stage(page).locator(".lit")
    ids = [i for i in lit.evaluate_all("all => all.map(e => e.dataset.id || e.dataset.on)") if i]
    assert any(re.fullmatch(r"s\d+ t1", i) for i in ids)
    assert any(i.startswith("c1.") for i in ids)
    assert any(re.match(r"n\d+", i) for i in ids)
    assert not any(i.startswith("c2.") for i in ids)
    expect(page.locator(".tip:not([hidden])").first).to_contain_text("probability")


@pytest.mark.feature("Click a candidate, re-decode from that prefix")
def test_a_candidate_is_forced_stands_beside_the_own_one_and_is_undone_where_one_clicked(
    open_at: Open,
) -> None:
    page = open_at(START + "&step=15", height=900)
    first = page.locator("h3").first.inner_text()
    candidate = stage(page).locator('[data-id^="c0."]').nth(1)
    name, before = candidate.get_attribute("data-id"), candidate.bounding_box()
    candidate.click()
    card = page.locator(".card:not([hidden])")
    card.get_by_role("button", name=re.compile("^Continue with “.*”$")).click()
    expect(card.get_by_role("button", name="Undo")).to_be_visible()
    rest(page)
    expect(page).to_have_url(re.compile(r"forced=\d+"))
    # The picture is where it was, and with it what takes the act back.
    after = stage(page).locator(f'[data-id="{name}"]').bounding_box()
    assert before is not None and after is not None and abs(after["y"] - before["y"]) < 60
    beside = page.locator('.stage svg:has([data-id="v1.0"])')
    expect(beside).to_contain_text("With your prefix")
    link = page.url
    card.get_by_role("button", name="Undo").click()
    rest(page)
    expect(page.locator("h3").first).to_have_text(first)
    assert "forced" not in page.url and "step=15" in page.url
    again = open_at(link, height=2200)
    expect(again.locator('.stage svg:has([data-id="v1.0"])')).to_be_visible()


def test_a_candidate_is_forced_and_undone_by_the_keyboard(open_at: Open) -> None:
    page = open_at(START + "&step=8", height=1400)
    first = page.locator("h3").first.inner_text()
    stage(page).locator('[data-id^="c0."]').first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    card = page.locator(".card:not([hidden])")
    expect(card.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    undo = card.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    rest(page)
    expect(page.locator("h3").first).not_to_have_text(first)
    page.keyboard.press("Enter")
    expect(page.locator("h3").first).to_have_text(first)


def test_a_click_on_a_small_head_shows_it_in_large(open_at: Open) -> None:
    page = open_at(START + "&show=Alignment", height=1400)
    page.locator('.stage [data-id="h1.2"]').click()
    expect(page).to_have_url(re.compile(r"cross_layer=layer\+2"))
    rest(page)
    matrix = page.locator(".stage g.matrix")
    box = matrix.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    expect(page.locator(".tip:not([hidden])").first).to_contain_text("weight")


def test_choices_last_through_steps_and_views_that_do_not_show_them(open_at: Open) -> None:
    page = open_at(START + "&step=8&cross_layer=layer+2", height=1800)
    page.get_by_role("radio", name="2 Embed").click()
    rest(page)
    page.get_by_role("radio", name="Alignment").click()
    expect(page).to_have_url(re.compile(r"cross_layer=layer\+2"))
    rest(page)
    page.get_by_role("radio", name="Step by step").click()
    told(page, "2 Embed")
    rest(page)
    page.get_by_role("slider", name="Step").press("ArrowRight")
    told(page, "3 Encode")
    rest(page)
    page.get_by_role("radio", name="8 Loop, then text").click()
    expect(page).to_have_url(re.compile(r"cross_layer=layer\+2"))


@pytest.mark.parametrize("step", ["2", "7", "20"])
def test_nothing_sticks_out_of_a_phone(open_at: Open, step: str) -> None:
    page = open_at(START + f"&step={step}", width=390, height=844, allow=())
    wide = page.evaluate(
        "document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth"
    )
    assert wide <= 0
    shot(page, f"translation-phone-{step}")


def test_the_space_bar_plays_but_not_while_somebody_types(open_at: Open) -> None:
    page = open_at(START + "&step=2", height=1400)
    told(page, "2 Embed")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=20_000)
    expect(page).to_have_url(re.compile(r"step=[3-9]\b"), timeout=30_000)
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=20_000)
    box = page.get_by_label("Text to translate")
    box.click()
    box.press_sequentially(" a b")
    rest(page)
    expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=20_000)


@pytest.mark.feature("Edit source, compare old and new")
def test_a_source_word_is_clicked_replaced_and_taken_back(open_at: Open) -> None:
    page = open_at(START + "&step=15", height=2200)
    first = page.locator("h3").first.inner_text()
    stage(page).locator('[data-id="s4"]').click()
    box = page.get_by_label(re.compile("^Replace “.*” with$"))
    box.fill("poire")
    box.press("Enter")
    beside = page.locator('.stage svg:has([data-id="v1.0"])')
    expect(beside).to_contain_text("“poire” for", timeout=20_000)
    rest(page)
    expect(page).to_have_url(re.compile("swap="))
    again = open_at(page.url, height=2200)
    expect(again.locator('.stage svg:has([data-id="v1.0"])')).to_contain_text(
        "“poire” for", timeout=20_000
    )
    shot(again, "translation-replaced")
    page.get_by_role("button", name="Undo").first.click()
    rest(page)
    expect(page.locator("h3").first).to_have_text(first, timeout=20_000)


def test_candidates_of_a_place_are_read_from_a_table(open_at: Open) -> None:
    page = open_at(START + "&step=8", height=2200)
    page.get_by_text("Table").last.click()
    table = page.get_by_role("table")
    expect(table.get_by_role("columnheader", name="probability")).to_be_visible(timeout=20_000)
    expect(table.get_by_role("row")).to_have_count(11)
