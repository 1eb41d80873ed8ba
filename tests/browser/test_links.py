"""Links and locks, where only a browser tells: the copied address, the picture's grammar."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, at_rest, rest


def copied(page: Page) -> str:
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Link copied")).to_be_visible()
    return page.evaluate("navigator.clipboard.readText()")


# What it says of every page: tests/pages/test_short_links.py.
@pytest.mark.parametrize("name", ["Attention", "Decoding"])
def test_the_copied_link_writes_every_value_and_opens_the_same_page(
    open_at: Open, name: str
) -> None:
    page = open_at(f"/{name}")
    link = copied(page)
    values = parse_qs(urlsplit(link).query)
    assert values["model"] and values["text"]
    expect(page.get_by_text("It opens on this computer only")).to_be_visible()
    again = open_at(link)
    assert again.get_by_test_id("stAlert").count() == 0
    assert parse_qs(urlsplit(copied(again)).query) == values


def test_without_a_clipboard_the_old_way_copies_or_shows_the_link(open_at: Open) -> None:
    page = open_at("/Attention")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Link copied")).to_be_visible()
    page.evaluate("document.execCommand = () => false")
    page.get_by_role("button", name="Copy link").click()
    field = page.get_by_role("textbox", name="Link")
    expect(field).to_be_visible()
    assert "model=" in field.input_value()


def test_a_long_text_is_said_to_be_left_out(open_at: Open) -> None:
    page = open_at("/Attention")
    page.get_by_label("Text", exact=True).fill("A rather short story. " * 120)
    page.keyboard.press("Control+Enter")
    rest(page)
    link = copied(page)
    assert "text=" not in link
    expect(page.get_by_text(re.compile(r"2,640 characters and is left out"))).to_be_visible()


def test_a_wrong_link_says_one_sentence_and_shows_the_rest(open_at: Open) -> None:
    page = open_at("/Attention?layer=99&model=tales-gpt")
    expect(page.get_by_test_id("stAlert")).to_have_count(1)
    expect(page.get_by_test_id("stAlert")).to_contain_text("layer")
    expect(page.locator(".stage svg").first).to_be_visible()


def test_going_back_shows_the_page_before(open_at: Open) -> None:
    page = open_at("/Attention?model=tales-gpt")
    page.get_by_test_id("stPageLink").get_by_text("Decoding", exact=True).first.click()
    page.wait_for_url(re.compile("/Decoding"))
    rest(page)
    page.go_back()
    page.wait_for_url(re.compile("/Attention"))
    rest(page)
    expect(page.locator("h1")).to_have_text("Attention")
    assert page.get_by_test_id("stException").count() == 0


# The grammar of pictures, on Home's picture of the whole path


def test_hover_lights_click_locks_escape_frees(page: Page) -> None:
    token = page.locator("[data-id=s1]").first
    token.hover()
    expect(page.locator(".stage svg")).to_have_class(re.compile("active"))
    expect(page.locator(".tip")).to_contain_text("token 2")
    token.click()
    rest(page)
    expect(page.locator(".chip")).to_contain_text("Pinned")
    assert "token=s1" in page.url
    page.mouse.move(5, 5)
    expect(page.locator("[data-id=s1].locked")).to_have_count(1)
    other, opacity = page.locator("[data-id=s2]").first, "n => getComputedStyle(n).opacity"
    at_rest(other, opacity)
    assert float(other.evaluate(opacity)) < 0.5
    token.hover()
    page.keyboard.press("Escape")
    expect(page.locator(".chip")).not_to_be_visible()
    # The address follows once the server has heard.
    expect(page).not_to_have_url(re.compile("token="))


def test_a_second_click_and_the_cross_unlock(page: Page) -> None:
    token = page.locator("[data-id=s1]").first
    token.click()
    rest(page)
    token.click()
    rest(page)
    expect(page.locator(".chip")).not_to_be_visible()
    token.click()
    rest(page)
    page.get_by_role("button", name="Unlock").click()
    expect(page).not_to_have_url(re.compile("token="))


def test_a_lock_comes_with_the_link_and_stays_over_other_pages(open_at: Open) -> None:
    page = open_at("/?token=s2")
    expect(page.locator(".chip")).to_contain_text("Pinned")
    page.get_by_test_id("stPageLink").get_by_text("Attention", exact=True).first.click()
    page.wait_for_url(re.compile("/Attention"))
    rest(page)
    page.get_by_test_id("stPageLink").get_by_text("Transformer Atlas").click()
    rest(page)
    expect(page.locator(".chip")).to_contain_text("Pinned")


def test_the_keyboard_reaches_walks_and_locks(page: Page) -> None:
    page.locator("[data-id=s0]").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-id=s1]").first).to_be_focused()
    page.keyboard.press("Enter")
    rest(page)
    expect(page.locator(".chip")).to_contain_text("Pinned")
    expect(page.locator("[data-id=s1]").first).to_be_focused()
    page.keyboard.press("Escape")
    rest(page)
    expect(page.locator(".chip")).not_to_be_visible()


def test_a_picture_is_not_drawn_anew_when_nothing_changed(page: Page) -> None:
    page.locator(".stage svg").evaluate("node => (node.kept = true)")
    page.locator("[data-id=s1]").first.click()
    rest(page)
    expect(page.locator(".chip")).to_contain_text("Pinned")
    assert page.locator(".stage svg").evaluate("node => node.kept === true")


def test_touch_locks_too(open_at: Open) -> None:
    page = open_at("/", width=390, has_touch=True)
    page.locator("[data-id=s1]").first.tap()
    rest(page)
    expect(page.locator(".chip")).to_contain_text("Pinned")


def test_the_theme_reaches_the_picture(open_at: Open) -> None:
    colours = []
    for dark in (False, True):
        page = open_at("/", dark=dark)
        label = page.locator(".stage text").first
        colours.append(label.evaluate("node => getComputedStyle(node).fill"))
    assert colours[0] != colours[1]
