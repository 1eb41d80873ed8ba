"""The map of one attention head: rows look, columns are looked at, each cell a weight.

In: an `engine.maps.Map` and how to scale its colours. Out: an SVG string whose rows are the
targets `q0, q1, ..` and whose columns are `k0, k1, ..`, counted in tokens' first positions.
Above `READABLE` rows the labels show only while pointed at; above `WHOLE` the caller draws
`overview` and one `cut` of the map. Knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from engine.links import blocks
from engine.maps import Map, Per, rows_together
from pages.views import palette, svg
from pages.views.attention_labels import (
    READABLE,
    TOP,
    axes,
    column_labels,
    label_width,
    lettering,
    row_labels,
    written,
)
from pages.views.attention_scale import colour_legend, number, strengths, top_value

WHOLE = 128
SIDE = 660


def attention_map(
    shown: Map,
    *,
    title: str,
    scale: svg.Scale = "linear",
    per: Per = "map",
    rows: slice = slice(None),
    columns: slice = slice(None),
    side: float = SIDE,
    together: Sequence[int] = (),
) -> str:
    """The exact map, or the part of it that two slices cut out; cells fill `side` pixels.

    `together` are rows (of the whole map) whose mean is drawn as one row more, under the rest.
    """
    weights, kept = shown.weights[rows, columns], shown.kept[rows, columns]
    row_names, column_names = shown.rows[rows], shown.columns[columns]
    row_ids = [f"q{start}" for start in shown.row_starts[rows].tolist()]
    column_ids = [f"k{start}" for start in shown.column_starts[columns].tolist()]
    n = max(len(row_ids), len(column_ids))
    cell = float(np.clip(side / n, 5.0, 34.0))
    size = float(np.clip(cell * 0.92, 10.0, 14.0))
    readable = n <= READABLE
    left = label_width(row_names, size) if readable else 96.0
    top = TOP + (label_width(column_names, size) if readable else 96.0)
    high = top_value(shown.weights)
    grid = svg.matrix(
        weights,
        drawn=kept,
        shades=strengths(shown.weights, scale, per)[rows, columns],
        x=left,
        y=top,
        cell=cell,
        rows=row_ids,
        columns=column_ids,
        row_labels=[
            f"{svg.visible(name)} (token {place + 1})"
            for name, place in zip(row_names, shown.row_starts[rows].tolist(), strict=True)
        ],
        column_labels=[
            f"{svg.visible(name)} (token {place + 1})"
            for name, place in zip(column_names, shown.column_starts[columns].tolist(), strict=True)
        ],
        form="percent" if shown.share else "number",
        quantity="weight" if shown.share else "size",
    )
    parts = [
        axes(left),
        grid,
        *row_labels(row_names, row_ids, left, top, cell, size),
        *column_labels(column_names, column_ids, left, top, cell, size),
    ]
    bottom = top + cell * len(row_ids) + 16
    width = max(left + cell * len(column_ids) + 12, 420.0)
    if len(together) > 1:
        parts.append(_together(shown, together, columns, left, bottom - 6, cell, scale))
        bottom += cell + 12
    else:
        parts += _sentences(shown, row_ids, rows, bottom, width)
    parts.append(colour_legend(left, bottom + 26, shown.weights, scale, share=shown.share, per=per))
    return svg.document(width, bottom + 62, parts, title, _described(shown, high))


def difference_map(one: Map, two: Map, *, title: str) -> str:
    """`two` minus `one`, cell by cell, zero in the middle of the colour scale."""
    values = two.weights - one.weights
    names = [
        tuple(a if a == b else f"{a}|{b}" for a, b in zip(first, then, strict=True))
        for first, then in ((one.rows, two.rows), (one.columns, two.columns))
    ]
    ids = (
        [f"q{start}" for start in two.row_starts.tolist()],
        [f"k{start}" for start in two.column_starts.tolist()],
    )
    cell = float(np.clip(520 / len(ids[0]), 9.0, 30.0))
    size = float(np.clip(cell * 0.92, 10.0, 14.0))
    left, top = label_width(names[0], size), TOP + label_width(names[1], size)
    high = float(np.nanmax(np.abs(values), initial=0.0))
    grid = svg.matrix(
        values,
        high=high,
        x=left,
        y=top,
        cell=cell,
        rows=ids[0],
        columns=ids[1],
        row_labels=names[0],
        column_labels=names[1],
        form="percent" if two.share else "number",
        colour=palette.POSITIVE,
        quantity="change",
    )
    bottom = top + cell * len(ids[0]) + 14
    ends = number(high, two.share)
    legend = svg.legend(
        left,
        bottom,
        low=f"−{ends}",
        high=f"+{ends}",
        colour=palette.POSITIVE,
        negative=palette.NEGATIVE,
        width=170,
        masked=bool(np.isnan(values).any()),
    )
    parts = [
        axes(left),
        grid,
        *row_labels(names[0], ids[0], left, top, cell, size),
        *column_labels(names[1], ids[1], left, top, cell, size),
        legend,
    ]
    width = max(left + cell * len(ids[1]) + 12, left + 300)
    return svg.document(width, bottom + 34, parts, title, f"The largest change is {ends}.")


def overview(
    shown: Map, *, block: int, title: str, scale: svg.Scale = "linear", per: Per = "map"
) -> str:
    """The whole map of a long text averaged in blocks; blocks are `b0, b1, ..` and `c0, c1, ..`."""
    weights = blocks(shown.weights, block)
    cell = float(np.clip(420 / max(weights.shape), 4.0, 20.0))
    left, top = 20.0, TOP + 4.0
    names = [
        [
            f"tokens {start + 1}–{min(start + block, len(words))}: "
            + svg.visible(" ".join(words[start : start + 4]), limit=32)
            for start in range(0, len(words), block)
        ]
        for words in (shown.rows, shown.columns)
    ]
    grid = svg.matrix(
        weights,
        shades=strengths(weights, scale, per),
        x=left,
        y=top,
        cell=cell,
        rows=[f"b{i}" for i in range(weights.shape[0])],
        columns=[f"c{i}" for i in range(weights.shape[1])],
        row_labels=names[0],
        column_labels=names[1],
        form="percent" if shown.share else "number",
        quantity="mean weight",
    )
    bottom = top + cell * weights.shape[0] + 14
    legend = colour_legend(left, bottom, weights, scale, share=shown.share, per=per)
    width = max(left + cell * weights.shape[1] + 12, 300.0)
    return svg.document(
        width,
        bottom + 34,
        [axes(left), grid, legend],
        title,
        f"Each cell is the mean of {block} x {block} tokens.",
    )


def _together(
    shown: Map,
    rows: Sequence[int],
    columns: slice,
    left: float,
    y: float,
    cell: float,
    scale: svg.Scale,
) -> str:
    """One row more: where the chosen rows look together."""
    mean = rows_together(shown, rows)[None, columns]
    ids = [f"k{start}" for start in shown.column_starts[columns].tolist()]
    name = f"mean of {len(rows)}"
    row = svg.matrix(
        mean,
        high=float(np.nanmax(mean, initial=0.0)),
        x=left,
        y=y,
        cell=cell,
        rows=[f"q{int(shown.row_starts[rows[0]])}"],
        columns=ids,
        row_labels=[" + ".join(svg.visible(shown.rows[row]) for row in rows)],
        column_labels=[svg.visible(column) for column in shown.columns[columns]],
        form="percent" if shown.share else "number",
        scale=scale,
        quantity=f"mean of {len(rows)} rows",
    )
    word = svg.label(
        name,
        left - 7,
        y + cell / 2,
        size=float(np.clip(cell * 0.6, 10.0, 12.0)),
        fill=palette.QUERY,
        text_anchor="end",
        dominant_baseline="central",
        keep=True,
    )
    return row + word


def _sentences(shown: Map, ids: list[str], rows: slice, y: float, width: float) -> list[str]:
    """Under the map: for the row pointed at, where its weight goes and that it sums to 1."""
    parts = [
        written(
            svg.shortened(row_sentence(name, row, shown), width - 14, 12.5, mono=False),
            6,
            y + 4,
            data_show=name_id,
        )
        for name_id, name, row in zip(ids, shown.rows[rows], shown.weights[rows], strict=True)
    ]
    return [lettering(parts, size=12.5, fill=palette.INK, mono=False)]


def row_sentence(name: str, row: Float[np.ndarray, "column"], shown: Map) -> str:
    """Where one row's weight goes, in words."""
    return looks_sentence(f"“{svg.visible(name)}”", row, shown)


def looks_sentence(who: str, row: Float[np.ndarray, "column"], shown: Map) -> str:
    """Where a weight goes, in words; `who` is written as it is."""
    best = top_links(row, shown.columns, 3)
    if not best:
        return f"{who} has nothing left to look at"
    listed = ", ".join(f"“{svg.visible(to)}” {number(w, shown.share)}" for to, w in best)
    whole = f" · row sum {np.nansum(row) * 100:.0f} %" if shown.share else ""
    return f"{who} looks at {listed}{whole}"


def top_links(
    row: Float[np.ndarray, "column"], names: tuple[str, ...], count: int
) -> list[tuple[str, float]]:
    """The columns with the largest weights of a row, best first, without empty ones."""
    filled = np.where(np.isfinite(row), row, np.float32(0))
    # A whole sort of a long row would take longer than all else in the picture.
    order = np.argpartition(-filled, count)[:count] if len(filled) > count else np.arange(len(row))
    order = order[np.argsort(-filled[order], kind="stable")]
    return [(names[index], float(filled[index])) for index in order if filled[index] > 0]


def _described(shown: Map, high: float) -> str:
    return (
        f"{len(shown.rows)} rows look at {len(shown.columns)} columns; "
        f"the largest value is {number(high, shown.share)}."
    )
