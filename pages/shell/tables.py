"""A picture's numbers as a table that is read aloud and can be copied: text, not a drawing.

In: the columns that `share_menu` saves. Out: a real HTML table, made only when it is opened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from pages.shell.address import plain

NOTHING = "–"  # where there is no number


def read_aloud(name: str, data: Callable[[], Mapping[str, Sequence[Any] | np.ndarray]]) -> None:
    """An expander that shows a table; `name` must be unique on the page."""
    place = st.expander("Table", on_change="rerun", key=f"table-{name}")
    if place.open:
        with place:
            columns = data().items()
            # st.table reads Markdown: what a tokenizer wrote must stay text.
            st.table({head.replace("_", " "): [_cell(one) for one in col] for head, col in columns})


def _cell(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else NOTHING
    return plain(str(value), 200)
