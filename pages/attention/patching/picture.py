"""The map of activation patching: rows are layers, columns tokens, each cell what comes back.

In: a `Patched` and how its tokens are written. Out: SVG; rows are the targets `l0, l1, ..` (the
number of the layer), columns `t0, t1, ..`, the cell that is looked at is framed. Knows no page.
"""

from __future__ import annotations

import re

import numpy as np

from engine.patching.restoring import Patched
from pages.attention.labels import TOP, column_labels, label_width
from pages.attention.patching.words import NAMES, Called, logits, place
from pages.pictures import matrix, palette, svg
from pages.pictures.svg import visible

SIZE, LEFT = 13.0, 104.0
CELL = re.compile(r"l(\d{1,4}) t(\d{1,4})")
BAR, ROOM = 18.0, 350.0


def patching_map(found: Patched, called: Called, *, at: tuple[int, int], title: str) -> str:
    """What comes back with each (layer, token) restored; `at` is the cell that is framed."""
    shares, part = found.restored, found.experiment.part
    count = shares.shape[1]
    cell = float(np.clip(560 / count, 22.0, 38.0))
    high = max(1.0, float(np.nanmax(np.abs(shares), initial=0.0)))
    ids = tuple(f"t{k}" for k in range(count))
    rows = tuple(f"l{layer}" for layer in found.layers)
    top = TOP + label_width(called.tokens, SIZE)
    placed = [f"{visible(name)} (token {k + 1})" for k, name in enumerate(called.tokens)]
    named = [f"{NAMES[part]} {place(part, layer)}" for layer in found.layers]
    parts = [
        matrix.matrix(
            shares,
            x=LEFT,
            y=top,
            cell=cell,
            rows=rows,
            columns=ids,
            row_labels=named,
            column_labels=placed,
            colour=palette.POSITIVE,
            negative=palette.NEGATIVE,
            high=high,
            quantity="restored",
        ),
        column_labels(called.tokens, ids, LEFT, top, cell, SIZE),
        _layers(found, rows, top, cell),
        _changed(found, top, cell),
        _frame(at, top, cell),
    ]
    bottom = top + cell * len(rows)
    parts.append(_predicted(found, called, bottom, cell))
    parts.append(
        matrix.legend(
            LEFT,
            bottom + 30,
            low=f"−{100 * high:.0f} %",
            high=f"{100 * high:.0f} %",
            colour=palette.POSITIVE,
            negative=palette.NEGATIVE,
            width=190,
        )
    )
    width = max(LEFT + cell * count + 14, LEFT + 230.0)
    described = f"{len(rows)} layers and {count} tokens; the full color is {100 * high:.0f} %."
    return svg.document(width, bottom + 66, parts, title, described)


def _layers(found: Patched, ids: tuple[str, ...], top: float, cell: float) -> str:
    residual = found.experiment.part == "residual"
    parts = [
        svg.label(
            ("entering layer 1" if not layer else f"after layer {layer}")
            if residual
            else f"layer {layer}",
            LEFT - 8,
            top + cell * (row + 0.5),
            size=12,
            text_anchor="end",
            dominant_baseline="central",
            data_id=name,
        )
        for row, (layer, name) in enumerate(zip(found.layers, ids, strict=True))
    ]
    return svg.tag("g", parts)


def _predicted(found: Patched, called: Called, bottom: float, cell: float) -> str:
    """A mark under the column where the answer is predicted, its words on the side with room."""
    position, count = found.contrast.position, found.differences.shape[1]
    x, right = LEFT + cell * (position + 0.5), position < count / 2
    mark = svg.tag(
        "path", d=f"M{x:.1f} {bottom + 4:.1f}l5 8h-10z", fill=palette.MUTED, keep=True
    )  # fmt: skip
    words = svg.label(
        f"answer {called.where}", x + (10 if right else -10), bottom + 15, size=12,
        fill=palette.MUTED, text_anchor=None if right else "end", keep=True,
    )  # fmt: skip
    return svg.tag("g", [mark, words], keep=True)


def _changed(found: Patched, top: float, cell: float) -> str:
    """A bar under the name of every token that is another one in the corrupted sentence."""
    bars = [
        svg.tag("rect", x=LEFT + cell * k + 2, y=top - 5, width=cell - 4, height=3.0,
                fill=palette.ACCENT)
        for k in found.contrast.changed
    ]  # fmt: skip
    note = svg.label(
        "▬ changed: clean|corrupted", LEFT, 14, size=12, fill=palette.ACCENT, keep=True
    )
    return svg.tag("g", [*bars, note], keep=True)


def _frame(at: tuple[int, int], top: float, cell: float) -> str:
    row, token = at
    return svg.tag(
        "rect", x=LEFT + cell * token, y=top + cell * row, width=cell, height=cell,
        fill="none", stroke=palette.ACCENT, stroke_width=3,
    )  # fmt: skip


def parsed(ids: str | None, found: Patched) -> tuple[int, int] | None:
    """Row and column of a lock; None for what is no cell of this map."""
    match = CELL.fullmatch(ids or "")
    if match is None:
        return None
    layer, token = int(match[1]), int(match[2])
    rows, columns = found.differences.shape
    if layer not in found.layers or token >= columns:
        return None
    return found.layers.index(layer), token


def best_cell(found: Patched) -> tuple[int, int]:
    """Where most comes back; the residual stream's first and last row are left to others.

    There all comes back by itself: what enters is the sentence, what leaves is the answer.
    """
    shares = np.nan_to_num(found.restored, nan=-np.inf)
    first = 1 if found.experiment.part == "residual" and len(shares) > 2 else 0
    inner = shares[first : len(shares) - first]
    row, token = np.unravel_index(int(inner.argmax()), inner.shape)
    return int(row) + first, int(token)


def cell_bars(found: Patched, called: Called, at: tuple[int, int], *, title: str) -> str:
    """The logit difference of the corrupted, the patched and the clean run as three bars."""
    clean, corrupted = found.contrast.differences
    patched = float(found.differences[at])
    values = [("corrupted", corrupted, palette.BAR), ("clean", clean, palette.BAR)]
    if np.isfinite(patched):
        values.insert(1, ("patched", patched, palette.CHOSEN))
    least, most = (f([0.0, *(value for _, value, _ in values)]) for f in (min, max))
    left, right = 82.0, ROOM - 56.0
    scale = (right - left - 56) / max(most - least, 1e-6)
    zero = left + 56 - least * scale if least < 0 else left
    parts = [
        svg.tag("rect", x=zero - 0.5, y=26.0, width=1.0, height=34.0 * len(values),
                fill=palette.MUTED)
    ]  # fmt: skip
    one, other = (visible(answer, limit=16) for answer in called.answers)
    parts.append(
        svg.label(f"logit {one} − logit {other}", 4, 14, size=12, fill=palette.MUTED, keep=True)
    )
    for row, (name, value, colour) in enumerate(values):
        y = 32.0 + 34 * row
        width = max(abs(value) * scale, 1.0)
        x = zero - (width if value < 0 else 0)
        parts += [
            svg.label(name, left - 8, y + 14, size=13, text_anchor="end"),
            svg.tag("rect", x=x, y=y, width=width, height=BAR, rx=2, fill=colour),
            svg.label(
                logits(value),
                x - 6 if value < 0 else x + width + 6,
                y + 14,
                size=12.5,
                fill=palette.MUTED,
                text_anchor="end" if value < 0 else None,
            ),
        ]
    return svg.document(ROOM, 38.0 + 34 * len(values), parts, title, "Three bars.")
