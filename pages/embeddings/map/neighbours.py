"""A point's nearest neighbours as a list with bars, and the words beside it.

In: `Neighbours` with the names and ids of their points. Out: SVG; a row has the id of its point,
so that a click in the list picks it. Knows nothing of models or pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.space.projection import Measure, Neighbours
from pages.pictures import palette
from pages.pictures.matrix import raster
from pages.pictures.svg import document, label, shortened, tag, visible

WIDTH, ROW, TOP = 330.0, 24.0, 26.0
NAME, BAR = 108.0, 84.0


@dataclass(frozen=True, slots=True)
class Listed:
    """The points of a list: `ids` as on the map, `names` as a person reads them.

    `contexts` are the sentences around them, where names alone do not tell them apart.
    """

    ids: Sequence[str]
    names: Sequence[str]
    contexts: Sequence[str] = ()

    @property
    def row(self) -> float:
        """The height of one row."""
        return ROW + (16.0 if any(self.contexts) else 0.0)


def neighbour_list(found: Neighbours, listed: Listed, measure: Measure) -> str:
    """Rows of name, bar, cosine, angle and distance, nearest first."""
    parts = [
        label(name, x, 14, size=12, fill=palette.MUTED, text_anchor="end", keep=True)
        for name, x in (("cosine", 238.0), ("angle", 282.0), ("distance", 330.0))
    ]
    far = float(found.euclid.max(initial=0)) or 1.0
    for row in range(len(found.indices)):
        share = (
            float(found.cosine[row]) if measure == "cosine" else 1 - float(found.euclid[row]) / far
        )
        parts.append(_row(row, found, listed, share))
    return document(WIDTH, TOP + listed.row * len(found.indices) + 4, parts, "Nearest neighbors")


def _row(row: int, found: Neighbours, listed: Listed, share: float) -> str:
    y = TOP + row * listed.row
    name = visible(listed.names[row], limit=40)
    numbers = (
        (f"{found.cosine[row]:.2f}", 238.0),
        (f"{found.degrees[row]:.0f}°", 282.0),
        (f"{found.euclid[row]:.2f}", 330.0),
    )
    wide = min(abs(share), 1.0) * (BAR - 4)
    parts = [
        tag("rect", x=0.0, y=y, width=WIDTH, height=listed.row - 3, rx=4, fill=palette.SURFACE),
        label(shortened(name, NAME - 12, 13.5), 6, y + 15, size=13.5, mono=True),
        tag(
            "rect",
            x=NAME,
            y=y + 5,
            width=wide,
            height=ROW - 13,
            rx=2,
            fill=palette.KEPT if share >= 0 else palette.NEGATIVE,
        ),
        *(label(text, x, y + 15, size=12.5, text_anchor="end") for text, x in numbers),
    ]
    if listed.contexts and listed.contexts[row]:
        around = shortened(
            visible(listed.contexts[row], limit=80).replace("·", " "), WIDTH - 12, 12
        )
        parts.append(label(around, 6, y + 32, size=12, fill=palette.MUTED))
    words = (
        f"{name}\ncosine {found.cosine[row]:.4f}, angle {found.degrees[row]:.1f}°\n"
        f"distance {found.euclid[row]:.4f}"
    )
    return tag("g", parts, data_id=listed.ids[row], data_name=name, data_tip=words)


def strip(vector: Float[np.ndarray, "width"], title: str) -> str:
    """A vector as a strip of colours: blue above zero, orange under it."""
    columns = min(len(vector), 64)
    rows = -(-len(vector) // columns)
    grid = np.full(rows * columns, np.nan, dtype=np.float32)
    grid[: len(vector)] = vector
    height = 9.0 * rows
    image = raster(
        grid.reshape(rows, columns), x=0, y=0, width=WIDTH, height=height, colour=palette.POSITIVE
    )
    top = float(np.abs(vector).max(initial=0))
    note = f"{len(vector):,} numbers, from {vector.min():.2f} to {vector.max():.2f}"
    words = label(note, 0, height + 15, size=12, fill=palette.MUTED)
    return document(WIDTH, height + 20, image + words, f"{title}, largest {top:.2f}")


def table(found: Neighbours, listed: Listed) -> dict[str, Sequence[object]]:
    """The same as columns."""
    return {
        "neighbor": list(listed.names),
        "cosine": found.cosine.round(4).tolist(),
        "degrees": found.degrees.round(2).tolist(),
        "distance": found.euclid.round(4).tolist(),
    }
