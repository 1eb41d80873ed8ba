"""From an id to the vector that enters layer 1: table row, plus position, as strips of numbers.

In: the rows of one token. Out: an SVG in which every number can be pointed at, and the words beside
it. Knows nothing of pages or models.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pages.pictures import palette
from pages.pictures.matrix import legend, matrix
from pages.pictures.names import quoted
from pages.pictures.svg import document, label

COLUMNS = 64
CELL = 12.0
LEFT = 8.0


def into(
    row: Float[np.ndarray, "width"],
    position: Float[np.ndarray, "width"] | None,
    entering: Float[np.ndarray, "width"],
    *,
    name: str,
    token_id: int,
    place: int,
) -> str:
    """The strips one under the other: row of the table, + position, = what enters layer 1."""
    top = float(max(np.abs(v).max() for v in (row, position, entering) if v is not None))
    strips = [(f"Token embedding of {quoted(name)}: row {token_id} of the matrix", row, "a")]
    if position is not None:
        strips.append((f"+ embedding of position {place + 1}", position, "b"))
    strips.append(("= input of layer 1", entering, "c"))
    parts: list[str] = []
    y = 18.0
    for title, vector, letter in strips:
        parts.append(label(title, LEFT, y, size=14, font_weight=600, keep=True))
        drawn, height = _strip(vector, y + 9, letter, top)
        parts.append(drawn)
        y += height + 40
    parts.append(
        legend(
            LEFT, y - 14, low=f"{-top:.2f}", high=f"{top:.2f}", colour=palette.POSITIVE,
            negative=palette.NEGATIVE, width=200,
        )
    )  # fmt: skip
    width = LEFT * 2 + min(COLUMNS, len(row)) * CELL
    return document(width, y + 22, parts, f"From ID {token_id} to the input of layer 1")


def _strip(vector: np.ndarray, y: float, letter: str, top: float) -> tuple[str, float]:
    columns = min(COLUMNS, len(vector))
    rows = -(-len(vector) // columns)
    grid = np.full(rows * columns, np.nan, dtype=np.float32)
    grid[: len(vector)] = vector
    drawn = matrix(
        grid.reshape(rows, columns),
        x=LEFT,
        y=y,
        cell=CELL,
        rows=[f"{letter}{r}" for r in range(rows)],
        columns=[f"n{c}" for c in range(columns)],
        row_labels=[f"dimensions {r * columns + 1} to {(r + 1) * columns}" for r in range(rows)],
        column_labels=[f"column {c + 1}" for c in range(columns)],
        form="number",
        colour=palette.POSITIVE,
        high=top,
    )
    return drawn, rows * CELL


def told(
    row: Float[np.ndarray, "width"],
    position: Float[np.ndarray, "width"] | None,
    entering: Float[np.ndarray, "width"],
    *,
    token_id: int,
    vocabulary: int,
) -> str:
    """What happens here, with this token's numbers."""
    lines = [
        f"The ID {token_id} is a row of the embedding matrix, which has {vocabulary:,} rows of "
        f"{len(row):,} learned numbers."
    ]
    total = row if position is None else row + position
    if position is None:
        lines.append("This model adds no position embedding.")
    else:
        lines.append(
            f"The position embedding has length {np.linalg.norm(position):.2f}, the token "
            f"embedding {np.linalg.norm(row):.2f}."
        )
    error = float(np.abs(total - entering).max())
    if error < 1e-3:
        lines.append("Their sum enters layer 1." if position is not None else "It enters layer 1.")
    else:
        lines.append(
            "The model then scales or normalizes it: the input of layer 1 has length "
            f"{np.linalg.norm(entering):.2f}."
        )
    return " ".join(lines)
