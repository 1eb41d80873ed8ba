"""The game on the page: six models are moved by buttons, then their sizes are shown.

Session key: `order-given`, the draw and the order given to it, and whether it was checked. What
one guessed is nobody else's, so that the address carries the draw alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from engine.landscape import ordering
from engine.landscape.notes import NoteModel
from pages.models import controls, recipes
from pages.models.order import picture as view
from pages.models.sources import sources
from pages.shell.address import plain
from pages.shell.components import picture
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

KEY = "order-given"


def models_order() -> None:
    """Draw the six to be moved; once they are checked, their sizes."""
    controls.SIX.check()
    seed = int(controls.SIX.value)
    drawn = ordering.six(seed)
    by_id = {one.id: one for one in drawn}
    order, checked = _kept(seed, list(by_id))
    given = [by_id[one] for one in order]
    st.markdown("Which has the most parameters? Move the largest to the top, then check.")
    for place, one in enumerate(given):
        _row(seed, place, one, len(given), checked)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.button(
            "Check", key="order-check", type="primary", disabled=checked, on_click=_check,
            args=(seed,),
        )  # fmt: skip
        st.button("Six others", key="order-next", on_click=_next, args=(seed,))
        controls.SIX.draw()
    if checked:
        _answer(given, seed)


def _row(seed: int, place: int, one: NoteModel, count: int, checked: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, icon, by, end in (("up", "arrow_upward", -1, 0),
                                    ("down", "arrow_downward", 1, count - 1)):  # fmt: skip
            st.button(
                name.capitalize(),
                key=f"order-{name}-{place}",
                icon=f":material/{icon}:",
                disabled=checked or place == end,
                on_click=_move,
                args=(seed, place, by),
                type="tertiary",
                help=f"Move {one.name} {name}",
            )
        st.markdown(f"**{place + 1}.** {plain(one.name)} ({one.date.year})")


def _answer(given: Sequence[NoteModel], seed: int) -> None:
    right = ordering.by_size(given)
    words = view.said(right, given)
    both, wide = view.bars(right, given, words)
    st.markdown(plain(words))
    picture(both, key="models-order", alt=words)
    table = partial(_table, right)
    share_menu(
        "order-by-size",
        python=partial(recipes.order, seed),
        svg=lambda: wide,
        shown=False,
        data=table,
        title=view.TITLE,
    )
    read_aloud("order-by-size", table)
    sources("order", [(one.name, one.sources) for one in right])


def _table(right: Sequence[NoteModel]) -> dict[str, list[Any]]:
    return {
        "model": [one.name for one in right],
        "parameters": [one.largest for one in right],
        "source": [one.sources[0].link for one in right],
    }


def _kept(seed: int, ids: list[str]) -> tuple[list[str], bool]:
    """The order given to this draw, and whether it was checked; another draw begins anew."""
    found = st.session_state.get(KEY)
    if not found or found[0] != seed or sorted(found[1]) != sorted(ids):
        found = (seed, ids, False)
        st.session_state[KEY] = found
    return list(found[1]), bool(found[2])


def _move(seed: int, place: int, by: int) -> None:
    of, order, checked = st.session_state[KEY]
    if of == seed and not checked and 0 <= place + by < len(order):
        order = list(order)
        order[place], order[place + by] = order[place + by], order[place]
        st.session_state[KEY] = (seed, order, False)


def _check(seed: int) -> None:
    of, order, _ = st.session_state[KEY]
    if of == seed:
        st.session_state[KEY] = (seed, order, True)


def _next(seed: int) -> None:
    st.session_state[controls.SIX.key] = seed % 9_999 + 1
    st.session_state.pop(KEY, None)
