"""Pictures of All at once: times by number of tokens, the next token's, the bytes kept.

In: engine values and words. Out: the lines and axes of `pages.pictures.curves`. Knows nothing of
Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.timing.cache_size import CacheSize
from engine.timing.measuring import Timings, spread
from pages.decoding.at_once import words
from pages.pictures.curves import Axes, Line

RING = 3  # the look of a line whose points are rings


def reading(found: Timings) -> tuple[list[Line], Axes]:
    """A line for each way, through its fastest turns; the band reaches to the slowest."""
    lines, last = [], int(found.counts[-1])
    for way in found.ways:
        low, _, high = spread(found.total(way))
        each = words.milliseconds(float(low[-1]) / last)
        formula = f"T(n): 1 run over n tokens; {each} a token at n = {last:,}"
        if way == "written":
            formula = f"T(n) = n × {each}: n runs over 1 token each"
        if way == "recurrent":
            step = float(low[-1] - low[0]) / max(last - 1, 1)
            begin = words.milliseconds(max(float(low[0]) - step, 0.0))
            formula = f"T(n) = {begin} + n × {words.milliseconds(step)}: the scores, n steps"
        lines.append(_measured(words.NAMES[way], low, high, formula))
    return lines, _axes(found, "tokens", words.reading_tips(found))


def cache(found: Timings) -> tuple[list[Line], Axes]:
    """The next token with what was kept and without, and a token of a prompt read at once."""
    low, _, high = spread(found.next_token(kept=True))
    lines = [
        _measured(
            "Decode, keys and values kept", low, high, "1 run over 1 token, which attends to n"
        )
    ]
    low, _, high = spread(found.next_token(kept=False))
    lines.append(_measured("Computed anew", low, high, "1 run over all n tokens"))
    lines.append(
        _measured("Prefill, a token", low / found.counts, high / found.counts, "that run ÷ n")
    )
    return lines, _axes(found, "tokens before it", words.cache_tips(found))


def held(shape: CacheSize, counts: Sequence[int], found: Timings | None) -> tuple[list[Line], Axes]:
    """The formula's line, and on it what the arrays take."""
    by_formula = [shape.nbytes(count) for count in counts]
    name = f"By formula: {shape.each:,} bytes × n"
    lines = [Line(name, by_formula, formula=words.formula(shape))]
    tips = [f"{count:,} tokens\nby formula: {nbytes:,} bytes"
            for count, nbytes in zip(counts, by_formula, strict=True)]  # fmt: skip
    if found is not None:
        held_now = [float(one) for one in found.held]
        # A ring around the formula's disc, in another hue.
        lines.append(Line("Bytes of the arrays", held_now, joined=False, look=RING))
        tips = [f"{tip}\nthe arrays: {one:,.0f} bytes"
                for tip, one in zip(tips, held_now, strict=True)]  # fmt: skip
    axes = Axes([f"{count:,}" for count in counts], "tokens", "bytes", tips, words.size)
    return lines, axes


def _measured(name: str, low: np.ndarray, high: np.ndarray, formula: str) -> Line:
    ends = (1000 * low).tolist(), (1000 * high).tolist()
    return Line(name, ends[0], *ends, formula=formula)


def _axes(found: Timings, across: str, tips: Sequence[str]) -> Axes:
    places = [f"{count:,}" for count in found.counts.tolist()]
    return Axes(places, across, "ms", tips, lambda value: f"{value:,.6g}")
