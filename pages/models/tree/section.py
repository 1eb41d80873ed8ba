"""The family tree on the page, and the card of the model that is locked."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.landscape import amounts, notes
from engine.landscape.notes import NoteModel
from pages.models import recipes
from pages.models.sources import linked, sources
from pages.models.tree import picture as view
from pages.shell.address import plain, select, selection
from pages.shell.components import picture
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

SPOT = "spot"


def models_tree() -> None:
    """Draw the tree, a sentence about it, and the chosen model's figures."""
    models = notes.note_models()
    by_id = {f"n-{one.id}": one for one in models}
    locked = selection(SPOT, tuple(by_id), name="Model")
    words = view.said(models)
    both, wide = view.tree(models, words)
    st.caption(plain(words))
    picture(both, key="models-tree", alt=words, locked=locked, on_lock=partial(select, SPOT))
    if locked:
        _card(by_id[locked])
    share_menu(
        "family-tree",
        python=partial(recipes.family_tree),
        svg=lambda: wide,
        shown=False,
        data=lambda: notes.model_columns(models),
        title=view.TITLE,
    )
    read_aloud("family-tree", lambda: notes.model_columns(models))
    sources("tree", [(one.name, one.sources) for one in models])


def _card(one: NoteModel) -> None:
    with st.container(border=True, key="models-card"):
        st.markdown(f"**{plain(one.name)}**, {one.date.isoformat()}: {view.NAMES[one.family]}")
        lines = [("Parameters", ", ".join(amounts.count(size) for size in one.sizes))]
        lines.append(("Tokens seen", amounts.count(one.tokens) if one.tokens else ""))
        flop = f"{amounts.power(one.compute)} FLOP" if one.compute else ""
        lines.append(("Training compute", flop))
        lines.append(("Note", one.note))
        st.markdown("\n".join(f"- {about}: {plain(said)}" for about, said in lines if said))
        st.markdown(f"Sources: {linked(one.sources)}")
        if one.hub:
            st.markdown(f"To open one of its kind here, add `{one.hub}` on Home.")
