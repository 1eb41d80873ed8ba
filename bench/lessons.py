"""`python -m bench.lessons`: how fast a step of a lesson opens, in Chromium.

    --lessons ID ...    lessons whose steps are opened (default: one of each page, and one over all)
    --times N           how often each lesson is gone through (default: 2)
    --out FILE          keep the table in a file: it replaces the one of its title there

Lessons are gone through in turns by Next, once before anything is timed: models and samples are
warm then. The clock is the page's own. It runs from the click on Next until the panel says the
step, and until the page's run has ended and its picture is drawn. The
server and the browser share the machine: how busy it is stands over the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.browsing import browsing
from bench.measure import Row, Times
from bench.report import every, tell
from engine.learn.reader import shipped

TITLE = "A step of a lesson opens"
LESSONS = ("0.1", "1.4", "2.1", "3.1", "4.4", "5.1", "6.1")
STEP = 500.0  # milliseconds that are promised
# `told` is when the panel says the step, `done` when the page rests with something drawn on it.
NEXT = """({ button, wanted }) => new Promise((done) => {
  const node = document.querySelector(`.st-key-${button} button, .st-key-${button} a`) ?? button;
  const begun = performance.now();
  let told = null;
  const drawn = () => [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
    .some((host) => host.shadowRoot?.querySelector(".stage > *, .column, .space .plot > *"));
  const look = () => {
    const panel = document.querySelector(".st-key-atlas-lesson"), now = performance.now() - begun;
    if (told === null && panel?.innerText.includes(wanted)) told = now;
    const app = document.querySelector("[data-testid=stApp]");
    const rests = app?.getAttribute("data-test-script-state") === "notRunning"
      && !document.querySelector("[data-stale=true]");
    if (told !== null && rests && drawn()) return done({ told: told / 1000, done: now / 1000 });
    if (now > 30000) return done(null);
    requestAnimationFrame(look);
  };
  node.click();
  requestAnimationFrame(look);
})"""


def main() -> int:
    """Measure and print."""
    asked = _arguments()
    rows = every({TITLE: partial(measured, asked.lessons, asked.times)})
    tell(TITLE, rows, asked.out)
    return 0


def measured(lessons: Sequence[str], times: int) -> Iterator[Row]:
    """A row for the steps within a page and one for those that turn to another."""
    found: dict[str, list[dict[str, float]]] = {"same": [], "other": []}
    with browsing() as (page, address):
        for turn in range(times + 1):
            for name in lessons:
                for kind, took in steps(page, address, name):
                    if turn:
                        found[kind].append(took)
    for kind, what in (("same", "on the same page"), ("other", "on another page")):
        if found[kind]:
            yield promised(f"a step {what}: its text", [one["told"] for one in found[kind]], STEP)
            yield promised(
                f"a step {what}: text, picture, question", [o["done"] for o in found[kind]], STEP
            )


def steps(page: Any, address: str, name: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Go through a lesson by Next; whether each step is on the page before it, and its seconds."""
    lesson = shipped()[name]
    first = lesson.steps[0].page
    page.goto(f"{address}/{first}?lesson={name}&lesson_step=1")
    page.wait_for_selector(".st-key-lesson-next button")
    page.wait_for_timeout(1500)
    for number in range(2, len(lesson.steps) + 1):
        wanted = f"step {number} of {len(lesson.steps)}"
        took = page.evaluate(NEXT, {"button": "lesson-next", "wanted": wanted})
        if took is None:
            raise RuntimeError(f"step {number} of lesson {name} did not open")
        before, after = (lesson.steps[n - 1].page for n in (number - 1, number))
        yield ("same" if before == after else "other"), took
        page.wait_for_timeout(600)


def promised(what: str, seconds: Sequence[float], milliseconds: float) -> Row:
    """Median and 95 % of some times, against what is promised."""
    times = Times(tuple(seconds))
    high = percentile(seconds, 0.95)
    said = f"{1e3 * times.median:.0f} ms, 95 % {1e3 * high:.0f} ms, n = {len(seconds)}"
    return Row(what, said, f"under {milliseconds:g} ms", times.median * 1e3 < milliseconds)


def percentile(seconds: Sequence[float], share: float) -> float:
    """The least time that `share` of all do not exceed.

    >>> percentile([3, 1, 2, 4], 0.5), percentile([3, 1, 2, 4], 0.95)
    (2, 4)
    """
    ordered = sorted(seconds)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def _arguments() -> argparse.Namespace:
    found = argparse.ArgumentParser(prog="python -m bench.lessons", description=__doc__)
    found.add_argument("--lessons", nargs="+", default=list(LESSONS), choices=tuple(shipped()))
    found.add_argument("--times", type=int, default=2)
    found.add_argument("--out", type=Path)
    return found.parse_args()


if __name__ == "__main__":
    sys.exit(main())
