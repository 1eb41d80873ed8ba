"""Preference where only a browser tells: the keys that choose, and fields where they do not."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from tests.browser.conftest import Open, rest

ADDRESS = (
    "/Training?model=tales-gpt&view=Preference&drawn=16&draw_length=8"
    "&reward=Learned+from+your+choices"
)


def test_keys_choose_and_undo_but_not_where_one_types(open_at: Open) -> None:
    page = open_at(ADDRESS)
    expect(page.get_by_text("Pair 1 of", exact=False).first).to_be_visible()
    rest(page)
    page.keyboard.press("1")
    expect(page.get_by_text("Pair 2 of", exact=False).first).to_be_visible()
    page.keyboard.press("2")
    expect(page.get_by_text("Pair 3 of", exact=False).first).to_be_visible()
    rest(page)
    assert parse_qs(urlsplit(page.url).query)["choices"] == ["ab"]
    page.keyboard.press("u")
    expect(page.get_by_text("Pair 2 of", exact=False).first).to_be_visible()
    page.locator("textarea").first.click()
    page.keyboard.type("12")
    rest(page)
    assert parse_qs(urlsplit(page.url).query)["choices"] == ["a"]
