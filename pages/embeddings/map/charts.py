"""Plain charts beside the map: shares of the variance, cosines over layers and positions.

In: numbers. Out: Plotly figures and the words for them. Knows nothing of the map or of pages.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from pages.pictures import palette
from pages.pictures.svg import esc

CONFIG = {"displayModeBar": False, "showSendToCloud": False, "plotlyServerURL": ""}
"""Plain charts have no tools, and nothing leaves the machine."""


def shares(explained: Float[np.ndarray, "axis"], used: int, *, dark: bool = False) -> go.Figure:
    """The share of the variance on each axis as bars, those of the map in colour."""
    strong, weak = (palette.hexadecimal(c, dark=dark) for c in (palette.CHOSEN, palette.BAR))
    percent = 100 * explained
    bars = go.Bar(
        x=[str(k + 1) for k in range(len(percent))],
        y=percent,
        marker={"color": [strong if k < used else weak for k in range(len(percent))]},
        hovertemplate="component %{x}: %{y:.1f} %<extra></extra>",
    )
    return go.Figure(
        bars,
        {
            "height": 170,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": {"title": {"text": "component"}, "fixedrange": True},
            "yaxis": {"title": {"text": "% of variance"}, "fixedrange": True},
        },
    )


def twins(names: Sequence[str], *, most: int = 5) -> list[tuple[int, int]]:
    """Pairs of tokens spelt alike (marks of spaces aside), of letters only; longer ones first."""
    seen: dict[str, int] = {}
    found: list[tuple[int, int]] = []
    for i, name in enumerate(names):
        word = name.strip("·").casefold()
        if not word.isalpha():
            continue
        if word in seen:
            found.append((seen[word], i))
        seen.setdefault(word, i)
    # Longer words first: "bank" says more than "the".
    return sorted(found, key=lambda two: -len(names[two[0]]))[:most]


def over_layers(values: dict[str, list[float]], *, dark: bool = False) -> go.Figure:
    """Cosines over the layers, a line each."""
    hues = [palette.hexadecimal(colour, dark=dark) for colour in palette.CATEGORIES]
    lines = [
        go.Scatter(
            x=list(range(len(row))),
            y=row,
            name=esc(name),
            mode="lines+markers",
            line={"color": hues[k % len(hues)]},
        )
        for k, (name, row) in enumerate(values.items())
    ]
    return go.Figure(
        lines,
        {
            "height": 230,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": {"title": {"text": "after layer"}, "dtick": 1, "fixedrange": True},
            "yaxis": {"title": {"text": "cosine"}, "fixedrange": True},
            "legend": {"orientation": "h", "y": -0.45},
            "showlegend": True,
        },
    )


def drift_told(values: dict[str, list[float]]) -> str:
    """The first line of `over_layers` in words."""
    for name, row in values.items():
        low = int(np.argmin(row))
        return (
            f"{name}: cosine {row[0]:.2f} at the input, {row[-1]:.2f} after the last layer, "
            f"lowest {row[low]:.2f} after layer {low}."
        )
    return ""


def along(cosine: Float[np.ndarray, "position"], *, dark: bool = False) -> go.Figure:
    """The cosine of one position with each, counted from 1."""
    line = go.Scatter(
        x=np.arange(1, len(cosine) + 1),
        y=cosine.round(4),
        mode="lines",
        line={"color": palette.hexadecimal(palette.CATEGORIES[0], dark=dark)},
        hovertemplate="position %{x}: %{y:.3f}<extra></extra>",
    )
    return go.Figure(
        line,
        {
            "height": 220,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": {"title": {"text": "position"}, "fixedrange": True},
            "yaxis": {"title": {"text": "cosine"}, "fixedrange": True},
        },
    )
