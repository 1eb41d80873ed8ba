"""The names beside and above a map of tokens, and many small texts in few bytes.

In: names, ids of the targets they light, places. Out: SVG. Knows nothing of weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pages.pictures import palette, svg
from pages.pictures.remembered import remembered

READABLE = 64
"""Rows that can still be read; of more only the one pointed at is named."""
LONG = 20_000  # characters of all names of a text; those of a longer one are drawn anew
TOP = 34
"""Pixels above a map's names that the words for its sides take."""


def axes(left: float) -> str:
    """What the sides of a map are: columns are keys, rows are queries."""
    return svg.label(
        "key (attended to) →", left, 16, size=12, fill=palette.KEY, keep=True
    ) + svg.label("query (attends) ↓", left, 32, size=12, fill=palette.QUERY, keep=True)


@remembered(64, characters=LONG)
def label_width(names: tuple[str, ...], size: float) -> float:
    """Pixels that the longest of these names takes, within bounds."""
    widest = max((svg.text_width(svg.visible(name), size) for name in names), default=0.0)
    return float(np.clip(widest + 14, 40.0, 150.0))


def written(text: str, x: float, y: float, **attributes: object) -> str:
    """A bare `<text>` for use inside `lettering`: many of them stay small on the wire."""
    return svg.tag("text", svg.esc(text), x=float(x), y=float(y), **attributes)


def lettering(
    texts: list[str], *, size: float, fill: str, mono: bool = True, **attributes: object
) -> str:
    """A group that gives its texts one font and colour."""
    font = palette.MONO if mono else palette.SANS
    return svg.tag(
        "g",
        texts,
        font_size=size,
        font_family=font,
        fill=fill,
        style="white-space:pre",
        **attributes,
    )


# All heads of a text share their labels: drawn once, they were a third of the making of a map.
@remembered(32, characters=LONG)
def row_labels(
    names: tuple[str, ...], ids: tuple[str, ...], left: float, top: float, cell: float, size: float
) -> str:
    """The names at the left of a map; above `READABLE` rows only that of the row pointed at."""
    places = [{"x": left - 7, "y": top + cell * (index + 0.5)} for index in range(len(ids))]
    texts = _named(names, ids, places, room=left - 12, size=size)
    return lettering(
        texts, size=size, fill=palette.QUERY, text_anchor="end", dominant_baseline="central"
    )


@remembered(32, characters=LONG)
def column_labels(
    names: tuple[str, ...], ids: tuple[str, ...], left: float, top: float, cell: float, size: float
) -> str:
    """The names above a map, turned; above `READABLE` columns only that of the one pointed at."""
    turned = [
        f"translate({left + cell * (index + 0.5):.1f} {top - 7:.1f}) rotate(-90)"
        for index in range(len(ids))
    ]
    places = [{"x": 0.0, "y": 0.0, "transform": turn} for turn in turned]
    texts = _named(names, ids, places, room=top - TOP - 10, size=size)
    return lettering(texts, size=size, fill=palette.KEY, dominant_baseline="central")


def _named(
    names: tuple[str, ...],
    ids: tuple[str, ...],
    places: list[dict[str, Any]],
    *,
    room: float,
    size: float,
) -> list[str]:
    """A text at each place, cut to `room` pixels, that lights with its row or column."""
    target = "data_id" if len(ids) <= READABLE else "data_show"
    return [
        written(
            svg.shortened(svg.visible(name), room, size), **place, **{target: name_id, "keep": True}
        )
        for name, name_id, place in zip(names, ids, places, strict=True)
    ]
