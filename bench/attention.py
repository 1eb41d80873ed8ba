"""`python -m bench.attention`: the Attention page's speed in Chromium, and heads by what they do.

    short long second grid   parts to measure (at first all four)
    heads                    instead: the heads that stand out in each sample
    --quick                  fewer repetitions
    --out FILE               keep the table in a file: it replaces the one of its title there

Times are from a click to the new picture in the page, on a server of its own with the shipped
models; bytes are what came through the socket for one change of head. Goals are the project's.
Every row is printed as soon as it is measured; a part that fails says why and ends no other.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.app import BROWSERS, server
from bench.measure import Row, Times, below, table, timed
from bench.report import every, tell
from pages.shell.cache import engine

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SENTENCE = "the cat sat on the mat and the boy said that he was not there "
TITLE = "The Attention page in Chromium"
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

# From a click to the frame in which the large picture is another head's, in milliseconds.
CLOCK = """(head) => new Promise((done) => {
  const label = `svg[aria-label^="Attention map of head ${head}"]`;
  const hosts = [...document.querySelectorAll("div")].filter((one) => one.shadowRoot);
  let began = 0;
  const start = () => (began = performance.now());
  document.addEventListener("click", start, { capture: true, once: true });
  const look = () => {
    if (!began || !hosts.some((host) => host.shadowRoot.querySelector(label))) setTimeout(look, 4);
    else requestAnimationFrame(() => setTimeout(() => (window.took = performance.now() - began)));
  };
  window.took = null;
  look();
  done();
})"""


def main() -> int:
    """Print a table, row by row."""
    parser = argparse.ArgumentParser(prog="python -m bench.attention")
    parser.add_argument("parts", nargs="*", help=", ".join((*PARTS, "heads")))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--out", type=Path, help="keep the table in this file")
    given = parser.parse_args()
    unknown = sorted({*given.parts} - {*PARTS, "heads"})
    if unknown:
        parser.error(f"no part is called {unknown[0]}")
    if "heads" in given.parts:
        print(table("Heads that stand out", heads()))
        return 0
    wanted = given.parts or [*PARTS]
    with chromium() as browser, server() as (address, _):
        parts: dict[str, Callable[[], Iterator[Row]]] = {}
        for name in wanted:
            times = 8 if given.quick else 24
            parts[name] = partial(PARTS[name], browser, address, times) if name != "grid" else grid
        tell(TITLE, every(parts), given.out)
    return 0


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


def short(browser: Browser, address: str, times: int) -> Iterator[Row]:
    """Heads of a text of 64 tokens."""
    yield from change(browser, address, 64, times=times, most_ms=120, most_kb=300)


def long(browser: Browser, address: str, times: int) -> Iterator[Row]:
    """Heads of a text of 512 tokens, or as many as the shipped model reads."""
    yield from change(browser, address, limit(512), times=times, most_ms=300, most_kb=1000)


def second(browser: Browser, address: str, times: int) -> Iterator[Row]:
    """One user's clicks, in turns alone and while another sends a text of 64 tokens a second."""
    page, other = opened(browser, address, 64), opened(browser, address, 64)
    box = other.get_by_label("Text", exact=True)
    alone: list[float] = []
    beside: list[float] = []
    for turn, head in enumerate(HEADS[:times] * 2):
        if turn % 2:
            # Sent, not waited for: the click falls into its work.
            box.fill(f"{turn} " + text(60).replace("+", " "))
            box.press("Control+Enter", no_wait_after=True)
        (beside if turn % 2 else alone).append(click(page, head))
        page.wait_for_timeout(1000)
    page.close()
    other.close()
    now, then = Times(tuple(beside)), Times(tuple(alone))
    delay = 1e3 * (now.median - then.median)
    measured = f"{now} against {then}: {delay:+.0f} ms"
    yield Row("a click while another user's text is read", measured, "50 ms later", delay < 50)


def grid() -> Iterator[Row]:
    """The picture of 12 x 12 heads at 64 tokens, from weights to SVG."""
    import numpy as np

    from pages.attention.overview.picture import head_grid, thumbnails

    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(64, 0.1), size=(12, 12, 64)).astype(np.float32)
    open_cells = np.tri(64, dtype=bool)

    def draw() -> None:
        pictures = thumbnails(weights, open_cells)
        head_grid(weights, open_cells, title="all heads", pictures=pictures)

    yield below("12 x 12 heads of 64 tokens drawn", timed(draw, times=8), 400)


PARTS: dict[str, Callable[..., Iterator[Row]]] = {
    "grid": grid,
    "short": short,
    "long": long,
    "second": second,
}
"""What can be measured, in order."""


def heads() -> list[Row]:
    """For every sample of the page and shipped model the heads that measures single out."""
    from engine.attention.notable import standing_out
    from engine.values import Kind, Reading
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
                engine().translated(model, one.text)
                if kind == "cross"
                else Reading(model, one.text)
            )
            layers = range(engine().stack(model, kind).layers)
            best = standing_out([engine().measures(reading, kind, layer) for layer in layers])
            found = ", ".join(
                f"{b.measure.title} {b.layer + 1}.{b.head + 1} ({b.value:.2f}, uniform "
                f"{b.uniform:.2f}, columns {b.columns:.2f})"
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
    """Seconds from a click on a head's small picture to its map, by the page's own clock."""
    small = page.locator(f'.stage svg [data-id="h{head}"]').first
    small.scroll_into_view_if_needed()
    page.evaluate(CLOCK, head)
    small.click(force=True)
    page.wait_for_function("window.took !== null", timeout=30_000, polling=50)
    return float(page.evaluate("window.took")) / 1e3


def text(count: int) -> str:
    """A text of about `count` tokens, as an address holds it."""
    many = (SENTENCE * (1 + count // 12)).split()[:count]
    return re.sub(r"\s+", "+", " ".join(many))


def limit(count: int) -> int:
    """So many tokens, or as many as the shipped model reads."""

    return min(count, (engine().card(MODEL).limit or count) - 8)


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
