"""The commitment strip: from which layer on each place of the text holds to its answer."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from engine.values import Side
from pages.attention.layers import commitment_picture as view
from pages.attention.layers import strip
from pages.attention.layers.block import recipes
from pages.attention.layers.position import position
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain, select, sentences
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

TITLE = "Commitment: the layer at which the prediction settles"
WITHOUT = (
    "This side of the model has no output matrix, so no layer commits to a token: there is no "
    "commitment strip."
)


def attention_commitment(scene: Scene, card: Card) -> None:
    """Draw the strip of the places around the chosen one; a click chooses a place."""
    side: Side = "encoder" if scene.kind == "encoder" else "decoder"
    st.subheader(TITLE, anchor=False)
    if not card.predicts or (card.family == "encoder-decoder" and side == "encoder"):
        st.caption(WITHOUT)
        return
    with sentences():
        _strip(scene, side)


def _strip(scene: Scene, side: Side) -> None:
    names = engine().token_names(scene.reading, scene.kind)[0]
    place, _ = position(scene)
    with st.spinner("Reading every layer's prediction at every place"):
        found = engine().commitment(scene.reading, side, place)
    said = engine().texts(scene.reading.model, found.ids.tolist(), side=side)
    what = "at each token" if scene.kind == "encoder" else "after each token"
    note = (
        f" Tokens {found.places[0] + 1}–{found.places[-1] + 1} of {len(names)} are shown."
        if len(found.places) < len(names)
        else ""
    )
    st.caption(
        f"The layer from which on the logit lens ranks the final prediction {what} first, without "
        f"a change of mind. The darker, the later.{note}"
    )
    says = view.says(found, names, said, place, at=scene.kind == "encoder")
    shown = view.commitment(found, names, said, chosen=place)
    picture(
        strip.html(shown),
        key="layers-commitment",
        alt=says,
        on_lock=lambda ids: select("spot", ids),
    )
    st.caption(plain(says))
    data = partial(view.table, found, names, said)
    share_menu(
        "commitment",
        python=partial(recipes.commitment, scene.reading, side, place),
        svg=lambda: strip.drawing(shown, title=TITLE, described=says),
        data=data,
        title=TITLE,
        shown=False,
    )
    read_aloud("commitment", data)
