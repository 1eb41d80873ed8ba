"""Words as points of a plane at one moment, with the way that each came.

In: moments and `Places`. Out: SVG, a sentence, a table. Each moment is drawn at its own scale, so
that its shape is seen; how wide it is says the sentence. Word k has the id `w<k>`. Knows nothing of
Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.moments.course import Moment
from engine.moments.places import Places
from pages.pictures import palette
from pages.pictures.names import quoted
from pages.pictures.svg import document, label, shortened, tag, text_width
from pages.training.moments.picture import step

SIZE, EDGE = 560.0, 54.0
TEXT = 13.0


def plane(moments: Sequence[Moment], found: Places, chosen: int) -> str:
    """The words at the chosen moment; thin lines lead from where they were at those before."""
    spots = _scaled(found)
    parts = [
        tag("rect", x=0.0, y=0.0, width=SIZE + 90, height=SIZE, rx=6, fill=palette.SURFACE,
            fill_opacity=0.5)
    ]  # fmt: skip
    taken: list[tuple[float, float, float, float]] = []
    for k, word in enumerate(found.words):
        trail = [_at(one) for one in spots[: chosen + 1, k]]
        x, y = trail[-1]
        colour = palette.CATEGORIES[k % len(palette.CATEGORIES)]
        body = ""
        if chosen:
            path = " ".join(f"{a:.1f},{b:.1f}" for a, b in trail[-4:])
            body += tag("polyline", points=path, fill="none", stroke=colour, stroke_opacity=0.35)
        body += tag("circle", cx=x, cy=y, r=12.0, fill=palette.PAPER, fill_opacity=0.01)
        body += tag("circle", cx=x, cy=y, r=4.5, fill=colour)
        shown = shortened(word, 120, TEXT, mono=False)
        a, b = _free(x, y, text_width(shown, TEXT, mono=False), taken)
        body += label(shown, a, b, size=TEXT)
        near, cosine = nearest(found, chosen, k)
        tip = f"{word}\nnearest: {found.words[near]}, cosine {cosine:.2f}"
        parts.append(tag("g", body, data_id=f"w{k}", data_tip=tip, data_name=word))
    title = f"Token embeddings, {step(moments[chosen])}"
    return document(SIZE + 90, SIZE, parts, title, said(moments, found, chosen), least=0.55)


def _scaled(found: Places) -> np.ndarray:
    """Points [moment, word, 2] with the farthest of each moment at distance 1."""
    far = np.linalg.norm(found.points, axis=2).max(axis=1)
    return found.points / np.maximum(far, 1e-9)[:, None, None]


def _at(point: np.ndarray) -> tuple[float, float]:
    half = SIZE / 2
    return half + float(point[0]) * (half - EDGE), half - float(point[1]) * (half - EDGE)


def _free(
    x: float, y: float, width: float, taken: list[tuple[float, float, float, float]]
) -> tuple[float, float]:
    """Where a word is written near its point: the first place that is free, else the first."""
    right, left, middle = x + 8, x - 8 - width, x - width / 2
    tries = [(right, y + 4), (left, y + 4), (middle, y - 9), (middle, y + 19)]
    tries += [(right, y - 10), (right, y + 18), (left, y - 10), (left, y + 18)]
    for a, b in tries:
        box = (a, b - 11, a + width, b + 3)
        if a > 2 and all(
            box[2] < o[0] or o[2] < box[0] or box[3] < o[1] or o[3] < box[1] for o in taken
        ):
            break
    else:
        a, b = tries[0]
        box = (a, b - 11, a + width, b + 3)
    taken.append(box)
    return a, b


def nearest(found: Places, moment: int, word: int) -> tuple[int, float]:
    """The word whose vector has the greatest cosine with one's, in all numbers, and that cosine."""
    row = found.cosines[moment, word].copy()
    row[word] = -2
    best = int(row.argmax())
    return best, float(row[best])


def said(moments: Sequence[Moment], found: Places, chosen: int) -> str:
    """The first word's nearest neighbour, now and before training, and what the plane shows."""
    near, cosine = nearest(found, chosen, 0)
    first, before = nearest(found, 0, 0)
    word = quoted(found.words[0])
    width = np.linalg.norm(found.points, axis=2).mean(axis=1)
    start = (
        f"Before training the nearest to {word} is {quoted(found.words[first])} "
        f"(cosine {before:.2f})"
    )
    now = (
        f", at {step(moments[chosen])} it is {quoted(found.words[near])} ({cosine:.2f})"
        if chosen
        else ", by chance"
    )
    return (
        f"{start}{now}. The plane holds {100 * float(found.held[chosen]):.0f} % of the variance of "
        f"these {len(found.words)} vectors; they lie {width[chosen] / max(width[0], 1e-9):.1f} "
        "times as far apart as untrained ones."
    )


def table(moments: Sequence[Moment], found: Places) -> dict[str, list[Any] | np.ndarray]:
    """Every word at every moment."""
    count = len(found.words)
    return {
        "step": [one.step for one in moments for _ in range(count)],
        "word": list(found.words) * len(moments),
        "x": found.points[:, :, 0].ravel(),
        "y": found.points[:, :, 1].ravel(),
    }
