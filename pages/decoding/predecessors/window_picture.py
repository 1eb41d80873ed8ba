"""What a longer window needs: contexts that there could be, that a text can have, that are kept.

In: an engine value and words. Out: the lines and axes of `pages.pictures.curves`. Pure.
"""

from __future__ import annotations

from engine.predecessors.windows import Windows
from pages.decoding.predecessors import words
from pages.pictures.curves import Axes, Line

LONGEST = 8  # tokens of a window
RING = 3  # the look of a line whose points are rings


def contexts(found: Windows) -> tuple[list[Line], Axes]:
    """Two lines that part, and the table's own contexts as rings."""
    windows = range(1, LONGEST + 1)
    lines = [
        Line(
            "Possible contexts",
            [float(found.possible(n)) for n in windows],
            formula=f"Vⁿ, V = {found.vocabulary:,} tokens",
        ),
        Line(
            "At most in the text that was counted",
            [float(found.met(n)) for n in windows],
            formula=f"one a token: {found.seen:,}",
        ),
        Line(
            "Kept in the table",
            [None if (kept := found.contexts(n)) is None else float(kept) for n in windows],
            joined=False,
            look=RING,
        ),
    ]
    places = [str(n) for n in windows]
    tips = [words.window_tip(found, n) for n in windows]
    return lines, Axes(places, "window n, in tokens", "contexts", tips, words.power)
