"""What is often said and what is right, on the page: picture, table, and every model's figures."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.landscape import notes
from engine.landscape.notes import Claim
from pages.models import recipes
from pages.models.figures import picture as view
from pages.models.sources import linked, sources
from pages.pictures.svg import esc, tag
from pages.shell.address import plain, select, selection
from pages.shell.components import picture
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

SPOT = "spot"


def models_figures() -> None:
    """Draw the picture, the table of all that is said, and the models' figures folded."""
    found = notes.claims()
    ids = {f"f{place}": one for place, one in view.numeric(found)}
    locked = selection(SPOT, tuple(ids), name="Figure")
    words = view.said(found)
    both, wide = view.figures(found, words)
    st.caption(plain(words))
    picture(both, key="models-figures", alt=words, locked=locked, on_lock=partial(select, SPOT))
    if locked:
        _card(ids[locked])
    share_menu(
        "figures",
        python=partial(recipes.figures),
        svg=lambda: wide,
        shown=False,
        data=lambda: notes.claim_columns(found),
        title=view.TITLE,
    )
    st.html(_table())
    sources("figures", [(one.about, one.sources) for one in found])
    read_aloud("figures-of-models", lambda: notes.model_columns(notes.note_models()))


def _card(one: Claim) -> None:
    with st.container(border=True, key="models-card"):
        st.markdown(f"**{plain(one.about)}**")
        st.markdown(f"- Often said: {plain(one.said)}\n- Right: {plain(one.right)}")
        st.markdown(f"Sources: {linked(one.sources)}")


def _table() -> str:
    """All of it to be read, each line with its sources."""
    heads = ("About", "Often said", "Right", "Source")
    head = tag("tr", [tag("th", esc(one), scope="col") for one in heads])
    rows = [
        tag("tr", [tag("td", esc(cell)) for cell in (
            one.about, one.said, one.right, ", ".join(where.name for where in one.sources)
        )])
        for one in notes.claims()
    ]  # fmt: skip
    table = tag("table", tag("thead", head) + tag("tbody", rows))
    return tag("div", table, class_="atlas-table", tabindex="0", role="region",
               aria_label="What is often said, and what is right")  # fmt: skip
