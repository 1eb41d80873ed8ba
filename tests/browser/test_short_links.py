"""Share: a link made on one server opens on another; a picture stands in somebody else's page."""

from __future__ import annotations

import http.server
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser import servers
from tests.browser.conftest import Open, rest, shot

SEA = "The+sea+is+blue+and+the+sky+is+blue"
VIEWS = {
    "/": "model=tales-gpt",
    "/Tokenization": "view=Step+by+step",
    "/Embeddings": "view=Vocabulary&layout=Custom+axis&measure=euclid",
    "/Attention": f"model=tales-gpt&view=Lines&layer=2&head=3&threshold=12&spot=q3&text={SEA}",
    "/Translation": "show=Alignment&cross_layer=layer+2&cross_head=head+3&no_end=true",
    "/Decoding": "model=tales-gpt&length=6&seed=7&write=yes&c1=greedy&c2=top-k+5&at=c1+t2",
}

BARS = """() => [...(globalThis.atlasPictures?.values() ?? [])]
  .some((one) => one.includes("Next token"))"""


def share(page: Page) -> str:
    """Press Share and make the short link."""
    page.get_by_test_id("stPopoverButton").filter(has_text="Share").click()
    page.get_by_role("button", name="Create short link").click()
    return page.get_by_role("textbox", name="Short link").input_value(timeout=20_000)


def pictures(page: Page) -> list[str]:
    """Every picture that is on the screen, as the server drew it."""
    page.locator(".stage svg, .grid, canvas").first.wait_for()
    if "/Decoding" in page.url:  # between two looks at what is written the page rests, too
        expect(page.get_by_role("button", name="Stop")).to_be_disabled()
        page.wait_for_function(BARS)
    rest(page)
    return page.evaluate("() => [...(globalThis.atlasPictures?.values() ?? [])].sort()")


@pytest.mark.timeout(400)
def test_a_link_made_on_one_server_opens_on_another_after_a_restart(
    open_at: Open, tmp_path: Path
) -> None:
    store = {"ATLAS_LINKS": str(tmp_path / "links.sqlite")}
    made: dict[str, tuple[str, list[str]]] = {}
    with servers.started(tmp_path / "one", **store) as one:
        for path, query in VIEWS.items():
            page = open_at(f"{one}{path}?{query}")
            link = share(page)
            page.keyboard.press("Escape")
            made[link.removeprefix(one)] = (page.url, pictures(page))
            page.goto("about:blank")  # it would miss its server
    assert len(made) == len(VIEWS)
    with servers.started(tmp_path / "two", **store) as other:
        for short, (long, drawn) in made.items():
            assert re.fullmatch("/s/[a-z2-7]{10}", short)
            page = open_at(other + short)
            assert urlsplit(page.url).path == urlsplit(long).path
            assert "s=" not in re.split("[?&]", page.url)
            expect(page.get_by_test_id("stAlert")).to_have_count(0)
            assert pictures(page) == drawn and (drawn or "Embeddings" in long)
            if "/Attention" in long:  # the same picture has the same link there
                assert share(page).removeprefix(other) == short
            page.goto("about:blank")


def test_the_panel_shows_what_is_in_the_link_and_says_where_it_opens(open_at: Open) -> None:
    page = open_at(f"/Attention?model=tales-gpt&layer=2&head=3&text={SEA}+%3Cb%3E")
    link = share(page)
    panel = page.get_by_test_id("stPopoverBody").last
    expect(panel.get_by_text("It opens on this computer only.")).to_be_visible()
    expect(panel.get_by_role("img", name="QR code of the short link")).to_be_visible()
    page.get_by_role("button", name="Copy: Short link").click()
    expect(panel.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    long = page.get_by_role("textbox", name="Long link").input_value()
    assert parse_qs(urlsplit(long).query)["layer"] == ["2"]
    panel.get_by_text("What is in this link").click()
    table = panel.get_by_role("table")
    for words in ("Attention", "tales-gpt", "sky is blue <b>", "Layer", "Color scale"):
        expect(table).to_contain_text(words)


def test_the_qr_code_is_read_as_the_short_link(open_at: Open) -> None:
    page = open_at(f"/Attention?model=tales-gpt&text={SEA}")
    link = share(page)
    (code,) = page.get_by_role("img", name="QR code of the short link").all()
    # Nothing here reads QR codes: the same text gives the same modules, drawn another way.
    import base64

    import segno

    svg = base64.b64decode((code.get_attribute("src") or "").split(",")[1]).decode()
    dark = {(int(x) - 4, int(y) - 4) for x, y in re.findall(r"M(\d+),(\d+)h1v1", svg)}
    rows = segno.make_qr(link, error="m").matrix
    assert dark == {(x, y) for y, row in enumerate(rows) for x, one in enumerate(row) if one}


def test_without_a_clipboard_the_short_link_is_copied_the_old_way(open_at: Open) -> None:
    page = open_at("/Attention?model=tales-gpt")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    share(page)
    page.get_by_role("button", name="Copy: Short link").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    page.evaluate("document.execCommand = () => false")
    page.get_by_role("button", name="Copy: Long link").click()
    expect(page.get_by_text("Press Ctrl+C")).to_be_visible()


def test_a_changed_picture_asks_for_a_link_of_its_own(open_at: Open) -> None:
    page = open_at(f"/Attention?model=tales-gpt&layer=2&head=3&text={SEA}")
    first = share(page)
    page.keyboard.press("Escape")
    page.locator(".st-key-head-grid [data-id]").first.click()
    rest(page)
    assert share(page) != first


def test_a_long_text_is_carried_and_stays_when_the_page_is_loaded_again(open_at: Open) -> None:
    text = "A rather short story. " * 1200  # 26 kB
    page = open_at("/Tokenization")
    box = page.get_by_role("textbox", name="Text", exact=True)
    box.fill(text)
    rest(page)
    link = share(page)
    again = open_at(link)
    expect(again.get_by_role("textbox", name="Text", exact=True)).to_have_value(text)
    assert "text_of=" in again.url and "text=" not in re.split("[?&]", again.url)[-1]
    other = open_at(again.url)  # what somebody copies from the address bar
    expect(other.get_by_role("textbox", name="Text", exact=True)).to_have_value(text)
    other.get_by_role("textbox", name="Text", exact=True).fill("Another text.")
    rest(other)
    expect(other).not_to_have_url(re.compile("text_of="))


def test_an_unknown_link_is_a_page_with_a_way_on(open_at: Open, server: str, page: Page) -> None:
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(f"{server}/s/aaaaaaaaaa", timeout=20)
    assert answer.value.code == 404
    assert "frame-ancestors 'self'" in answer.value.headers["Content-Security-Policy"]
    strange = page.context.new_page()
    strange.goto(f"{server}/s/aaaaaaaaaa")
    expect(strange.get_by_text("This link is not known here.")).to_be_visible()
    strange.get_by_role("link", name="Open Transformer Atlas").click()
    rest(strange)
    expect(strange.locator("h1")).to_have_text("Transformer Atlas")


# ---------------------------------------------------------------------- in somebody else's page

PLAIN = """<!doctype html><html lang="en"><title>A school's page</title>
<link rel="icon" href="data:,">
<h1>Lesson 3</h1><p>Look where the head attends.</p>{frame}<p>Then answer.</p>"""
# As Moodle shows what a teacher embeds: among blocks and a menu, in a frame with few rights.
MOODLE = """<!doctype html><html lang="en"><head><title>Course: Language models</title>
<link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ margin: 0; font: 15px sans-serif; }} #page {{ display: flex; flex-wrap: wrap; }}
main {{ flex: 1 1 20rem; min-width: 0; padding: 1rem; }} aside {{ flex: 0 1 14rem; padding: 1rem; }}
.no-overflow {{ overflow: auto; }} iframe {{ max-width: 100%; }}</style></head>
<body><nav><a href="#">Dashboard</a> <a href="#">My courses</a></nav><div id="page">
<aside><h2>Topics</h2><ul><li>Attention<li>Decoding</ul></aside>
<main><h1>Attention</h1><div class="no-overflow"><p>Look where the head attends.</p>
{frame}<p>Mark as done</p></div></main></div></body></html>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def school(tmp_path: Path) -> Iterator[tuple[str, Callable[[str, str], None]]]:
    """A site of its own: its address, and what writes a page of it."""
    folder = tmp_path / "school"
    folder.mkdir()
    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield (
            f"http://127.0.0.1:{site.server_port}",
            lambda name, text: (folder / name).write_text(text) and None,
        )
        site.shutdown()


def frame_of(page: Page) -> FrameLocator:
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("Open in Transformer Atlas")).to_be_visible(timeout=40_000)
    return frame


def seen(frame: FrameLocator) -> str:
    return frame.locator("[data-testid=stMainBlockContainer]").inner_text()


@pytest.mark.timeout(300)
def test_a_picture_stands_alone_in_pages_of_others(
    open_at: Open, tmp_path: Path, school: tuple[str, Callable[[str, str], None]]
) -> None:
    site, write = school
    with ExitStack() as stack:
        here = stack.enter_context(
            servers.started(tmp_path / "server", ATLAS_FRAME_ANCESTORS=f"'self' {site}")
        )
        made = open_at(f"{here}/Attention?model=tales-gpt&layer=2&head=3&text={SEA}")
        link = share(made)
        made.get_by_text("Embed in a web page").click()
        made.get_by_text("Dark", exact=True).click()
        lines = made.get_by_role("textbox", name="HTML")
        expect(lines).to_have_value(re.compile("dark_theme"))
        snippet = lines.input_value()
        preview = made.frame_locator("iframe[src*='embed=true']")
        expect(preview.get_by_text("Open in Transformer Atlas")).to_be_visible(timeout=40_000)
        drawn = made.locator(".st-key-attention-map svg").first.evaluate("n => n.outerHTML.length")

        write("plain.html", PLAIN.format(frame=snippet))
        page = made.context.new_page()
        page.goto(f"{site}/plain.html")
        frame = frame_of(page)
        expect(frame.locator(".st-key-attention-map svg").first).to_be_visible()
        words = seen(frame)
        assert words.startswith("Attention") and "Open in Transformer Atlas" in words
        for hidden in ("Samples", "Copy link", "Share", "Extend the text", "Options", "Layer 2"):
            assert hidden not in words, hidden
        assert frame.locator("svg").first and drawn > 1000
        ground = frame.locator("[data-testid=stApp]").evaluate(
            "n => getComputedStyle(n).backgroundColor"
        )
        assert ground == "rgb(20, 23, 29)"  # dark, as the snippet says, in a light browser
        with page.context.expect_page() as opened:
            frame.get_by_text("Open in Transformer Atlas").click()
        whole = opened.value
        rest(whole)
        expect(whole.get_by_test_id("stPopoverButton").filter(has_text="Share")).to_be_visible()
        assert "layer=2" in whole.url and "embed" not in whole.url

        light = f'<iframe src="{link}?embed=true&embed_options=light_theme" title="Attention" \
sandbox="allow-scripts allow-same-origin allow-popups" width="100%" height="480"></iframe>'
        write("moodle.html", MOODLE.format(frame=light))
        for width in (1280, 390):
            page = made.context.new_page()
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{site}/moodle.html")
            frame = frame_of(page)
            picture = frame.locator(".st-key-attention-map svg").first
            expect(picture).to_be_visible()
            box = page.locator("iframe").bounding_box()
            assert box and box["height"] <= 486
            sideways = frame.locator("html").evaluate("n => n.scrollWidth - n.clientWidth")
            # A picture whose letters would be too small goes on sideways in its own place.
            stage = frame.locator(".st-key-attention-map").first
            assert sideways <= 0 and (stage.bounding_box() or {})["width"] <= width
            if (picture.bounding_box() or {})["width"] > width:
                expect(frame.locator(".st-key-attention-map .more.right")).to_be_visible()
            # Pointing at it works as in the app.
            frame.locator(".st-key-attention-map svg").first.hover()
            shot(page, f"embed-{width}")


def test_a_page_that_is_not_allowed_shows_no_picture(
    open_at: Open, server: str, school: tuple[str, Callable[[str, str], None]]
) -> None:
    site, write = school
    page = open_at(
        f"/Attention?model=tales-gpt&text={SEA}", allow=("frame-ancestors", "Framing", "404")
    )
    link = share(page)
    page.keyboard.press("Escape")
    for address in (
        f"{server}/Attention?embed=true",
        f"{link}?embed=true",
        f"{server}/s/aaaaaaaaaa?embed=true",
        f"{server}/",
    ):
        write("forbidden.html", PLAIN.format(frame=f'<iframe src="{address}" title="x"></iframe>'))
        refused: list[str] = []
        page.on("console", lambda message, told=refused: told.append(message.text))
        page.goto(f"{site}/forbidden.html")
        page.wait_for_timeout(1500)
        assert any("frame-ancestors" in text for text in refused), address
        (inner,) = (one for one in page.frames if one != page.main_frame)
        assert inner.locator("[data-testid=stApp], main").count() == 0, address


EMBEDDED = (
    "/",
    "/Tokenization",
    "/Tokenization?view=Compare+tokenizers",
    "/Tokenization?view=Vocabulary",
    "/Embeddings",
    "/Attention?view=Inside&model=tales-gpt",
    "/Attention?view=Layers",
    "/Translation?show=Compare",
    "/Decoding?model=tales-gpt&length=6&write=yes",
    "/Decoding?model=tales-bert",
)


@pytest.mark.parametrize("address", EMBEDDED)
def test_every_page_can_be_embedded(open_at: Open, address: str) -> None:
    asked = f"{address}{'&' if '?' in address else '?'}embed=true"
    page = open_at(asked, width=390, height=700)
    expect(page.get_by_text("Open in Transformer Atlas")).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    for role in ("combobox", "slider", "spinbutton", "textbox"):
        assert page.locator(f"[role={role}]:visible").count() == 0, role
    shown = page.locator(
        ".stage svg:visible, .stage [data-id]:visible, .grid:visible, canvas:visible"
    )
    expect(shown.first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
