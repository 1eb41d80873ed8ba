"""`python -m bench.decoding`: how fast the Decoding and Translation pages answer.

In the engine: six settings in one batch against six runs of one setting, a sentence translated with
its whole trace. In a browser: a slider to the new bars, the first token after the click, updates
a second, another person's click meanwhile. Each is measured several times and the best is given,
as the machine may be busy; the median stands beside it. `--quick` measures less often.
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.app import BROWSERS, MODELS, TEXT, server
from bench.measure import Row, machine, table

SETTINGS = ("greedy", "pure sampling", "temperature 0.7", "top-k 40", "top-p 0.9", "min-p 0.05")
SENTENCE = (
    "Les enfants jouent dans le jardin avec leur petit chien noir, et la vieille femme les regarde "
    "par la fenêtre."
)


def main() -> int:
    """Measure and print."""
    quick = "--quick" in sys.argv
    print(f"# Decoding and translation\n\n{machine()}")
    print(table("In the engine", [*columns(4 if quick else 12), translated(3 if quick else 8)]))
    print(table("In a browser", pages(3 if quick else 8)))
    return 0


def columns(times: int) -> list[Row]:
    """Six columns of 40 tokens in one batch, and each of them alone, turn by turn."""
    from engine import tokens
    from engine.generation import Line, generate
    from engine.runtime import open_bundle

    bundle = open_bundle(MODELS / "tales-gpt")
    ids = tokens.tokenize(bundle, TEXT).ids.tolist()
    lines = [Line.parse(text) for text in SETTINGS]

    def write(some: list[Line]) -> float:
        began = time.perf_counter()
        count = sum(len(s.written) for s in generate(bundle, ids, some, seed=1, limit=40))
        return count / (time.perf_counter() - began)

    write(lines)
    together, ratios = [], []
    for _ in range(times):
        together.append(write(lines))
        # Each turn is compared with its own neighbours in time: the machine's load drifts.
        alone = len(lines) / sum(1 / write([line]) for line in lines)
        ratios.append(together[-1] / alone)
    most, middle = max(ratios), statistics.median(ratios)
    return [
        Row("six columns together", f"{max(together):.0f} tokens a second"),
        Row(
            "six columns against six single runs",
            f"best {most:.1f}x, median {middle:.1f}x",
            "4x",
            most >= 4,
        ),
    ]


def translated(times: int) -> Row:
    """Twenty words, four beams, the tree and every part of the trace."""
    from engine.beams import Search
    from engine.runtime import open_bundle
    from engine.translation import traced, translate
    from engine.values import Reading

    bundle = open_bundle(MODELS / "fr-en")
    reading = Reading("fr-en", SENTENCE)

    def work() -> None:
        traced(bundle, translate(bundle, reading, Search(4, limit=100)))

    work()
    return _row(f"{len(SENTENCE.split())} words, beam 4, whole trace", _times(work, times), 500)


def pages(times: int) -> list[Row]:
    """What a person at the screen waits for."""
    import shutil

    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        return [Row("the pages", "not measured: no Chromium on this machine")]
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, server() as (address, _process):
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        rows = [slider(browser, address, times), *writing(browser, address, times)]
        browser.close()
    return rows


def slider(browser: Any, address: str, times: int) -> Row:
    """From the key that moves the temperature to bars that show it."""
    with opened(browser, f"{address}/Decoding?c1=temperature+0.7") as page:
        handle = page.get_by_role("slider", name="Temperature")
        handle.wait_for()
        found = []
        for turn in range(times):
            page.locator(".stage").last.evaluate(_CHANGED)
            began = time.perf_counter()
            handle.press("ArrowRight" if turn % 2 else "ArrowLeft")
            page.wait_for_function("window.changed", polling=5)
            found.append(time.perf_counter() - began)
            page.wait_for_timeout(300)
    return _row("a slider on stored logits, to the new bars", found, 100)


def writing(browser: Any, address: str, times: int) -> list[Row]:
    """Six columns of 200 tokens: the first token, updates, another person's click meanwhile."""
    firsts, rates, clicks = [], [], []
    for turn in range(times):
        with (
            opened(browser, f"{address}/Decoding?length=200&seed={turn + 7}") as page,
            opened(browser, f"{address}/Decoding?c1=greedy") as other,
        ):
            page.get_by_role("button", name=re.compile("^Write")).wait_for()
            began = time.perf_counter()
            page.get_by_role("button", name=re.compile("^Write")).click()
            page.locator(".column .t").first.wait_for()
            firsts.append(time.perf_counter() - began)
            page.locator(".sheet").evaluate(_COUNTED)
            for name, tint in (("rank", "rank"), ("probability", "probability")):
                began = time.perf_counter()
                other.get_by_role("radio", name=name).click()
                other.locator(f".sheet[data-tint={tint}]").wait_for()
                clicks.append(time.perf_counter() - began)
            page.wait_for_timeout(600)
            count, seconds = page.evaluate("window.counted()")
            if seconds > 0.3:
                rates.append(count / seconds)
    best = max(rates, default=0.0)
    middle = statistics.median(rates) if rates else 0.0
    return [
        _row("the first token after the click", firsts, 400),
        Row("updates a second", f"best {best:.1f}, median {middle:.1f}", "8", best >= 8),
        _row("another person's click meanwhile", clicks, 150),
    ]


_CHANGED = """(stage) => { window.changed = false;
  new MutationObserver((_, watcher) => { window.changed = true; watcher.disconnect(); })
    .observe(stage, {childList: true, subtree: true, attributes: true}); }"""
_COUNTED = """(sheet) => { const times = [];
  new MutationObserver(() => times.push(performance.now()))
    .observe(sheet, {childList: true, subtree: true});
  window.counted = () => {
    const apart = times.filter((t, i) => !i || t - times[i - 1] > 20);
    return [apart.length - 1, (apart.at(-1) - apart[0]) / 1000 || 0]; }; }"""


@contextmanager
def opened(browser: Any, address: str) -> Iterator[Any]:
    """A page in a browser of its own, at rest."""
    context = browser.new_context(viewport={"width": 1440, "height": 1400})
    page = context.new_page()
    page.goto(address)
    page.locator(".stage svg").first.wait_for(timeout=60_000)
    page.wait_for_timeout(500)
    yield page
    context.close()


def _times(work: Callable[[], object], times: int) -> list[float]:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return found


def _row(what: str, seconds: list[float], goal: float) -> Row:
    best, middle = 1000 * min(seconds), 1000 * statistics.median(seconds)
    return Row(
        what, f"best {best:.0f} ms, median {middle:.0f} ms", f"under {goal:g} ms", best < goal
    )


if __name__ == "__main__":
    sys.exit(main())
