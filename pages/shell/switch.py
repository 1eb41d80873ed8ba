"""A toggle that links carry.

In: its key, label and what it is before anybody touches it. Out: whether it is on.
"""

from __future__ import annotations

import streamlit as st

from pages.shell.address import checked


def switch(key: str, label: str, *, on: bool, help: str | None = None) -> bool:
    """Draw the toggle, its value in a link checked before."""
    checked(key, [True, False], default=on, shown=lambda value: str(value).lower())
    return st.toggle(label, key=key, bind="query-params", value=on, help=help)
