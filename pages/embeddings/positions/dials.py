"""Rotary positions as dials: how far each pair of a query is turned at one position.

In: angles of a position and the positions that a full turn takes. Out: SVG and a sentence. Pair k
has the id `d<k>`.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from pages.pictures import palette
from pages.pictures.svg import document, label, tag

SHOWN = 32
COLUMNS = 8
SIZE = 46.0


def dials(turned: Float[np.ndarray, "pair"], periods: Float[np.ndarray, "pair"]) -> str:
    """A dial for each pair (at most `SHOWN`), the fastest first; its hand begins at the top."""
    parts = []
    count = min(len(turned), SHOWN)
    radius = SIZE / 2 - 7
    for k in range(count):
        x = (k % COLUMNS + 0.5) * SIZE
        y = (k // COLUMNS) * (SIZE + 14) + SIZE / 2
        angle = float(turned[k]) % (2 * math.pi)
        end = x + radius * math.sin(angle), y - radius * math.cos(angle)
        body = tag("circle", cx=x, cy=y, r=radius, fill=palette.SURFACE, stroke=palette.LINE)
        if angle > 1e-6:
            big = int(angle > math.pi)
            way = (
                f"M{x:.1f} {y:.1f}V{y - radius:.1f}A{radius:.1f} {radius:.1f} 0 {big} 1 "
                f"{end[0]:.2f} {end[1]:.2f}Z"
            )
            body += tag("path", d=way, fill=palette.QUERY, fill_opacity=0.25)
        body += tag("line", x1=x, y1=y, x2=end[0], y2=end[1], stroke=palette.QUERY, stroke_width=2)
        body += label(str(k + 1), x, y + radius + 13, size=12, fill=palette.MUTED,
                      text_anchor="middle")  # fmt: skip
        whole = f"{float(turned[k]) / (2 * math.pi):,.2f} turns so far"
        hint = (
            f"pair {k + 1}: {math.degrees(angle):.0f}°\n{whole}\n"
            f"a full turn takes {periods[k]:,.1f} positions"
        )
        parts.append(tag("g", body, data_id=f"d{k}", data_tip=hint))
    rows = -(-count // COLUMNS)
    return document(
        COLUMNS * SIZE, rows * (SIZE + 14) + 4, parts, f"{count} pairs and how far each is turned"
    )


def told(periods: Float[np.ndarray, "pair"], position: int) -> str:
    """What the dials show, in plain text; `position` counts from 1."""
    more = f" The first {SHOWN} of them are drawn." if len(periods) > SHOWN else ""
    return (
        f"At position {position} each of the {len(periods)} pairs of numbers of a query is turned "
        f"{position - 1} steps: the first makes a full turn every {periods[0]:,.1f} positions, the "
        f"last every {periods[-1]:,.0f}. Keys are turned alike, so a score depends on the distance."
        f"{more}"
    )
