"""One picture of every ratio in the report: `python -m bench.picture docs/benchmarks.md`.

In: the tables of a report. Out: an SVG file beside it, a point for each row that compares two, on a
logarithmic scale: to the right of 1 the first of the two is faster. A goal is a stroke. Drawn by
hand, as a picture that GitHub shows in both its themes is a page of lines and words, and every
library that writes such a file would bring a browser.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

LABELS, PLOT, VALUES = 430, 420, 70  # pixels of the three columns
LINE, HEAD, TOP = 17, 34, 52  # of a row, of a table's title, of the scale
RATIO = re.compile(r": ([\d.]+)x( slower)?$")
GOAL = re.compile(r"^(?:([\d.]+)x faster|at most ([\d.]+)x slower)$")
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 } .quiet { fill: #59636e } .right { text-anchor: end }
.middle { text-anchor: middle } .grid { stroke: #d1d9e0 } .one { stroke: #59636e }
.way { stroke: #afb8c1 } .goal { stroke: #1f2328; stroke-width: 2 }
circle { stroke-width: 2 }
.met { fill: #1a7f37; stroke: #1a7f37 } .none { fill: #0969da; stroke: #0969da }
circle.missed { fill: #ffffff; stroke: #cf222e } text.missed { fill: #cf222e }
text.met, text.missed, text.none { stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .quiet { fill: #9198a1 } .grid { stroke: #3d444d }
  .one { stroke: #9198a1 } .way { stroke: #656c76 } .goal { stroke: #f0f6fc }
  .met { fill: #3fb950; stroke: #3fb950 } .none { fill: #4493f8; stroke: #4493f8 }
  circle.missed { fill: #0d1117; stroke: #f85149 } text.missed { fill: #f85149 }
}
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """A row of a table: how many times faster the first is (below 1: slower), and the goal."""

    what: str
    ratio: float
    goal: float | None
    verdict: str


def compared(report: str) -> dict[str, list[Compared]]:
    """The rows of each table that compare two; tables without such a row are left out."""
    found: dict[str, list[Compared]] = {}
    title = ""
    for line in report.splitlines():
        if line.startswith("## "):
            title = line[3:].strip()
        elif line.startswith("| ") and (row := _row(line)) is not None:
            found.setdefault(title, []).append(row)
    return found


def _row(line: str) -> Compared | None:
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    ratio = RATIO.search(cells[1]) if len(cells) == 4 else None
    if ratio is None:
        return None
    times = float(ratio[1])
    asked = GOAL.match(cells[2])
    goal = None if asked is None else float(asked[1]) if asked[1] else 1 / float(asked[2])
    return Compared(cells[0], 1 / times if ratio[2] else times, goal, cells[3])


def drawn(tables: dict[str, list[Compared]]) -> str:
    """The picture, as SVG. Raises `ValueError` where nothing is compared."""
    rows = [row for some in tables.values() for row in some]
    if not rows:
        raise ValueError("the report compares nothing")
    ends = [row.ratio for row in rows] + [row.goal for row in rows if row.goal]
    low = 2.0 ** math.floor(math.log2(min(*ends, 0.5)))
    high = 2.0 ** math.ceil(math.log2(max(*ends, 2.0)))

    def x(ratio: float) -> float:
        return LABELS + PLOT * math.log(ratio / low) / math.log(high / low)

    width = LABELS + PLOT + VALUES
    height = TOP + LINE * len(rows) + HEAD * len(tables) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'width="{width}" height="{height}"><title>How many times faster, in every row that '
        f"compares two</title><style>{STYLE}</style>",
        *_scale(low, high, x, height),
        *_tables(tables, x),
        "</svg>\n",
    ]
    return "\n".join(parts)


def stroke(kind: str, across: tuple[float, float], down: tuple[float, float]) -> str:
    """A straight line."""
    return (
        f'<line class="{kind}" x1="{across[0]:.1f}" x2="{across[1]:.1f}" '
        f'y1="{down[0]:.1f}" y2="{down[1]:.1f}"/>'
    )


def point(kind: str, x: float, y: float) -> str:
    """Where a row stands: full where a goal is met or there is none, hollow where it is missed."""
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'


def _scale(low: float, high: float, x: Callable[[float], float], height: int) -> Iterator[str]:
    step = low
    while step <= high:
        kind = "one" if step == 1 else "grid"
        yield stroke(kind, (x(step), x(step)), (TOP - 8, height))
        words = f"{step:g}x" if step >= 1 else f"1/{1 / step:g}"
        yield f'<text class="quiet middle" x="{x(step):.1f}" y="{TOP - 14}">{words}</text>'
        step *= 2
    yield point("met", 12, 12) + '<text x="22" y="16">goal met</text>'
    yield point("missed", 92, 12) + '<text x="102" y="16">missed</text>'
    yield point("none", 160, 12) + '<text x="170" y="16">no goal</text>'
    yield stroke("goal", (234, 234), (6, 18)) + '<text x="242" y="16">the goal</text>'
    for place, words in ((-1, "◀ slower"), (1, "faster ▶")):
        side = "right" if place < 0 else ""
        yield f'<text class="quiet {side}" x="{x(1) + 14 * place:.1f}" y="16">{words}</text>'


def _tables(tables: dict[str, list[Compared]], x: Callable[[float], float]) -> Iterator[str]:
    y = TOP
    for title, rows in tables.items():
        y += HEAD
        yield f'<text class="title" x="8" y="{y - 10}">{escape(title)}</text>'
        for row in rows:
            middle = y + LINE / 2
            kind = row.verdict or "none"
            yield f'<text x="8" y="{middle + 4:.1f}">{escape(row.what)}</text>'
            yield stroke("way", (x(1), x(row.ratio)), (middle, middle))
            if row.goal:
                yield stroke("goal", (x(row.goal), x(row.goal)), (middle - 6, middle + 6))
            yield point(kind, x(row.ratio), middle)
            words = f"{row.ratio:.1f}x" if row.ratio >= 1 else f"1/{1 / row.ratio:.1f}"
            right = LABELS + PLOT + VALUES - 8
            yield f'<text class="{kind} right" x="{right}" y="{middle + 4:.1f}">{words}</text>'
            y += LINE


def main() -> int:
    """Draw the report that is named."""
    report = Path(sys.argv[1])
    report.with_suffix(".svg").write_text(
        drawn(compared(report.read_text(encoding="utf-8"))), encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
