"""`python -m bench.decoding`: how fast the Decoding and Translation pages answer.

    --quick          fewer repetitions
    --only NAME ...  some of: columns, translation, ways, slider, writing
    --out FILE       keep the tables in a file: each replaces the one of its title there

columns: six settings in one batch against six runs of one setting. translation: a sentence of
twenty words with its tree and whole trace. ways: keys and values joined or in their place, threads
that sleep or wait awake, float32 or 8 bits, turn by turn. slider: from a key to the frame with the
new bars. writing: six columns in Chromium, their first token and their pace, and another person's
clicks meanwhile. Times in Chromium are taken inside the page, by its own clock. Each row is printed
as soon as it is measured.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.app import BROWSERS, MODELS, TEXT, server
from bench.measure import Row, Times, alternating, below, timed, versus
from bench.models import SMOL, WRITERS, folder
from bench.report import every, tell

SETTINGS = ("greedy", "pure sampling", "temperature 0.7", "top-k 40", "top-p 0.9", "min-p 0.05")
SENTENCE = (
    "Les enfants jouent dans le jardin avec leur petit chien noir, et la vieille femme les regarde "
    "par la fenêtre."
)
BARS = '.stage:has([data-id^="n"])'
Part = Callable[[bool], Iterator[Row]]


def main() -> int:
    """Measure what was asked for, print each row at once, keep the tables."""
    os.environ["ATLAS_DEVICE"] = "cpu"
    chosen = arguments()
    titles = [title for title, _ in PARTS.values()]
    for name, (title, part) in PARTS.items():
        if not chosen.only or name in chosen.only:
            tell(title, every({title: partial(part, chosen.quick)}), chosen.out, titles)
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m bench.decoding", description=__doc__)
    found.add_argument("--quick", action="store_true")
    found.add_argument("--only", nargs="+", default=[], choices=tuple(PARTS))
    found.add_argument("--out", type=Path)
    return found.parse_args()


# --- In the engine ------------------------------------------------------------------------------


def columns(quick: bool) -> Iterator[Row]:
    """Six columns of 40 tokens in one batch, and each of them alone, turn by turn."""
    from engine.decoding.continuation import Line
    from engine.decoding.generation import generate
    from engine.models.runtime import open_bundle
    from engine.tokenizers import tokens

    bundle = open_bundle(MODELS / "tales-gpt")
    ids = tokens.tokenize(bundle, TEXT).ids.tolist()
    lines = [Line.parse(text) for text in SETTINGS]

    def write(some: list[Line]) -> float:
        began = time.perf_counter()
        count = sum(len(s.written) for s in generate(bundle, ids, some, seed=1, limit=40))
        return count / (time.perf_counter() - began)

    write(lines)
    together, ratios = [], []
    for _ in range(8 if quick else 25):
        together.append(write(lines))
        # Each turn is compared with its own neighbours in time: the machine's load drifts.
        ratios.append(together[-1] * sum(1 / write([line]) for line in lines) / len(lines))
    yield Row("six columns together", f"{statistics.median(together):.0f} tokens a second")
    middle = statistics.median(ratios)
    yield Row(
        "six columns against six single runs",
        f"{middle:.1f}x ({min(ratios):.1f}-{max(ratios):.1f})",
        "4x the tokens a second",
        middle >= 4,
    )


def translation(quick: bool) -> Iterator[Row]:
    """Twenty words, four beams, the tree and every part of the trace."""
    from engine.decoding.beams import Search
    from engine.decoding.translation import traced, translate
    from engine.models.runtime import open_bundle
    from engine.values import Reading

    bundle, reading = open_bundle(MODELS / "fr-en"), Reading("fr-en", SENTENCE)
    found = timed(
        lambda: traced(bundle, translate(bundle, reading, Search(4, limit=100))),
        times=4 if quick else 15,
    )
    yield below(f"{len(SENTENCE.split())} words, beam 4, whole trace", found, 500)


AWAKE = "in place, threads awake"


def ways(quick: bool) -> Iterator[Row]:
    """Ways to write the same: one row, six rows, a beam of four, and 8 bits against float32."""
    from engine.decoding.beams import Search
    from engine.decoding.translation import translate
    from engine.values import Reading

    times = 3 if quick else 9
    places = {"tales-gpt": (MODELS / "tales-gpt", 1.8, 1.5)}
    if not quick:
        places[SMOL] = (folder(SMOL), 1.4, 1.4)
    for model, (place, one, six) in places.items():
        bundles = _ways(place)
        for settings, goal in ((SETTINGS[:1], one), (SETTINGS, six)):
            works = {way: partial(_steps, bundle, settings) for way, bundle in bundles.items()}
            found = alternating(works, times=times)
            yield from _against(f"{model}, rows: {len(settings)}", found, goal)
            told = Times(tuple(_outside(works[AWAKE]) for _ in range(times)))
            yield Row(f"{model}, rows: {len(settings)}, a step outside the graph", str(told))
    search, reading = Search(4, limit=100), Reading("fr-en", SENTENCE)
    works = {
        way: partial(translate, bundle, reading, search)
        for way, bundle in _ways(MODELS / "fr-en").items()
    }
    yield from _against("fr-en, beam 4", alternating(works, times=times))
    for model in WRITERS[-1:] if quick else WRITERS:
        pair = {bits: _ways(folder(model, bits))[AWAKE] for bits in ("fp32", "int8")}
        for settings in (SETTINGS[:1], SETTINGS):
            works = {bits: partial(_steps, bundle, settings) for bits, bundle in pair.items()}
            found = alternating(works, times=times)
            what = f"{model}, rows: {len(settings)}, 8 bits against float32"
            yield versus(what, found["int8"], found["fp32"], None)


def _ways(place: Path) -> dict[str, Any]:
    """A model opened three times, for each way of keeping keys and values and of waiting."""
    from engine.models.runtime import Bundle
    from engine.settings import settings

    before, found = os.environ.get("ATLAS_SPIN_US"), {}
    try:
        for way, spin in (("joined", 0), ("in place", 0), (AWAKE, 20)):
            os.environ["ATLAS_SPIN_US"] = str(spin)
            settings.cache_clear()
            found[way] = bundle = Bundle(place)
            if way == "joined":
                bundle.in_place = lambda: None  # type: ignore[method-assign]
            elif bundle.in_place() is None:
                raise RuntimeError(f"{place.name} is not written with in place")
    finally:
        os.environ.pop("ATLAS_SPIN_US")
        if before is not None:
            os.environ["ATLAS_SPIN_US"] = before
        settings.cache_clear()
    return found


def _against(what: str, found: dict[str, Times], goal: float | None = None) -> Iterator[Row]:
    yield versus(f"{what}, in place against joined", found["in place"], found["joined"], None)
    yield versus(f"{what}, {AWAKE}, against joined", found[AWAKE], found["joined"], goal)
    yield versus(f"{what}, threads awake against asleep", found[AWAKE], found["in place"], None)


def _steps(bundle: Any, settings: Sequence[str]) -> int:
    """Write forty tokens a row; how many steps that took."""
    from engine.decoding.continuation import Line
    from engine.decoding.generation import generate
    from engine.tokenizers import tokens

    ids = tokens.tokenize(bundle, TEXT).ids.tolist()
    lines = [Line.parse(text) for text in settings]
    return sum(1 for _ in generate(bundle, ids, lines, seed=1, limit=40))


def _outside(work: Callable[[], int]) -> float:
    """Seconds of a step that no run of a graph took."""
    began, runs = time.perf_counter(), _in_runs()
    count = work()
    return (time.perf_counter() - began - (_in_runs() - runs)) / count


def _in_runs() -> float:
    """Seconds that all runs took so far."""
    from engine.hosting import figures

    samples = [one for metric in figures.RUN_SECONDS.collect() for one in metric.samples]
    return sum(one.value for one in samples if one.name.endswith("_sum"))


# --- In a browser -------------------------------------------------------------------------------

# Both clocks run in the page: from the next key or click to the frame that shows what is waited
# for, any change of the node or something wanted in it.
_ARMED = """(node, [event, wanted]) => { window.answer = new Promise((done) => {
  document.addEventListener(event, () => {
    const began = performance.now();
    const seen = new MutationObserver(() => {
      if (wanted && !node.matches(wanted) && !node.querySelector(wanted)) return;
      seen.disconnect();
      requestAnimationFrame(() => done((performance.now() - began) / 1000));
    });
    seen.observe(node, {childList: true, subtree: true, attributes: true});
  }, {capture: true, once: true}); }); }"""
_PACED = """(node) => { const times = [];
  const seen = new MutationObserver(() => times.push(performance.now()));
  seen.observe(node, {childList: true, subtree: true});
  window.paced = () => {
    seen.disconnect();
    // What changes within 20 ms is one update.
    const looks = times.filter((at, i) => !i || at - times[i - 1] > 20);
    return [looks.length - 1, (looks.at(-1) - looks[0]) / 1000 || 0]; }; }"""


def slider(quick: bool) -> Iterator[Row]:
    """From the key that moves the temperature to the frame with bars that show it."""
    with chromium() as found:
        if isinstance(found, Row):
            yield found
            return
        browser, address = found
        with opened(browser, f"{address}/Decoding?c1=temperature+0.7") as page:
            handle = page.get_by_role("slider", name="Temperature")
            seconds = []
            for turn in range(8 if quick else 30):
                key = "ArrowRight" if turn % 2 else "ArrowLeft"
                page.locator(BARS).first.evaluate(_ARMED, ["keydown", ""])
                handle.press(key)
                seconds.append(page.evaluate("window.answer"))
                page.wait_for_timeout(250)
        yield below("a slider on stored logits, to the new bars", Times(tuple(seconds[1:])), 100)


def writing(quick: bool) -> Iterator[Row]:
    """Six columns of 200 tokens: the first token, updates, another person's clicks meanwhile."""
    with chromium() as found:
        if isinstance(found, Row):
            yield found
            return
        firsts, rates, clicks, alone = [], [], [], []
        for turn in range(3 if quick else 9):
            first, rate, others, quiet = _written(*found, seed=turn + 7)
            firsts.append(first)
            rates += rate
            clicks += others
            alone += quiet
    yield below("the first token after the click on Generate", Times(tuple(firsts[1:])), 400)
    middle = statistics.median(rates) if rates else 0.0
    told = f"{middle:.1f} ({min(rates):.1f}-{max(rates):.1f})" if rates else "not measured"
    yield Row("screen updates a second, six columns", told, "8 or more", middle >= 8)
    yield below("another person's click meanwhile", Times(tuple(clicks)), 150)
    yield Row("the same click while nobody writes", str(Times(tuple(alone))))


def _written(
    browser: Any, address: str, *, seed: int
) -> tuple[float, list[float], list[float], list[float]]:
    """One turn: seconds to the first token, updates a second, another person's clicks."""
    columns = "&".join(f"c{n}={text.replace(' ', '+')}" for n, text in enumerate(SETTINGS, 1))
    with (
        opened(browser, f"{address}/Decoding?length=200&seed={seed}&write=no&{columns}") as page,
        opened(browser, f"{address}/Decoding?c1=greedy") as other,
    ):
        quiet = [_tinted(other, tint) for tint in ("rank", "probability")]
        write = page.get_by_role("button", name=re.compile("^Generate"))
        sheet = page.locator(".sheet .grid")
        sheet.evaluate(_ARMED, ["click", ".t"])
        write.click()
        first = page.evaluate("window.answer")
        sheet.evaluate(_PACED)
        clicks = [_tinted(other, tint) for tint in ("rank", "probability", "rank")]
        page.wait_for_timeout(300)
        count, seconds = page.evaluate("window.paced()")
        return first, [count / seconds] if seconds > 0.3 else [], clicks, quiet


def _tinted(page: Any, tint: str) -> float:
    """Seconds from a click on another tint to the sheet that wears it."""
    page.locator(".sheet").evaluate(_ARMED, ["click", f"[data-tint={tint}]"])
    page.get_by_role("radio", name=tint).click()
    seconds = page.evaluate("window.answer")
    page.wait_for_timeout(100)
    return seconds


@contextmanager
def chromium() -> Iterator[tuple[Any, str] | Row]:
    """A Chromium without a window and a server's address; a row that says why there is none."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        yield Row("the page", "not measured: no Chromium on this machine")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, server() as (address, _process):
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield browser, address
        browser.close()


@contextmanager
def opened(browser: Any, address: str) -> Iterator[Any]:
    """A page in a browser of its own, at rest."""
    context = browser.new_context(viewport={"width": 1440, "height": 1400})
    page = context.new_page()
    page.goto(address)
    page.locator(BARS).first.wait_for(timeout=60_000)
    page.wait_for_timeout(600)
    yield page
    context.close()


PARTS: dict[str, tuple[str, Part]] = {
    "columns": ("Six columns of one prompt", columns),
    "translation": ("A sentence translated, with its tree and trace", translation),
    "ways": ("Ways to keep keys and values, to wait, and to store weights", ways),
    "slider": ("A slider on the Decoding page", slider),
    "writing": ("Columns written live, seen in Chromium", writing),
}


if __name__ == "__main__":
    sys.exit(main())
