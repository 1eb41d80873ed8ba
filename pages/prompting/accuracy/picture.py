"""Accuracy over held-out items against the number of examples, with Wilson's intervals.

In: `Graded`. Out: SVG, a sentence, a table of every item. Knows nothing of Streamlit.
"""

from __future__ import annotations

from typing import Any

from engine.prompting.accuracy import OPEN, Graded, Trial, wilson
from pages.prompting.curve import Series, curve
from pages.prompting.plan import named

TITLE = "Accuracy over held-out items"


def drawing(found: Graded, answers: int, said: str) -> str:
    """The curve of the numbers of examples with which items were answered."""
    rows = _measured(found)
    shares, lows, highs, tips = [], [], [], []
    for row in rows:
        right, done = int(found.correct[row]), int(found.done[row])
        low, high = wilson(right, done)
        shares.append(right / done)
        lows.append(low)
        highs.append(high)
        tips.append(
            f"{named(found.counts[row])}\n{right} of {done} right: {100 * right / done:.0f} %\n"
            f"95 % interval {100 * low:.0f} to {100 * high:.0f} %"
        )
    counts = [found.counts[row] for row in rows]
    line = Series("right answers, with 95 % intervals (Wilson)", shares, lows, highs, tips)
    return curve(
        counts,
        [line] if counts else [],
        up="right",
        title=TITLE,
        said=said,
        chance=1 / answers,
        axis=found.counts,
    )


def said(found: Graded, answers: int, *, live: bool) -> str:
    """What was found: first and last number of examples, and whether their intervals part."""
    rows, items = _measured(found), found.picked.shape[1]
    if not rows:
        asked = len(found.counts) * items
        return (
            f"Nothing is measured yet: {items} held-out items, each asked with "
            f"{len(found.counts)} numbers of examples, are {asked} questions."
        )
    parts = []
    for row in dict.fromkeys((rows[0], rows[-1])):
        right, done = int(found.correct[row]), int(found.done[row])
        low, high = wilson(right, done)
        parts.append(
            f"with {named(found.counts[row]).lower() if found.counts[row] else 'no example'} "
            f"{right} of {done} are right ({100 * low:.0f} to {100 * high:.0f} %)"
        )
    words = "; ".join(parts)
    words = f"{words[0].upper()}{words[1:]}. Guessing would give {100 / answers:.0f} %."
    if found.done.sum() < found.picked.size:
        rest = "more come" if live else "the rest was not asked"
        return f"{words} {int(found.done.sum())} of {found.picked.size} questions; {rest}."
    if len(rows) > 1:
        ends = [
            wilson(int(found.correct[row]), int(found.done[row])) for row in (rows[0], rows[-1])
        ]
        apart = ends[0][1] < ends[1][0] or ends[1][1] < ends[0][0]
        words += (
            " The two intervals do not overlap."
            if apart
            else " The two intervals overlap: so few items do not tell them apart."
        )
    return words


def table(trial: Trial, found: Graded) -> dict[str, list[Any]]:
    """Every item with every number of examples that it was answered with."""
    cells = [
        (row, column)
        for row in range(len(found.counts))
        for column in range(len(trial.items))
        if found.picked[row, column] != OPEN
    ]
    return {
        "examples": [found.counts[row] for row, _ in cells],
        "question": [trial.items[column].asked for _, column in cells],
        "right": [trial.items[column].answer for _, column in cells],
        "answered": [trial.answers[int(found.picked[cell])] for cell in cells],
        "correct": [bool(found.picked[cell] == found.right[cell[1]]) for cell in cells],
        "share_of_right": [float(found.share[cell]) for cell in cells],
    }


def _measured(found: Graded) -> list[int]:
    return [row for row, done in enumerate(found.done.tolist()) if done]
