"""What the shell promises on every page, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pages.shell.menu import PAGES as MENU
from tests.browser.conftest import ROOT, Open, rest, shot

PAGES = sorted(path.stem.split("_", 1)[1] for path in (ROOT / "pages").glob("[1-9]*.py"))
READING = [name for name in PAGES if not any(one.title == name and not one.reads for one in MENU)]


@pytest.mark.parametrize("name", ["Home", *PAGES])
def test_every_page_opens_cold_by_its_address_and_is_no_wider_than_a_phone(
    open_at: Open, name: str
) -> None:
    address = "/" if name == "Home" else f"/{name}"
    page = open_at(address, cold=True)
    expect(page.locator("h1")).to_have_count(1)
    assert page.get_by_test_id("stException").count() == 0
    assert page.get_by_test_id("stAlert").count() == 0
    if name in ("Home", *READING):
        # The browser fills the box a moment after the script has ended.
        expect(page.locator("textarea").first).to_have_value(re.compile(r"\S"), timeout=20_000)
    shot(page, f"{name}-1440-light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    rest(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("node => node.scrollWidth - node.clientWidth") <= 1
    shot(page, f"{name}-390-dark")


def test_the_menu_leads_to_every_page_with_the_text_and_no_view_is_a_wrong_link_there(
    open_at: Open,
) -> None:
    page = open_at("/Attention?view=Inside&layer=3")
    words = "My own words, 5 < 6 & <b>bold</b> שלום 👩‍👩‍👧"
    page.get_by_label("Text", exact=True).fill(words)
    page.keyboard.press("Control+Enter")
    rest(page)
    for name in [*PAGES, *reversed(PAGES)]:
        page.get_by_test_id("stPageLink").get_by_text(name, exact=True).first.click()
        page.wait_for_url(re.compile(f"/{name}"))
        rest(page)
        expect(page.locator("h1")).to_have_text(name)
        assert page.get_by_text("is none of").count() == 0
        if name in READING:
            page.locator("textarea").first.wait_for()
            assert words in [box.input_value() for box in page.locator("textarea").all()], name


HOSTILE = {
    "script": "<script>document.title='owned'</script><img src=x onerror='document.title=1'>",
    "markdown": "![x](http://example.com/x.png) [y](javascript:alert(1)) $x^2$ :red[z] **b**",
    "null": "a\x00b\x07c",
    "right to left": "\u202eevil\u202c שלום עולם مرحبا",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈 e\u0301\u0301\u0301 \U0001f600",
    "blank": "   \n\t ",
}


@pytest.mark.parametrize("name", READING)
def test_hostile_texts_are_only_texts_and_very_long_ones_break_nothing(
    open_at: Open, name: str
) -> None:
    page = open_at(f"/{name}")
    box = page.get_by_label("Text", exact=True)
    if not box.count():
        box = page.locator("textarea").first
    for kind, text in HOSTILE.items():
        before = page.url
        box.fill(text)
        page.keyboard.press("Control+Enter")
        expect(page, kind).not_to_have_url(before)  # the page has heard of it
        rest(page)
        assert page.title().endswith("Transformer Atlas"), kind
        assert page.get_by_test_id("stException").count() == 0, kind
        expect(page.locator("h1"), kind).to_have_text(name)
    box.fill("long text " * 10_000)
    page.keyboard.press("Control+Enter")
    expect(page).not_to_have_url(re.compile("text="))
    rest(page)
    assert page.get_by_test_id("stException").count() == 0
    page.get_by_test_id("stPageLink").get_by_text("Transformer Atlas").click()
    rest(page)
    expect(page.locator("h1")).to_be_visible()


def test_a_sample_is_said_to_be_interesting_and_becomes_the_text(open_at: Open) -> None:
    page = open_at("/Attention")
    page.get_by_role("button", name="Samples").click()
    expect(page.get_by_text("One spelling, two meanings")).to_be_visible()
    page.get_by_role("button", name="Two banks").click()
    rest(page)
    assert "bank" in page.get_by_label("Text", exact=True).input_value()
    assert "bank" in page.url


def test_what_a_page_shows_can_be_saved(open_at: Open, tmp_path: Path) -> None:
    page = open_at("/Attention")
    page.locator(".stage svg").first.wait_for()
    # The PNG is drawn from the picture that the page keeps: it is there once it is played.
    page.wait_for_function("globalThis.atlasPictures?.size > 0")
    rest(page)
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("button", name="PNG image").first).to_be_enabled(timeout=20_000)
    for label, start in {
        "PNG image": b"\x89PNG",
        "SVG drawing": b"<?xml",
        "Web page": b"<!doctype html>",
        "CSV": b"",
        "JSON": b"{",
    }.items():
        with page.expect_download() as waiting:
            page.get_by_role("button", name=label).first.click()
        file = tmp_path / label
        waiting.value.save_as(file)
        content = file.read_bytes()
        assert content.startswith(start) and len(content) > 200, label


@pytest.mark.parametrize("width, dark", [(1440, False), (390, True)])
def test_the_lines_of_a_picture_are_copied_from_its_menu(
    open_at: Open, width: int, dark: bool
) -> None:
    link = "/Attention?model=tales-gpt&text=A+fox+ran.&layer=2&head=3"
    page = open_at(link, width=width, dark=dark)
    menu = page.locator(".st-key-share-attention")
    menu.get_by_role("button", name="Save").click()
    page.get_by_text("Copy as Python").click()
    field = page.get_by_role("textbox", name="Numbers of this picture")
    expect(field).to_have_value(re.compile(r"Reading\('tales-gpt', 'A fox ran\.'\)"))
    assert "layer=1, head=2" in field.input_value()
    rest(page)
    page.get_by_role("button", name="Copy: Numbers of this picture").click()
    expect(page.get_by_text("Copied.", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == field.input_value()
    shot(page, f"copy-as-python-{width}-{'dark' if dark else 'light'}")


def test_a_saved_page_plays_without_the_app(open_at: Open, tmp_path: Path) -> None:
    page = open_at("/Attention")
    page.get_by_role("button", name="Save").first.click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Web page").first.click()
    file = tmp_path / "saved.html"
    waiting.value.save_as(file)
    assert not re.findall(r"(?:src|href|url\()=?[\"']?(?:https?:)?//", file.read_text())
    alone = page.context.new_page()
    errors: list[str] = []
    alone.on("pageerror", lambda error: errors.append(str(error)))
    alone.goto(file.as_uri())
    target = alone.locator("[data-id]:visible").first
    target.click()
    expect(alone.locator(".chip")).to_contain_text("Pinned")
    alone.keyboard.press("Escape")
    expect(alone.locator(".chip")).not_to_be_visible()
    assert errors == []


def test_back_leads_to_the_page_before_at_its_first_press(open_at: Open) -> None:
    page = open_at("/Tokenization?text=hello+world")
    page.get_by_role("link", name="Translation").click()
    expect(page.get_by_role("heading", name="Translation", level=1)).to_be_visible()
    rest(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Tokenization", level=1)).to_be_visible()


@pytest.mark.parametrize(
    "name, first, second",
    [
        ("Tokenization", "Tokens", "Step by step"),
        ("Attention", "Map", "Lines"),
        ("Translation", "Step by step", "Alignment"),
    ],
)
def test_back_within_a_page_gives_a_control_its_value_before(
    open_at: Open, name: str, first: str, second: str
) -> None:
    page = open_at(f"/{name}")
    bar = page.get_by_role("radiogroup", name="View").first
    expect(bar.get_by_role("radio", name=first, exact=True)).to_be_checked()
    for _ in range(3):
        bar.get_by_role("radio", name=second, exact=True).click()
        expect(page).to_have_url(re.compile(re.escape(second.split()[0])))
        rest(page)
        page.go_back()
        expect(page).not_to_have_url(re.compile(re.escape(second.split()[0])))
        expect(bar.get_by_role("radio", name=first, exact=True)).to_be_checked()
        rest(page)


def test_back_takes_away_what_was_locked_last(open_at: Open) -> None:
    page = open_at("/?text=The+king+had+a+boat")
    tokens = page.locator(".atlas svg [data-id]")
    tokens.first.click()
    expect(page).to_have_url(re.compile("token="))
    rest(page)
    page.go_back()
    expect(page).not_to_have_url(re.compile("token="))
    rest(page)
    assert "token=" not in page.url and page.locator("h1").inner_text() == "Transformer Atlas"


def test_a_text_too_long_for_the_address_outlives_a_reload(open_at: Open) -> None:
    page = open_at("/Decoding")
    long = "My own text about a boat. " * 100
    box = page.get_by_label("Prompt")
    box.fill(long)
    box.press("Control+Enter")
    rest(page)
    page.reload()
    rest(page)
    expect(page.get_by_label("Prompt")).to_have_value(long)
    page.get_by_role("link", name="Attention").click()
    expect(page.get_by_label("Text")).to_have_value(long)
