"""`python -m bench.typed`: from the pause in typing to the chips of the new text, in Chromium.

    --characters N ...  lengths of the text (default: 200 and 2,000)
    --times N           how often a key is pressed (default: 15)
    --out FILE          keep the table in a file: it replaces the one of its title there

The first letter of the text is exchanged; the clock runs from that moment until the chips of the
new text stand in the page. The field waits 150 ms for a further key before it reports, and that
pause is taken off. The server and the browser share the machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.browsing import browsing
from bench.measure import Row, Times, below
from bench.report import every, tell

TITLE = "Cut again while somebody types"
PAUSE = 0.15  # seconds; assets/components/textbox.js
WORDS = "The little boat sailed across the dark sea, and the boy said that nobody believed it. "
TYPE = """async ({ area, stage, letter }) => {
    const text = letter + area.value.slice(1);
    area.value = text;
    const begun = performance.now();
    const drawn = new Promise((done) => {
        const watch = new MutationObserver(() => {
            if (!stage.querySelector(".source")?.textContent.startsWith(letter)) return;
            watch.disconnect();
            done(performance.now());
        });
        watch.observe(stage, { childList: true, subtree: true });
    });
    area.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
    const late = new Promise((done) => setTimeout(done, 20000, null));
    const at = await Promise.race([drawn, late]);
    return at && (at - begun) / 1000;
}"""


def main() -> int:
    """Measure every length; print each row at once."""
    asked = _arguments()
    tell(TITLE, every({TITLE: partial(measured, asked.characters, asked.times)}), asked.out)
    return 0


def measured(lengths: list[int], times: int) -> Iterator[Row]:
    """A row for each length, on a page of its own."""
    with browsing() as (page, address):
        for length in lengths:
            found = typed(page, address, length, times)
            what = f"chips of {length:,} characters, after the pause"
            yield below(what, found, 100) if length == 2000 else Row(what, str(found))


def typed(page: Any, address: str, length: int, times: int) -> Times:
    """Seconds from the pause to the chips, `times` keys one after the other."""
    text = (WORDS * (length // len(WORDS) + 1))[:length]
    page.goto(f"{address}/Tokenization?{urlencode({'model': 'tales-gpt', 'text': text})}")
    page.locator(".tokens .tok").first.wait_for()
    page.wait_for_timeout(1500)
    seconds = []
    for turn in range(times + 2):
        parts = {
            "area": page.get_by_label("Text", exact=True).element_handle(),
            "stage": page.locator(".stage", has=page.locator(".tokens")).first.element_handle(),
        }
        took = page.evaluate(TYPE, {**parts, "letter": "bcdefghijk"[turn % 10]})
        if took is not None:
            seconds.append(took - PAUSE)
        page.wait_for_timeout(400)
    if len(seconds) < 3:
        raise RuntimeError(f"the chips of {length:,} characters did not follow")
    return Times(tuple(seconds[2:]))


def _arguments() -> argparse.Namespace:
    found = argparse.ArgumentParser(prog="python -m bench.typed", description=__doc__)
    found.add_argument("--characters", nargs="+", type=int, default=[200, 2000])
    found.add_argument("--times", type=int, default=15)
    found.add_argument("--out", type=Path)
    return found.parse_args()


if __name__ == "__main__":
    sys.exit(main())
