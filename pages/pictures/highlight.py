"""What a lesson points at, drawn into a picture of ours: apart from locks, in files as well.

In: an SVG (or the XHTML of chips), and the ids that are pointed at, each with the name of what it
means. Out: the same picture with dashed outlines. Elements keep their ids and acts; a row, a column
or a cell of a matrix gets a frame of its own. The outline pulses a few times, unless somebody asked
their system for less motion. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby

from pages.pictures import palette, svg

_ID = re.compile(r' data-id="([^"]*)"')
_MATRIX = re.compile(r'<g class="matrix"[^>]*>')
_GROUP = re.compile(r"<g(?:\s[^>]*)?>|</g>")
_ROOT = re.compile(r"<(?:svg|div)\b[^>]*>")
MARK = "data-highlight"
PULSE = "@keyframes atlas-pulse{50%{outline-offset:7px;stroke-opacity:.15}}"
STYLE = (
    # The sheet of played pictures takes outlines away; the ring of the focus goes before ours.
    f"[{MARK}]:not(:focus-visible){{outline:2.5px dashed {palette.HIGHLIGHT}!important;"
    "outline-offset:2px}"
    f"rect[{MARK}],circle[{MARK}],path[{MARK}],g[{MARK}]>rect:first-of-type"
    f"{{stroke:{palette.HIGHLIGHT};stroke-width:3px;stroke-dasharray:7 4}}"
    f"text[{MARK}]{{font-weight:700;text-decoration:underline}}"
    f".pointed[{MARK}]{{fill:none;outline:none!important;pointer-events:none}}"
    f"@media (prefers-reduced-motion:no-preference)"
    f"{{[{MARK}]{{animation:atlas-pulse 1.2s ease-in-out 5}}}}{PULSE}"
)


def highlighted(
    picture: str, ids: Mapping[str, str], cells: Mapping[tuple[str, str], str] | None = None
) -> str:
    """The picture with everything marked that it has of these ids, rows, columns and cells.

    `ids` maps an id (`t3`, `q8`) to the name of what it means (`word:bank`), `cells` a row's and a
    column's id to one. A picture that has none of them comes back as it is.
    """
    cells = cells or {}

    def mark(match: re.Match[str]) -> str:
        name = ids.get(match[1])
        return f' {MARK}="{svg.esc(name)}"{match[0]}' if name else match[0]

    drawn = _ID.sub(mark, picture)
    for match in reversed(list(_MATRIX.finditer(drawn))):
        frames = _frames(match[0], ids, cells)
        if frames:
            end = _end_of_group(drawn, match.start())
            drawn = drawn[:end] + frames + drawn[end:]
    if drawn == picture:
        return picture
    root = _ROOT.search(drawn)
    assert root is not None, "a picture has a root"
    return f"{drawn[: root.end()]}<style>{STYLE}</style>{drawn[root.end() :]}"


def control_style(keys: Iterable[str], colour: str) -> str:
    """CSS that points at controls of the page by their keys; `set-` is before those of a column."""
    which = ",".join(f".st-key-{key},.st-key-set-{key}" for key in keys)
    if not which:
        return ""
    return (
        f"{which}{{outline:2.5px dashed {colour};outline-offset:4px;border-radius:6px}}"
        "@media (prefers-reduced-motion:no-preference)"
        f"{{{which}{{animation:atlas-pulse 1.2s ease-in-out 5}}}}{PULSE}"
    )


def _frames(opening: str, ids: Mapping[str, str], cells: Mapping[tuple[str, str], str]) -> str:
    """Frames of the rows, columns and cells of one matrix that are pointed at."""
    values = dict(re.findall(r'data-(x|y|cell|rows|columns)="([^"]*)"', opening))
    x, y, size = (float(values[name]) for name in ("x", "y", "cell"))
    rows, columns = values["rows"].split(), values["columns"].split()
    wide, tall = size * len(columns), size * len(rows)
    boxes = [
        (name, x, y + first * size, wide, count * size) for name, first, count in _runs(rows, ids)
    ]
    boxes += [
        (name, x + first * size, y, count * size, tall)
        for name, first, count in _runs(columns, ids)
    ]
    boxes += [
        (name, x + columns.index(column) * size, y + rows.index(row) * size, size, size)
        for (row, column), name in cells.items()
        if row in rows and column in columns
    ]
    return "".join(
        svg.tag(
            "rect",
            class_="pointed",
            data_highlight=name,
            x=a,
            y=b,
            width=w,
            height=h,
            fill="none",
            stroke=palette.HIGHLIGHT,
            stroke_width=3,
            stroke_dasharray="7 4",
        )
        for name, a, b, w, h in boxes
    )


def _runs(here: list[str], ids: Mapping[str, str]) -> list[tuple[str, int, int]]:
    """Neighbors with one meaning, as the tokens of a word are: name, first, how many."""
    runs = []
    for name, members in groupby(enumerate(here), key=lambda one: ids.get(one[1], "")):
        places = [place for place, _ in members]
        if name:
            runs.append((name, places[0], len(places)))
    return runs


def _end_of_group(text: str, start: int) -> int:
    """Where the group that opens at `start` closes."""
    depth = 0
    for match in _GROUP.finditer(text, start):
        depth += -1 if match[0] == "</g>" else not match[0].endswith("/>")
        if not depth:
            return match.start()
    raise ValueError("a group of the picture is not closed")
