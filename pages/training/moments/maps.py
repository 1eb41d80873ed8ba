"""One head at every moment: its attention map small, and the chosen moment's in full.

In: moments and a head's weights. Out: SVG, a sentence, a table. Map k has the id `m<k>`, queries
`q<i>` and keys `k<j>`. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.moments.asking import Grown
from engine.moments.course import Moment
from pages.pictures import palette
from pages.pictures.columns.words import percent
from pages.pictures.matrix import legend, matrix, raster
from pages.pictures.svg import document, label, shortened, tag, text_width
from pages.pictures.tokens import face
from pages.training.moments.picture import step

WIDTH, SMALL, GAP = 900.0, 128.0, 16.0
NAMES = 110.0


def grown(moments: Sequence[Moment], found: Grown, chosen: int, name: str) -> str:
    """Small maps in a row, the chosen one large below."""
    weights = np.where(_future(found), np.nan, found.weights)
    each = max(1, int((WIDTH + GAP) // (SMALL + GAP)))
    parts = []
    for k, one in enumerate(moments):
        x, y = (k % each) * (SMALL + GAP), (k // each) * (SMALL + 32)
        body = label(step(one), x, y + 14, size=12, font_weight=600 if k == chosen else 400)
        body += raster(weights[k], x=x, y=y + 20, width=SMALL, height=SMALL, high=1.0)
        body += tag("rect", x=x, y=y + 20, width=SMALL, height=SMALL, fill="none",
                    stroke=palette.ACCENT if k == chosen else palette.LINE,
                    stroke_width=3 if k == chosen else 1)  # fmt: skip
        tip = f"{step(one)}\n{percent(previous(found)[k])} on the previous token"
        parts.append(tag("g", body, data_id=f"m{k}", data_tip=tip, data_name=step(one)))
    top = -(-len(moments) // each) * (SMALL + 32) + 12
    body, height = _large(found, weights[chosen], top, f"{name}, {step(moments[chosen])}")
    return document(WIDTH, height, [*parts, *body], f"{name} through the training", least=0.62)


def _large(found: Grown, weights: np.ndarray, top: float, title: str) -> tuple[list[str], float]:
    count = len(found.tokens)
    cell = float(min(28, max(14, (WIDTH - NAMES - 10) // count)))
    names = [face(found.tokens, i) for i in range(count)]
    left, start = NAMES, top + 24 + 62
    parts = [label(title, 0, top + 14, size=13, font_weight=600)]
    for i, one in enumerate(names):
        middle = start + i * cell + cell / 2 + 4
        short = shortened(one, NAMES - 12, 12)
        parts.append(label(short, left - 8, middle, size=12, mono=True, text_anchor="end",
                           data_id=f"q{i}"))  # fmt: skip
        x = left + i * cell + cell / 2 + 4
        parts.append(label(shortened(one, 70, 12), x, start - 8, size=12, mono=True,
                           transform=f"rotate(-50 {x:.1f} {start - 8:.1f})",
                           data_id=f"k{i}"))  # fmt: skip
    parts.append(
        matrix(weights, x=left, y=start, cell=cell, rows=[f"q{i}" for i in range(count)],
               columns=[f"k{i}" for i in range(count)], row_labels=names, column_labels=names,
               high=1.0, quantity="attention")
    )  # fmt: skip
    end = start + count * cell
    parts.append(legend(left, end + 12, low="0 %", high="100 %", masked=True))
    width = text_width("key (attended to)", 12, mono=False)
    parts.append(label("key (attended to)", left + count * cell - width, end + 22, size=12,
                       fill=palette.MUTED) if count * cell > 360 else "")  # fmt: skip
    return parts, end + 44


def _future(found: Grown) -> np.ndarray:
    count = len(found.tokens)
    return np.triu(np.ones((count, count), dtype=bool), 1)[None]


def previous(found: Grown) -> list[float]:
    """At each moment the mean weight on the token before, of all queries that have one."""
    places = np.arange(1, len(found.tokens))
    if not len(places):
        return [0.0] * len(found.weights)
    return found.weights[:, places, places - 1].mean(axis=1).tolist()


def even(found: Grown) -> float:
    """What uniform attention would give the token before."""
    return float(np.mean([1 / (i + 1) for i in range(1, len(found.tokens))] or [0.0]))


def said(moments: Sequence[Moment], found: Grown, chosen: int, name: str) -> str:
    """What the head gives the token before, at first, now and at the end."""
    shares = [100 * one for one in previous(found)]
    best = int(np.argmax(shares))
    return (
        f"{name} attends {shares[0]:.0f} % to the previous token before training, "
        f"{shares[chosen]:.0f} % at {step(moments[chosen])} and {shares[-1]:.0f} % at the end "
        f"(uniform attention: {100 * even(found):.0f} %). It does so most at "
        f"{step(moments[best])}: {shares[best]:.0f} %."
    )


def table(found: Grown, chosen: int) -> dict[str, list[Any] | np.ndarray]:
    """Every weight of the chosen moment."""
    count = len(found.tokens)
    query, key = np.tril_indices(count)
    return {
        "query": (query + 1).tolist(),
        "key": (key + 1).tolist(),
        "attention": found.weights[chosen][query, key],
    }
