"""The map of one attention head: rows are queries, columns are keys, each cell a weight.

In: an `engine.attention.maps.Map` and how to scale its colours. Out: an SVG string whose rows are
the targets `q0, q1, ..` and whose columns are `k0, k1, ..`, counted in tokens' first positions.
Above `READABLE` rows the labels show only while pointed at; above `WHOLE` the caller draws
`overview` and one `cut` of the map. Knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from engine.attention.maps import Map, Per, rows_together
from engine.attention.transforms import blocks
from pages.attention.labels import (
    READABLE,
    TOP,
    axes,
    column_labels,
    label_width,
    lettering,
    row_labels,
    written,
)
from pages.pictures import matrix, palette, svg
from pages.pictures.scale import colour_legend, number, strengths, top_value

WHOLE = 128
SINK_GAP = 8.0  # pixels between the sink's column and those of the tokens
LEAST_SIDE, MOST_SIDE, CELL = 400.0, 660.0, 22.0  # a sentence's map stands whole on a screen


def attention_map(
    shown: Map,
    *,
    title: str,
    scale: matrix.Scale = "linear",
    per: Per = "map",
    rows: slice = slice(None),
    columns: slice = slice(None),
    side: float | None = None,
    together: Sequence[int] = (),
) -> str:
    """The exact map, or the part of it that two slices cut out.

    Cells fill `side` pixels, `natural_side` if it is None.

    `together` are rows (of the whole map) whose mean is drawn as one row more, under the rest.
    """
    weights, kept = shown.weights[rows, columns], shown.kept[rows, columns]
    row_names, column_names = shown.rows[rows], shown.columns[columns]
    row_places, column_places = (
        shown.row_starts[rows].tolist(),
        shown.column_starts[columns].tolist(),
    )
    row_ids = tuple(f"q{place}" for place in row_places)
    column_ids = tuple(f"k{place}" for place in column_places)
    n = max(len(row_ids), len(column_ids))
    cell = float(np.clip((side or natural_side(n)) / n, 5.0, 34.0))
    size = float(np.clip(cell * 0.92, 12.0, 14.0))
    readable = n <= READABLE
    left = label_width(row_names, size) if readable else 96.0
    above = column_names if shown.sink is None else (*column_names, "sink")
    top = TOP + (label_width(above, size) if readable else 96.0)
    high = top_value(shown.weights)
    begin, sink = left, None if shown.sink is None else shown.sink[rows]
    if sink is not None:
        left += cell + SINK_GAP
    grid = matrix.matrix(
        weights,
        drawn=kept,
        shades=strengths(shown.weights, scale, per)[rows, columns],
        x=left,
        y=top,
        cell=cell,
        rows=row_ids,
        columns=column_ids,
        row_labels=_placed(row_names, row_places),
        column_labels=_placed(column_names, column_places),
        form="percent" if shown.share else "number",
        quantity="weight" if shown.share else "size",
    )
    parts = [
        axes(begin),
        grid,
        row_labels(row_names, row_ids, begin, top, cell, size),
        column_labels(column_names, column_ids, left, top, cell, size),
    ]
    if sink is not None:
        parts.append(_sink(sink, row_ids, _placed(row_names, row_places), begin, top, cell, size))
    bottom = top + cell * len(row_ids) + 16
    width = max(left + cell * len(column_ids) + 12, 420.0)
    if len(together) > 1:
        parts.append(_together(shown, together, columns, left, bottom - 6, cell, scale))
        bottom += cell + 12
    else:
        parts.append(_sentences(shown, row_ids, rows, bottom, width))
    parts.append(colour_legend(left, bottom + 26, shown.weights, scale, share=shown.share, per=per))
    return svg.document(width, bottom + 62, parts, title, _described(shown, high))


def _sink(
    sink: Float[np.ndarray, "row"],
    ids: tuple[str, ...],
    names: list[str],
    x: float,
    y: float,
    cell: float,
    size: float,
) -> str:
    """A column apart for what each row gives to no token; the full colour is all of the row."""
    column = matrix.matrix(
        sink[:, None],
        high=1.0,
        x=x,
        y=y,
        cell=cell,
        rows=ids,
        columns=("sink",),
        row_labels=names,
        column_labels=("the sink, no token",),
        colour=palette.INK,
        quantity="weight",
    )
    return column + column_labels(("sink",), ("sink",), x, y, cell, size)


def natural_side(count: int) -> float:
    """Pixels of the side of a map of so many tokens: small for a sentence, larger for a page."""
    return float(np.clip(CELL * count, LEAST_SIDE, MOST_SIDE))


def difference_map(one: Map, two: Map, *, title: str) -> str:
    """`two` minus `one`, cell by cell, zero in the middle of the colour scale."""
    values = two.weights - one.weights
    names = [
        tuple(a if a == b else f"{a}|{b}" for a, b in zip(first, then, strict=True))
        for first, then in ((one.rows, two.rows), (one.columns, two.columns))
    ]
    ids = (
        tuple(f"q{start}" for start in two.row_starts.tolist()),
        tuple(f"k{start}" for start in two.column_starts.tolist()),
    )
    cell = float(np.clip(520 / len(ids[0]), 9.0, 30.0))
    size = float(np.clip(cell * 0.92, 12.0, 14.0))
    left, top = label_width(names[0], size), TOP + label_width(names[1], size)
    high = float(np.nanmax(np.abs(values), initial=0.0))
    grid = matrix.matrix(
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
    legend = matrix.legend(
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
        row_labels(names[0], ids[0], left, top, cell, size),
        column_labels(names[1], ids[1], left, top, cell, size),
        legend,
    ]
    width = max(left + cell * len(ids[1]) + 12, left + 300)
    return svg.document(width, bottom + 34, parts, title, f"The largest change is {ends}.")


def overview(
    shown: Map, *, block: int, title: str, scale: matrix.Scale = "linear", per: Per = "map"
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
    grid = matrix.matrix(
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
    scale: matrix.Scale,
) -> str:
    """One row more: what the chosen queries attend to together."""
    mean = rows_together(shown, rows)[None, columns]
    ids = [f"k{start}" for start in shown.column_starts[columns].tolist()]
    name = f"mean of {len(rows)}"
    row = matrix.matrix(
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
        size=12,
        fill=palette.QUERY,
        text_anchor="end",
        dominant_baseline="central",
        keep=True,
    )
    return row + word


def _placed(names: tuple[str, ...], places: list[int]) -> list[str]:
    """Names as a tooltip gives them, with their position in the text."""
    return [
        f"{svg.visible(name)} (token {place + 1})"
        for name, place in zip(names, places, strict=True)
    ]


def _sentences(shown: Map, ids: Sequence[str], rows: slice, y: float, width: float) -> str:
    """Under the map: for the row pointed at, where its weight goes and that it sums to 1."""
    whos = [f"“{svg.visible(name)}”" for name in shown.rows[rows]]
    sink = None if shown.sink is None else shown.sink[rows]
    said = attends_sentences(whos, shown.weights[rows], shown, sink)
    parts = [
        written(svg.shortened(sentence, width - 14, 12.5, mono=False), 6, y + 4, data_show=name_id)
        for name_id, sentence in zip(ids, said, strict=True)
    ]
    return lettering(parts, size=12.5, fill=palette.INK, mono=False)


def row_sentence(
    name: str, row: Float[np.ndarray, "column"], shown: Map, sink: float | None = None
) -> str:
    """Where one row's weight goes, in words; `sink` is what goes to no token."""
    apart = None if sink is None else np.array([sink])
    return attends_sentences([f"“{svg.visible(name)}”"], row[None], shown, apart)[0]


def attends_sentences(
    whos: Sequence[str],
    weights: Float[np.ndarray, "row column"],
    shown: Map,
    sink: Float[np.ndarray, "row"] | None = None,
) -> list[str]:
    """Where the weight of each row goes, in words; `whos` are written as they are."""
    given = [None] * len(whos) if sink is None else sink.tolist()
    sums = np.nansum(weights, axis=1).tolist()
    best = top_links(weights, shown.columns, 3 if sink is None else 2)
    return [
        _attends(who, links, total, shown.share, to_sink)
        for who, links, total, to_sink in zip(whos, best, sums, given, strict=True)
    ]


def _attends(
    who: str, best: list[tuple[str, float]], total: float, share: bool, sink: float | None
) -> str:
    if not best:
        return f"{who} has no key left to attend to"
    listed = ", ".join(f"“{svg.visible(to)}” {number(weight, share)}" for to, weight in best)
    if sink is not None:
        listed, total = f"{listed}, sink {number(sink, share)}", total + sink
    return f"{who} attends to {listed}" + (f" · row sum {total * 100:.0f} %" if share else "")


def top_links(
    weights: Float[np.ndarray, "row column"], names: tuple[str, ...], count: int
) -> list[list[tuple[str, float]]]:
    """The columns with the largest weights of each row, best first, without empty ones."""
    filled = np.where(np.isfinite(weights), weights, np.float32(0))
    order = np.broadcast_to(np.arange(filled.shape[1]), filled.shape)
    if filled.shape[1] > count:
        # A whole sort of long rows would take longer than all else in the picture.
        order = np.argpartition(-filled, count, axis=1)[:, :count]
    found = np.take_along_axis(filled, order, axis=1)
    ranked = np.argsort(-found, axis=1, kind="stable")
    places = np.take_along_axis(order, ranked, axis=1).tolist()
    values = np.take_along_axis(found, ranked, axis=1).tolist()
    return [
        [(names[place], value) for place, value in zip(*row, strict=True) if value > 0]
        for row in zip(places, values, strict=True)
    ]


def _described(shown: Map, high: float) -> str:
    return (
        f"{len(shown.rows)} queries attend to {len(shown.columns)} keys; "
        f"the largest value is {number(high, shown.share)}."
    )
