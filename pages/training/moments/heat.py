"""How much each moment is surprised by each token of a sentence that it never read.

In: moments and a `Surprise`. Out: SVG, a sentence, a table. Row k has the id `m<k>`, token j
`t<j>`. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.moments.asking import Surprise
from engine.moments.course import Moment
from pages.pictures import palette
from pages.pictures.matrix import legend, matrix
from pages.pictures.names import quoted
from pages.pictures.svg import document, label, shortened
from pages.pictures.tokens import face
from pages.training.moments.picture import step

LEFT, TOP, MEAN = 104.0, 84.0, 76.0


def heat(moments: Sequence[Moment], found: Surprise, chosen: int) -> str:
    """Rows are moments, columns tokens; the mean of each row beside it."""
    count = found.nats.shape[1]
    cell = float(min(44, max(20, 800 // count)))
    names = [face(found.tokens, j) for j in range(1, count + 1)]
    top = float(max(found.nats.max(), found.chance))
    parts = []
    for j, one in enumerate(names):
        x = LEFT + j * cell + cell / 2 + 4
        parts.append(label(shortened(one, 92, 13), x, TOP - 8, size=13, mono=True,
                           transform=f"rotate(-50 {x:.1f} {TOP - 8:.1f})",
                           data_id=f"t{j}"))  # fmt: skip
    right = LEFT + count * cell + 12
    parts.append(label("mean", right, TOP - 8, size=12, fill=palette.MUTED))
    for k, one in enumerate(moments):
        y = TOP + k * cell + cell / 2 + 4
        weight = 600 if k == chosen else 400
        parts.append(label(step(one), LEFT - 8, y, size=12, text_anchor="end", font_weight=weight,
                           data_id=f"m{k}", data_name=step(one)))  # fmt: skip
        parts.append(label(f"{found.nats[k].mean():.2f}", right, y, size=13, font_weight=weight))
    steps = [step(one) for one in moments]
    parts.append(
        matrix(found.nats, x=LEFT, y=TOP, cell=cell, rows=[f"m{k}" for k in range(len(moments))],
               columns=[f"t{j}" for j in range(count)], row_labels=steps, column_labels=names,
               form="number", colour=palette.NEGATIVE, high=top, quantity="loss")
    )  # fmt: skip
    end = TOP + len(moments) * cell
    parts.append(legend(LEFT, end + 12, low="0", high=f"{top:.1f} nats", colour=palette.NEGATIVE))
    title = "Surprise of each moment by each token"
    return document(max(right + MEAN, 420.0), end + 44, parts, title, least=0.62)


def said(moments: Sequence[Moment], found: Surprise, chosen: int) -> str:
    """The mean at first, now and at the end; which token gained most, which is still dear."""
    means = found.nats.mean(axis=1)
    names = [face(found.tokens, j) for j in range(1, found.nats.shape[1] + 1)]
    gain = found.nats[0] - found.nats[chosen]
    best, dear = int(gain.argmax()), int(found.nats[chosen].argmax())
    now = (
        f"At {step(moments[chosen])} a token of this sentence costs {means[chosen]:.2f} nats on "
        f"average, before training {means[0]:.2f} (even guess {found.chance:.2f}), at the end "
        f"{means[-1]:.2f}."
    )
    if not chosen:
        return now
    return (
        f"{now} {quoted(names[best])} gained most ({gain[best]:.1f}); {quoted(names[dear])} is "
        f"the dearest ({found.nats[chosen, dear]:.1f})."
    )


def table(moments: Sequence[Moment], found: Surprise) -> dict[str, list[Any] | np.ndarray]:
    """A row for each moment and token."""
    count = found.nats.shape[1]
    pieces = [found.tokens.pieces[j] for j in range(1, count + 1)]
    return {
        "step": [one.step for one in moments for _ in range(count)],
        "token": pieces * len(moments),
        "loss_nats": found.nats.ravel(),
    }
