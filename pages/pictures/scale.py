"""How a weight becomes a colour: linear, root or log, and what the full colour stands for.

In: weights (NaN is masked). Out: strengths from 0 to 1, and a legend whose numbers come from the
same weights. Knows no model and no page.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from engine.attention.maps import Per
from pages.pictures import matrix, palette, svg


def strengths(
    weights: Float[np.ndarray, "row column"], scale: matrix.Scale = "linear", per: Per = "map"
) -> Float[np.ndarray, "row column"]:
    """Colour of each cell; the full colour is the largest of the map, of its row or its column."""
    if per == "map":
        return matrix.scaled(weights, top_value(weights), scale)
    filled = np.nan_to_num(weights)
    tops = filled.max(axis=1 if per == "row" else 0, keepdims=True, initial=0.0)
    shares = np.divide(filled, tops, out=np.zeros_like(filled), where=tops > 0)
    return np.where(np.isnan(weights), np.nan, matrix.scaled(shares, 1.0, scale)).astype(np.float32)


def top_value(weights: Float[np.ndarray, "row column"]) -> float:
    """The value of the full colour: the largest weight of a row that had a choice.

    A causal model's first token can only look at itself; its 100 % would pale all other cells.
    """
    choices = np.isfinite(weights).sum(axis=1)
    rows = weights[choices > 1] if (choices > 1).any() else weights
    return float(np.nanmax(rows, initial=0.0))


def colour_legend(
    x: float,
    y: float,
    weights: Float[np.ndarray, "row column"],
    scale: matrix.Scale,
    *,
    share: bool,
    per: Per = "map",
    masked: bool | None = None,
) -> str:
    """A colour scale from 0 to the full colour's value, with the value at its middle.

    By rows or columns the full colour is another value in each: the legend names the smallest
    and the largest of them.
    """
    high = 1.0 if per != "map" else top_value(weights)
    masked = bool(np.isnan(weights).any()) if masked is None else masked
    middle = {"linear": high / 2, "sqrt": high / 4, "log": high * 10**-2.5}[scale]
    least = high * 1e-5 if scale == "log" else 0.0
    ends = [number(value, share or per != "map") for value in (least, middle, high)]
    if per == "map" and np.nanmax(weights, initial=0.0) > high * 1.001:
        ends[2] += " +"
    notes = {"linear": [], "sqrt": ["square-root scale"], "log": ["logarithmic scale"]}[scale]
    parts = [matrix.legend(x, y, low=ends[0], high=ends[2], masked=masked, width=150)]
    parts.append(_muted(ends[1], x + 75, y + 21, text_anchor="middle"))
    if per != "map":
        tops = np.nan_to_num(weights).max(axis=1 if per == "row" else 0, initial=0.0)
        low, top = number(float(tops.min()), share), number(float(tops.max()), share)
        notes.append(f"100 % is each {per}'s largest, {low} to {top}")
    if notes:
        parts.append(_muted(" · ".join(notes), x + 166, y + 21))
    return "".join(parts)


def number(value: float, share: bool) -> str:
    """A weight in words: percent with as many digits as it needs, or a plain number.

    >>> number(0.0342, True)
    '3.4 %'
    """
    if not share:
        return f"{value:.3g}"
    percent = value * 100
    if 0 < percent < 0.01:
        return "<0.01 %"
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.2g} %"


def _muted(text: str, x: float, y: float, *, text_anchor: str | None = None) -> str:
    return svg.label(text, x, y, size=12, fill=palette.MUTED, keep=True, text_anchor=text_anchor)
