"""The parameters of a small model, part by part, as bars.

In: counts. Out: SVG, in a wide and a narrow form. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping

from pages.pictures import palette
from pages.pictures.svg import document, label, tag
from pages.pictures.widths import either

WIDE, NARROW, ROW = 960.0, 350.0, 26.0


def parts(counts: Mapping[str, int], said: str) -> str:
    """A bar for each part of the model."""
    return either(parts_wide(counts, said), _parts(counts, said, NARROW))


def parts_wide(counts: Mapping[str, int], said: str) -> str:
    """The same in its wide form."""
    return _parts(counts, said, WIDE)


def _parts(counts: Mapping[str, int], said: str, width: float) -> str:
    left, room = 118.0, width - 118.0 - 82.0
    most = max(counts.values())
    rows = []
    for number, (name, count) in enumerate(counts.items()):
        y, long = number * ROW, max(2.0, room * count / most)
        body = [
            label(name, 4, y + 18, size=13),
            tag("rect", x=left, y=y + 6, width=long, height=15.0, rx=2, fill=palette.PROBABILITY),
            label(f"{count:,}", left + long + 6, y + 18, size=12, fill=palette.MUTED),
        ]
        told = f"{name}: {count:,} parameters"
        rows.append(tag("g", body, data_id=f"p{number}", data_tip=told))
    return document(width, ROW * len(counts) + 4, rows, "Parameters of the model", said)
