"""Nothing leaves the machine: every button of every page is pressed, every popover opened.

Buttons that differ in a number only (a token, a sample, a head), or in the picture that they save,
are of one kind: of each kind one is pressed. Those around all pages are pressed on one of them.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ElementHandle, Page
from playwright.sync_api import Error as Failed
from playwright.sync_api import TimeoutError as Late

from tests.browser.conftest import HERE, Open
from tests.browser.walks import WALKS, Walk, settled

LONGEST = 240  # seconds that one page may take
ALL_PAGES = "Attention"  # where what all pages have around them is pressed, too
# The kinds of these: samples, link and embedding, making a lesson, help.
AROUND = (
    r"^(st-key-(samples?|copy-link|share-(panel|theme|qr|height)|own|atlas-author)\b| Dismiss$)"
)
# Buttons in sight that can be pressed, in shadow trees too, those of an open popover first, each
# with its kind: the key of its place without numbers and what is written on it; of places that are
# counted, and of names on a map, the key alone.
FIND = """([pressed, left]) => {
  const found = [];
  const place = (node) => {
    for (let up = node; up; up = up.parentElement ?? up.getRootNode().host) {
      const key = [...up.classList].find((name) => name.startsWith("st-key-"));
      if (key) return key;
    }
    return "";
  };
  const look = (tree) => {
    for (const node of tree.querySelectorAll("*")) {
      if (node.shadowRoot) look(node.shadowRoot);
      // The bar of views is pressed by the walk; what downloads a model, by test_real_models.
      if (!node.matches("button, .modebar-btn") || node.closest("[aria-label=View]")) continue;
      if (node.closest(".st-key-add-real")) continue;
      if (node.disabled || node.closest("[aria-disabled=true]")) continue;
      const { width, height } = node.getBoundingClientRect();
      if (!width || !height || getComputedStyle(node).visibility === "hidden") continue;
      const key = place(node), many = /\\d/.test(key) || node.closest(".labels");
      const said = node.getAttribute("aria-label") || node.dataset.title || node.textContent;
      const kind = `${key} ${many ? node.className : (said || "").trim()}`
        .replace(/\\d+(\\.\\d+)*/g, "#").replace(/“[^”]*”/g, "“…”")
        .replace(/^st-key-share-(?!panel|theme|qr|height)[\\w-]+ /, "st-key-share-picture ");
      const inside = node.closest("[data-testid=stPopoverBody], [role=dialog]") !== null;
      if (pressed.includes(kind) || (left && new RegExp(left).test(kind))) continue;
      found.push({ node, kind, inside });
    }
  };
  look(document);
  found.sort((a, b) => b.inside - a.inside);
  return found[0] ?? null;
}"""
LINKS = """() => {
  const found = [];
  const look = (tree) => {
    for (const node of tree.querySelectorAll("*")) {
      if (node.shadowRoot) look(node.shadowRoot);
      const to = node.getAttribute("href") || node.getAttribute("action");
      if (to && node.matches("a, form")) found.push(new URL(to, location).href);
    }
  };
  look(document);
  return found;
}"""


@pytest.mark.parametrize("walk", WALKS, ids=str)
def test_no_button_of_a_page_leads_out(open_at: Open, walk: Walk) -> None:
    # A request to another address fails the journey by itself; so do those of further windows.
    # A file is made anew with each run of the page: a press in between asks for one that is gone.
    gone = ("404 (Not Found)", "Download Button source error")
    page = open_at(f"/{walk.path}", allow=gone)
    outside: list[str] = []
    missed: list[str] = []
    page.context.on("request", lambda request: outside.append(request.url))
    page.context.on(
        "response", lambda answer: missed.append(answer.url) if answer.status == 404 else None
    )
    pressed: list[str] = []
    end = time.monotonic() + LONGEST
    for view in walk.shown(page):
        while kind := press(page, pressed, "" if walk.title == ALL_PAGES else AROUND):
            pressed.append(kind)
            assert time.monotonic() < end, f"{view}: {len(pressed)} kinds pressed, not all"
        page.keyboard.press("Escape")
        outside += page.evaluate(LINKS)
        if page.get_by_role("listbox").count():  # of a place that a click by the script has closed
            page.reload()
        if urlsplit(page.url).path.strip("/") != ("" if walk.title == "Home" else walk.title):
            page.goto(f"{page.url.split('/', 3)[0]}//{urlsplit(page.url).netloc}/{walk.path}")
    web = {"http", "https", "ws", "wss"}
    parts = [urlsplit(one) for one in outside]
    assert not [one.geturl() for one in parts if one.scheme in web and one.hostname not in HERE]
    files = re.compile(r"(/\w+)?/(media|_stcore)/")
    assert not [one for one in missed if not files.match(urlsplit(one).path)]
    assert len(pressed) > (4 if walk.title == "Learn" else 5)
    assert page.get_by_test_id("stException").count() == 0


PLANTED = """
<main data-testid=stApp data-test-script-state=notRunning>
  <div class=st-key-one><button>Share</button><button disabled>Not this</button></div>
  <div class=st-key-pick-1><button>a</button></div><div class=st-key-pick-2><button>b</button></div>
  <div aria-label=View><button>A view</button></div>
  <div data-testid=stPopoverBody><button>In a popover</button></div><div class=shadow></div>
</main>"""
PLANT = """() => {
  const tree = document.querySelector(".shadow").attachShadow({ mode: "open" });
  tree.innerHTML = "<button>In a shadow tree</button>";
  globalThis.clicked = [];
  document.addEventListener("click", (event) => clicked.push(event.composedPath()[0].textContent));
}"""


def test_each_kind_is_pressed_once_in_popovers_first_and_in_shadow_trees(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content(PLANTED)
    page.evaluate(PLANT)
    pressed: list[str] = []
    while kind := press(page, pressed):
        pressed.append(kind)
    clicked = page.evaluate("globalThis.clicked")
    assert clicked == ["In a popover", "Share", "a", "In a shadow tree"]
    page.close()


def press(page: Page, pressed: list[str], left: str = "") -> str | None:
    """Press a button of a kind that was not pressed yet; its kind, None where there is none.

    Kinds that match `left` are left alone.
    """
    found = page.evaluate_handle(FIND, [pressed, left])
    node = (
        found.get_property("node").as_element() if found.evaluate("one => one !== null") else None
    )
    if node is None:
        return None
    kind = str(found.get_property("kind").json_value())
    click(node)
    quiet(page)
    return kind


def click(node: ElementHandle) -> None:
    """A click as a person's; by the script where something floats over the button."""
    with suppress(Failed):  # it went with what was pressed before
        try:
            node.click(timeout=600)
        except Late:
            node.evaluate("node => node.isConnected && node.click()")


def quiet(page: Page) -> None:
    """Wait for what was pressed; what plays or writes on is not waited for."""
    try:
        page.wait_for_timeout(60)
        page.wait_for_function(
            "() => document.querySelector('[data-testid=stApp]')"
            "?.getAttribute('data-test-script-state') === 'notRunning'",
            timeout=3000,
        )
    except Late:
        settled(page)
