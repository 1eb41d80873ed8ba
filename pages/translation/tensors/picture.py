"""The tensors of a translation, drawn as what they are: numbers with a shape.

In: arrays of the model and labels. Out: SVG strings. Only the first dimensions of a vector are
drawn, and the caption says of how many. Blue is above zero, orange below, as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pages.pictures import matrix, palette, svg
from pages.translation.story import Story, number, percent

MOST_ROWS = 48  # tokens drawn of a long text; the caption says so
GAP = 44.0


@dataclass(frozen=True, slots=True)
class Tensor:
    """One matrix to draw: `values` [token, width], how many columns, what is before it."""

    name: str
    values: Float[np.ndarray, "token width"]
    columns: int = 24
    before: str = ""
    shape: str = ""

    @property
    def size(self) -> str:
        """Its whole shape in words, `12 × 256` if none was given."""
        return self.shape or " × ".join(str(n) for n in self.values.shape)


def embedding_scale(
    token: Float[np.ndarray, "token width"],
    position: Float[np.ndarray, "token width"] | None,
    entering: Float[np.ndarray, "token width"],
) -> float | None:
    """The factor f of `entering = f * token + position`; None where that is not what happens.

    The 2017 paper multiplies token vectors by the square root of their width.
    """
    rest = entering if position is None else entering - position
    below = float((token * token).sum())
    factor = float((rest * token).sum()) / below if below else 1.0
    fits = np.abs(factor * token - rest).max() <= 1e-3 * max(1.0, float(np.abs(entering).max()))
    return round(factor, 3) if fits else None


def tensors(
    parts: Sequence[Tensor], rows: Sequence[str], *, title: str, ids: str = "s", first: int = 0
) -> str:
    """Matrices side by side, one row a token; `ids` + number is a row's id in the picture."""
    rows = [svg.visible(row, limit=16) for row in rows[:MOST_ROWS]]
    cell = float(np.clip(420 / len(rows), 12.0, 18.0))
    left = 26 + max(svg.text_width(row, 12) for row in rows)
    top, x = 46.0, left
    high = max(float(np.abs(part.values[: len(rows)]).max(initial=0.0)) for part in parts) or 1.0
    body = [_row_labels(rows, left, top, cell, ids, first)]
    for index, part in enumerate(parts):
        shown = min(part.columns, part.values.shape[1])
        head = f"{part.name}  {part.size}"
        if part.before:
            body.append(
                svg.label(part.before, x - 26, top + cell * len(rows) / 2 + 6, size=20, keep=True)
            )
        body.append(svg.label(head, x, 18, size=12.5, font_weight=600, keep=True))
        note = f"numbers 1 to {shown} of {part.values.shape[1]}"
        body.append(svg.label(note, x, 34, size=12, fill=palette.MUTED, keep=True))
        body.append(
            matrix.matrix(
                part.values[: len(rows), :shown],
                x=x,
                y=top,
                cell=cell,
                rows=[f"{ids}{first + row}" for row in range(len(rows))],
                columns=[f"d{index}.{column}" for column in range(shown)],
                row_labels=rows,
                column_labels=[f"number {column + 1}" for column in range(shown)],
                form="number",
                colour=palette.POSITIVE,
                negative=palette.NEGATIVE,
                high=high,
                quantity=part.name,
            )
        )
        x += max(shown * cell, svg.text_width(head, 12.5, mono=False) + 12) + GAP
    bottom = top + cell * len(rows) + 16
    body.append(
        matrix.legend(
            left, bottom, low=number(-high), high=number(high), negative=palette.NEGATIVE,
            colour=palette.POSITIVE,
        )
    )  # fmt: skip
    return svg.document(max(x - GAP + 14, 420.0), bottom + 34, body, title)


def _row_labels(
    rows: Sequence[str], left: float, top: float, cell: float, ids: str, first: int
) -> str:
    return "".join(
        svg.label(
            row,
            left - 8,
            top + (index + 0.75) * cell,
            size=12,
            mono=True,
            text_anchor="end",
            data_id=f"{ids}{first + index}",
        )
        for index, row in enumerate(rows)
    )


def numbered(pieces: Sequence[str], ids: Sequence[int], *, title: str, key: str = "s") -> str:
    """Tokens in boxes with their ids under them, in lines that fit a page."""
    x, y, parts = 14.0, 12.0, []
    for index, (piece, token) in enumerate(zip(pieces, ids, strict=True)):
        width = max(svg.text_width(piece, 14), svg.text_width(str(token), 12)) + 20
        if x + width > 1000:
            x, y = 14.0, y + 66
        box = svg.tag("rect", x=x, y=y, width=width, height=30.0, rx=6.0, fill=palette.chip(index))
        middle = x + width / 2
        word = svg.label(piece, middle, y + 20, size=14, mono=True, text_anchor="middle")
        below = svg.label(
            str(token), middle, y + 47, size=12, mono=True, fill=palette.MUTED, text_anchor="middle"
        )
        parts.append(
            svg.tag(
                "g", box + word + below, data_id=f"{key}{index}", data_name=piece,
                data_tip=f"{piece}\ntoken {index + 1}, id {token}",
            )
        )  # fmt: skip
        x += width + 6
    return svg.document(1014.0, y + 62, parts, title)


def softmax_table(story: Story, t: int) -> str:
    """How target token t was chosen: logit, softmax and probability of the likeliest tokens."""
    scored = story.scored
    shares = scored.best_probabilities[t]
    rows = list(
        zip(
            scored.best_ids[t].tolist(),
            scored.best_logits[t].tolist(),
            shares.tolist(),
            strict=True,
        )
    )
    heads = (("token", 14.0), ("logit", 170.0), ("e to the (logit − S)", 214.0))
    parts = [svg.label(name, x, 18, size=12, fill=palette.MUTED, keep=True) for name, x in heads]
    for index, (token, logit, share) in enumerate(rows):
        y = 28.0 + index * 24
        chosen = token == int(scored.ids[t])
        bar = svg.tag(
            "rect", x=344.0, y=y, width=max(1.5, 330 * share), height=18.0, rx=3.0,
            fill=palette.CHOSEN if chosen else palette.BAR,
        )  # fmt: skip
        word = svg.shortened(story.label(token), 120, 13)
        weight = 700 if chosen else 400
        texts = [
            svg.label(word, 14, y + 14, size=13, mono=True, font_weight=weight),
            svg.label(number(logit), 198, y + 14, size=12, mono=True, text_anchor="end"),
            svg.label(
                f"e^{number(logit - float(scored.log_sum[t]))}", 214, y + 14, size=12, mono=True
            ),
            svg.label("=", 318, y + 14, size=12),
            svg.label(
                percent(share), 352 + max(1.5, 330 * share), y + 14, size=12, font_weight=weight
            ),
        ]
        parts.append(
            svg.tag(
                "g", bar + "".join(texts), data_id=f"c{t}.{token}", data_name=word,
                data_tip=f"{word}\nlogit {number(logit)}\n{percent(share)}",
            )
        )  # fmt: skip
    y = 28.0 + len(rows) * 24
    rest = max(0.0, 1 - float(shares.sum()))
    total = f"S = {number(float(scored.log_sum[t]))}: the logarithm of the sum over all tokens"
    parts.append(svg.label(f"all others together {percent(rest)}", 344, y + 14, size=12,
                           fill=palette.MUTED, keep=True))  # fmt: skip
    parts.append(svg.label(total, 14, y + 36, size=12, fill=palette.MUTED, keep=True))
    return svg.document(760.0, y + 48, parts, f"Softmax for target token {t + 1}")
