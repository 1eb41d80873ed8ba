"""A model found on the Hub (a stand-in here): typed, chosen from the list by keyboard, added."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import servers
from tests.browser.conftest import Open, rest, shot
from tests.engine.checkpoints import save
from tests.engine.hub_stand_in import Manners, hub, listed

MANNERS = Manners(
    listed=[
        listed("maker/tiny-gpt2", downloads=1_234_567, numbers=9_000, licence="mit"),
        listed("meta-llama/tiny-llama-with-a-name-that-goes-on-and-on-for-a-while-Instruct-v0.3",
               "llama", numbers=1_236_000_000, stored="BF16", licence="llama3.2", gated="manual"),
        listed("maker/tiny-*bold*_and_`code`", downloads=3),
        listed("maker/tiny.bert", "bert", downloads=12, licence="apache-2.0"),
        listed("maker/tiny-vision", "clip"),
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("searched")
    save("gpt2", folder / "tiny")
    with (
        hub({"maker/tiny-gpt2": folder / "tiny"}, manners=MANNERS) as address,
        servers.started(
            folder / "server",
            ATLAS_ADD_MODELS="all",
            HF_ENDPOINT=address,
            HF_HUB_OFFLINE="0",
            HF_HUB_DISABLE_XET="1",
            HF_HOME=str(folder / "cache"),
        ) as app,
    ):
        yield app


def typed(page: Page, words: str) -> None:
    field = page.get_by_role("textbox", name="Hub id")
    field.click()
    field.press_sequentially(words, delay=60)


def test_typed_chosen_from_the_list_and_added(searched: str, open_at: Open) -> None:
    page = open_at(f"{searched}/", cold=True)
    main, found = page.get_by_test_id("stMain"), page.locator(".st-key-add-found button")
    typed(page, "tiny")
    expect(found).to_have_count(3, timeout=60_000)
    expect(page.get_by_role("textbox", name="Hub id")).to_have_value("tiny")
    expect(found.nth(0)).to_have_text(
        "maker/tiny-gpt2 · decoder · 9.0 k parameters · 36 kB · mit · 1.2 M downloads"
    )
    expect(found.nth(1)).to_contain_text("2.5 GB · llama3.2 · 1.0 k downloads · gated")
    found.nth(0).scroll_into_view_if_needed()
    shot(page, "hub-search-1440")
    # By keyboard: from the field over Inspect to the first of the list.
    page.get_by_role("textbox", name="Hub id").press("Tab")
    for _ in range(4):
        if page.evaluate("document.activeElement.innerText").startswith("maker/tiny-gpt2"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(main).to_contain_text("Decoder (text generation), type gpt2.", timeout=60_000)
    expect(found).to_have_count(0)
    expect(page.get_by_role("textbox", name="Hub id")).to_have_value("maker/tiny-gpt2")
    page.get_by_text("Precision", exact=True).first.click()
    expect(main).to_contain_text("int4, groups of 32")
    page.get_by_text("int4, groups of 32").scroll_into_view_if_needed()
    rest(page)
    shot(page, "hub-precision-1440")
    page.get_by_role("button", name="Export").click()
    expect(main).to_contain_text("tiny-gpt2 is ready", timeout=240_000)


@pytest.mark.parametrize(("width", "dark"), [(1440, True), (390, False), (390, True)])
def test_the_list_fits(width: int, dark: bool, searched: str, open_at: Open) -> None:
    page = open_at(f"{searched}/", width=width, dark=dark)
    typed(page, "tiny")
    found = page.locator(".st-key-add-found button")
    expect(found).to_have_count(3, timeout=60_000)
    found.nth(0).scroll_into_view_if_needed()
    rest(page)
    shot(page, f"hub-search-{width}-{'dark' if dark else 'light'}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in found.all():
        box = button.bounding_box()
        assert box is not None and box["height"] >= 24 and box["x"] + box["width"] <= width


def test_what_is_wrong_with_the_hub_is_said_and_does_not_stop_typing(
    searched: str, open_at: Open
) -> None:
    page = open_at(f"{searched}/")
    main = page.get_by_test_id("stMain")
    typed(page, "nothing-of-this-name")
    expect(main).to_contain_text("The Hub has no text model of a known family", timeout=60_000)
    MANNERS.status, MANNERS.retry_after = 429, "41"
    try:
        typed(page, "x")
        expect(main).to_contain_text("(429). Try again in 41 seconds", timeout=60_000)
    finally:
        MANNERS.status, MANNERS.retry_after = 0, ""
    field = page.get_by_role("textbox", name="Hub id")
    expect(field).to_have_value("nothing-of-this-namex")
    field.fill("")
    typed(page, "tiny")
    expect(page.locator(".st-key-add-found button")).to_have_count(3, timeout=60_000)
