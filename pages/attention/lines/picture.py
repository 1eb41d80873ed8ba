"""Two columns of tokens joined by lines: queries on the left, keys on the right.

In: an `engine.attention.maps.Map`. Out: an SVG string with targets `q0, ..` on the left and `k0,
..` on the right; line width and strength follow the weight. At most `MOST` lines are drawn, the
strongest, and the picture says how many that is. Knows no model and no page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from engine.attention.maps import Map
from pages.attention.labels import lettering, written
from pages.pictures import matrix, palette, svg
from pages.pictures.scale import number

MOST = 500
NAMED = 5
GAP = 230.0


def attention_lines(
    shown: Map,
    *,
    title: str,
    rows: slice = slice(None),
    columns: slice = slice(None),
    scale: matrix.Scale = "linear",
    together: Sequence[int] = (),
    sought: Sequence[int] = (),
) -> str:
    """The lines of the map, or of the part that two slices cut out.

    Of several rows chosen `together` the numbers beside the columns are their mean, of several
    columns `sought` those beside the rows their sum.
    """
    weights = np.where(shown.kept, np.nan_to_num(shown.weights), 0.0)[rows, columns]
    row_ids = [f"q{start}" for start in shown.row_starts[rows].tolist()]
    column_ids = [f"k{start}" for start in shown.column_starts[columns].tolist()]
    n = max(len(row_ids), len(column_ids))
    step = float(np.clip(900 / n, 15.0, 26.0))
    size = float(np.clip(step * 0.8, 12.0, 14.0))
    row_names, column_names = (
        [svg.visible(name, limit=20) for name in names]
        for names in (shown.rows[rows], shown.columns[columns])
    )
    left = max((svg.text_width(name, size) for name in row_names), default=0.0) + 74
    right = left + GAP
    width = right + max((svg.text_width(name, size) for name in column_names), default=0.0) + 78
    links = _strongest(weights)
    high = max((weight for _, _, weight in links), default=0.0)
    strengths = matrix.scaled(np.array([[w for *_, w in links]] or [[0.0]]), high, scale)[0]
    parts = [
        svg.label(
            "query (attends)",
            left - 8,
            18,
            size=12,
            fill=palette.QUERY,
            text_anchor="end",
            keep=True,
        ),
        svg.label("key (attended to)", right + 8, 18, size=12, fill=palette.KEY, keep=True),
    ]
    top = 40.0
    curves = []
    for (row, column, _), strength in sorted(
        zip(links, strengths.tolist(), strict=False), key=lambda pair: pair[1]
    ):
        y1, y2 = top + row * step, top + column * step
        curve = f"M{left:.0f} {y1:.0f}C{left + 90:.0f} {y1:.0f} {right - 90:.0f} {y2:.0f} "
        curves.append(
            svg.tag(
                "path",
                d=curve + f"{right:.0f} {y2:.0f}",
                stroke_width=round(0.5 + 3.5 * strength, 1),
                stroke_opacity=round(0.08 + 0.82 * strength, 2),
                data_on=f"{row_ids[row]} {column_ids[column]}",
            )
        )
    parts.append(svg.tag("g", curves, fill="none", stroke=palette.ATTENTION))
    seen, seers = _neighbours(links, row_ids, column_ids)
    left_names = [
        written(
            name,
            left - 8,
            top + index * step,
            data_id=name_id,
            data_on=" ".join(seers[name_id]) or None,
        )
        for index, (name, name_id) in enumerate(zip(row_names, row_ids, strict=True))
    ]
    right_names = [
        written(
            name,
            right + 8,
            top + index * step,
            data_id=name_id,
            data_on=" ".join(seen[name_id]) or None,
        )
        for index, (name, name_id) in enumerate(zip(column_names, column_ids, strict=True))
    ]
    middle = {"size": size, "dominant_baseline": "central"}
    parts.append(lettering(left_names, fill=palette.QUERY, text_anchor="end", **middle))
    parts.append(lettering(right_names, fill=palette.KEY, **middle))
    full = np.nan_to_num(shown.weights)[rows, columns]  # also of links too faint to be drawn
    rows_chosen = _inside(together, rows, len(shown.rows))
    columns_chosen = _inside(sought, columns, len(shown.columns))
    single = [
        link for link in links if link[0] not in rows_chosen and link[1] not in columns_chosen
    ]
    parts += _values(single, row_ids, column_ids, shown.share, width, top, step)
    if rows_chosen:
        mean, ids = full[rows_chosen].mean(axis=0), [row_ids[i] for i in rows_chosen]
        parts += _joint(mean, ids, width - 6, "end", top, step, shown.share)
    if columns_chosen:
        whole, ids = full[:, columns_chosen].sum(axis=1), [column_ids[i] for i in columns_chosen]
        parts += _joint(whole, ids, 6.0, None, top, step, shown.share)
    total = int((weights > 0).sum())
    bottom = top + n * step + 8
    said = (
        f"{len(links):,} of {total:,} links drawn, the strongest"
        if total > len(links)
        else f"{total:,} links"
    )
    said += f"; the widest line is {number(high, shown.share)}"
    parts.append(svg.label(said, 6, bottom + 10, size=12, fill=palette.MUTED, keep=True))
    return svg.document(width, bottom + 22, parts, title, said)


def _inside(chosen: Sequence[int], part: slice, count: int) -> list[int]:
    """Places within a part of what was chosen in the whole; none unless they are several."""
    places = range(count)[part]
    found = [places.index(index) for index in chosen if index in places]
    return found if len(found) > 1 else []


def _joint(
    vector: np.ndarray,
    ids: list[str],
    x: float,
    anchor: str | None,
    top: float,
    step: float,
    share: bool,
) -> list[str]:
    """The largest numbers of several words taken together, beside what they belong to."""
    best = [int(i) for i in np.argsort(-vector, kind="stable")[: 2 * NAMED] if vector[i] > 0]
    texts = [
        written(number(float(vector[i]), share), x, top + i * step, data_show=" ".join(ids))
        for i in best
    ]
    return [
        lettering(
            texts,
            size=12,
            fill=palette.INK,
            font_weight=700,
            text_anchor=anchor,
            dominant_baseline="central",
        )
    ]


def _strongest(weights: np.ndarray) -> list[tuple[int, int, float]]:
    flat = weights.ravel()
    order = np.argsort(-flat, kind="stable")[:MOST]
    order = order[flat[order] > flat.max(initial=0.0) * 0.004]
    rows, columns = np.divmod(order, weights.shape[1])
    return list(zip(rows.tolist(), columns.tolist(), flat[order].tolist(), strict=True))


def _neighbours(
    links: list[tuple[int, int, float]], row_ids: list[str], column_ids: list[str]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """For each key the queries that attend to it, for each query its keys."""
    seen, seers = defaultdict(list), defaultdict(list)
    for row, column, _ in links:
        seen[column_ids[column]].append(row_ids[row])
        seers[row_ids[row]].append(column_ids[column])
    return seen, seers


def _values(
    links: list[tuple[int, int, float]],
    row_ids: list[str],
    column_ids: list[str],
    share: bool,
    width: float,
    top: float,
    step: float,
) -> list[str]:
    """The largest values of each row at the right edge and of each column at the left, on hover."""
    of_row, of_column = defaultdict(list), defaultdict(list)
    for row, column, weight in links:
        text = number(weight, share)
        if len(of_row[row]) < NAMED:
            y = top + column * step
            of_row[row].append(written(text, width - 6, y, data_show=row_ids[row]))
        if len(of_column[column]) < NAMED:
            y = top + row * step
            of_column[column].append(written(text, 6, y, data_show=column_ids[column]))
    style = {"size": 12, "fill": palette.INK, "dominant_baseline": "central"}
    return [
        lettering(
            [text for texts in of_row.values() for text in texts], text_anchor="end", **style
        ),
        lettering([text for texts in of_column.values() for text in texts], **style),
    ]
