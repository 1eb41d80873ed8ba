"""A picture's numbers as a table that is read aloud and can be copied: text, not a drawing.

In: the columns that `share_menu` saves. Out: a real HTML table, made only when it is opened. What
scrolls in it is reached by the keyboard, which Streamlit's own table is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from pages.pictures.svg import esc, tag

LONGEST = 200  # characters of a cell

NOTHING = "–"  # where there is no number


def read_aloud(name: str, data: Callable[[], Mapping[str, Sequence[Any] | np.ndarray]]) -> None:
    """An expander that shows a table; `name` must be unique on the page."""
    place = st.expander("Table", on_change="rerun", key=f"table-{name}")
    if place.open:
        with place:
            st.html(_table(name, data()))


def _table(name: str, columns: Mapping[str, Sequence[Any] | np.ndarray]) -> str:
    """What a tokenizer wrote stays text: every name and cell is escaped."""
    heads = (tag("th", esc(head.replace("_", " ")), scope="col") for head in columns)
    rows = (
        tag("tr", (tag("td", _cell(one)) for one in row))
        for row in zip(*columns.values(), strict=True)
    )
    table = tag("table", tag("thead", tag("tr", heads)) + tag("tbody", rows))
    label = f"Table: {name.replace('-', ' ')}"
    return tag("div", table, class_="atlas-table", tabindex="0", role="region", aria_label=label)


def _cell(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else NOTHING
    text = " ".join(str(value).split())
    return esc(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
