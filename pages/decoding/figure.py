"""A figure of the long views: its sentence, its picture, its files, its table."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.shell.components import picture
from pages.shell.frame import plain
from pages.shell.lesson.cover import SAID
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud


def figure(
    key: str,
    said: str,
    svg: str,
    wide: Callable[[], str],
    table: Callable[[], Table],
    python: Callable[[], str],
    title: str,
) -> None:
    """Draw one; `svg` is for both widths, `wide` what is saved."""
    with st.container(key=f"{SAID}{key}"):  # both tell what a lesson may ask
        st.markdown(plain(said))
        picture(svg, key=key, alt=said)
    share_menu(key, python=python, svg=wide, shown=False, data=table, title=title)
    read_aloud(key, table)
