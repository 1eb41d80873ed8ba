"""The life cycle on the page: a stage that is locked says what is done, and opens its pages."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.landscape.stages import Stage, columns, stages
from pages.models import recipes
from pages.models.lifecycle import picture as view
from pages.shell.address import plain, select, selection
from pages.shell.components import picture
from pages.shell.menu import FILES
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

STEP = "step"


def models_lifecycle() -> None:
    """Draw the stages, and the chosen one's pages."""
    every = stages()
    by_id = {f"s-{one.id}": one for one in every}
    locked = selection(STEP, tuple(by_id), name="Stage")
    words = view.said(every)
    both, wide = view.lifecycle(every, words)
    st.caption(plain(words))
    picture(both, key="models-lifecycle", alt=words, locked=locked, on_lock=partial(select, STEP))
    _opened(by_id[locked] if locked else every[0], chosen=locked is not None)
    share_menu(
        "lifecycle",
        python=partial(recipes.lifecycle),
        svg=lambda: wide,
        shown=False,
        data=columns,
        title=view.TITLE,
    )
    read_aloud("lifecycle", columns)


def _opened(one: Stage, *, chosen: bool) -> None:
    """What is done at a stage, and the pages where it is seen."""
    with st.container(border=True, key="models-card"):
        begin = "" if chosen else "First stage: "
        st.markdown(f"**{begin}{plain(one.name)}.** {plain(one.says)}")
        with st.container(horizontal=True, gap="small"):
            for place in one.places:
                if place.page in FILES:  # a page that is not here is not offered
                    st.page_link(
                        FILES[place.page],
                        label=_label(place.page, dict(place.state)),
                        query_params=dict(place.state),
                    )


def _label(page: str, state: dict[str, str]) -> str:
    view = state.get("view") or state.get("show")
    return f"Open {page}: {view}" if view else f"Open {page}"
