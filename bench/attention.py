"""`python -m bench.attention`: the Attention page's speed in Chromium, and heads by what they do.

    --quick   fewer repetitions
    heads     only the heads that stand out in each sample, measured on the models that are here

Times are from a click to the new picture in the page, on a server of its own with the shipped
models; bytes are what came through the socket for one change of head. Goals are the project's.
"""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.app import BROWSERS, server
from bench.measure import Row, Times, below, machine, table, timed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SENTENCE = "the cat sat on the mat and the boy said that he was not there "
MODEL = "tales-gpt"
HEADS = tuple(f"{1 + n % 6}.{1 + n * 3 % 8}" for n in range(1, 40))
BYTES = """() => {
  const data = Object.getOwnPropertyDescriptor(MessageEvent.prototype, "data");
  const seen = new WeakSet();
  window.received = 0;
  Object.defineProperty(MessageEvent.prototype, "data", { ...data, get() {
    const value = data.get.call(this);
    if (this.target instanceof WebSocket && !seen.has(this)) {
      seen.add(this);
      window.received += value.byteLength ?? value.size ?? value.length;
    }
    return value;
  } });
}"""


def main() -> int:
    """Print the tables."""
    if "heads" in sys.argv[1:]:
        print(table("Heads that stand out", heads()))
        return 0
    print(f"# Attention\n\n{machine()}", flush=True)
    print(table("All heads at once, without a browser", [*grid()]), flush=True)
    quick = "--quick" in sys.argv[1:]
    with chromium() as browser, server() as (address, _):
        for title, rows in sections(browser, address, quick):
            print(table(title, rows), flush=True)
    return 0


def sections(browser: Browser, address: str, quick: bool) -> Iterator[tuple[str, list[Row]]]:
    """The parts that need a browser, in order."""
    times = 8 if quick else 24
    yield (
        "A change of head",
        [
            *change(browser, address, 64, times=times, most_ms=120, most_kb=300),
            *change(browser, address, limit(512), times=times, most_ms=300, most_kb=1000),
        ],
    )
    yield "A second user", second(browser, address, times=times)


def change(
    browser: Browser, address: str, count: int, *, times: int, most_ms: float, most_kb: float
) -> Iterator[Row]:
    """From the click on a small picture to the head in the large one, and what it weighs."""
    page = opened(browser, address, count)
    found, sizes = [], []
    for head in HEADS[: times + 2]:
        page.evaluate("window.received = 0")
        found.append(click(page, head))
        page.wait_for_timeout(400)
        sizes.append(page.evaluate("window.received") / 1e3)
    page.close()
    what = f"another head at {count} tokens"
    yield below(what, Times(tuple(found[2:])), most_ms)
    middle = sorted(sizes[2:])[len(sizes[2:]) // 2]
    yield Row(f"{what}, on the wire", f"{middle:.0f} kB", f"under {most_kb:g} kB", middle < most_kb)


def second(browser: Browser, address: str, *, times: int) -> list[Row]:
    """One user's clicks alone, and while another sends text after text of 64 tokens."""
    page = opened(browser, address, 64)
    alone = Times(tuple(click(page, head) for head in HEADS[:times]))
    stop = threading.Event()
    busy = threading.Thread(target=writing, args=(address, stop))
    busy.start()
    time.sleep(4)  # its browser starts
    beside = Times(tuple(click(page, head) for head in HEADS[times : 2 * times]))
    stop.set()
    busy.join()
    page.close()
    delay = 1e3 * (beside.median - alone.median)
    measured = f"{beside} against {alone}: {delay:+.0f} ms"
    return [Row("a click beside a user who sends texts", measured, "50 ms later", delay < 50)]


def writing(address: str, stop: threading.Event) -> None:
    """A user who opens another text as soon as the last one is drawn."""
    with chromium() as browser:
        page = browser.new_page()
        turn = 0
        while not stop.is_set():
            turn += 1
            page.goto(f"{address}/Attention?model={MODEL}&text={turn}+{text(60)}")
            page.locator(".stage svg g.matrix").first.wait_for(timeout=60_000)


def grid() -> Iterator[Row]:
    """The picture of 12 x 12 heads at 64 tokens, from weights to SVG."""
    import numpy as np

    from pages.views.attention_grid import head_grid, thumbnails

    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(64, 0.1), size=(12, 12, 64)).astype(np.float32)
    open_cells = np.tri(64, dtype=bool)

    def draw() -> None:
        pictures = thumbnails(weights, open_cells)
        head_grid(weights, open_cells, title="all heads", pictures=pictures)

    yield below("12 x 12 heads of 64 tokens drawn", timed(draw, times=8), 400)


def heads() -> list[Row]:
    """For every sample of the page and shipped model the heads that measures single out."""
    from engine.heads import standing_out
    from engine.values import Kind, Reading
    from pages.shell import cache
    from pages.shell.frame import samples

    cases: tuple[tuple[str, Kind], ...] = (
        ("tales-gpt", "decoder"),
        ("tales-bert", "encoder"),
        ("fr-en", "encoder"),
        ("fr-en", "cross"),
    )
    rows = []
    for one in samples():
        for model, kind in cases:
            if "Attention" not in one.pages or model not in (
                one.models or ("tales-gpt", "tales-bert")
            ):
                continue
            reading = (
                cache.translated(model, one.text) if kind == "cross" else Reading(model, one.text)
            )
            layers = range(cache.stack(model, kind).layers)
            best = standing_out([cache.measures(reading, kind, layer) for layer in layers])
            found = ", ".join(
                f"{b.measure.title} {b.layer + 1}.{b.head + 1} ({b.value:.2f}, even {b.even:.2f})"
                for b in best
            )
            rows.append(Row(f"{one.name}: {model}, {kind}", found or "none"))
    return rows


def opened(browser: Browser, address: str, count: int) -> Page:
    """The page with a text of so many tokens, at rest, all its layers seen once."""
    page = browser.new_page(viewport={"width": 1440, "height": 1200})
    page.add_init_script(f"({BYTES})()")
    page.goto(f"{address}/Attention?model={MODEL}&text={text(count)}")
    page.locator(".stage svg g.matrix").first.wait_for(timeout=60_000)
    page.wait_for_timeout(1500)
    for layer in range(1, 7):
        click(page, f"{layer}.8")
    return page


def click(page: Page, head: str) -> float:
    """Seconds from a click on a head's small picture to its heading and its map."""
    small = page.locator(f'.stage svg [data-id="h{head}"]').first
    large = page.locator(f'.stage svg[aria-label^="Attention map of head {head}"]')
    small.scroll_into_view_if_needed()
    began = time.perf_counter()
    small.click(force=True)
    large.wait_for(timeout=30_000)
    return time.perf_counter() - began


def text(count: int) -> str:
    """A text of about `count` tokens, as an address holds it."""
    many = (SENTENCE * (1 + count // 12)).split()[:count]
    return re.sub(r"\s+", "+", " ".join(many))


def limit(count: int) -> int:
    """So many tokens, or as many as the shipped model reads."""
    from pages.shell import cache

    return min(count, (cache.card(MODEL).limit or count) - 8)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium without a window."""
    from playwright.sync_api import sync_playwright

    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield browser
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
