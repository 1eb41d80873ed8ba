"""Which experts of a mixture each token is sent to, layer by layer."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from engine.values import Side
from pages.attention import recipes
from pages.attention.layers import experts_picture as view
from pages.attention.layers.position import position
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain, sentences
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

COLUMNS = 10  # tokens drawn, around the chosen position
TITLE = "Experts: where each token is sent"
WITHOUT = (
    "Every layer of this model has one feed-forward network that all tokens pass through; there "
    "are no experts to choose among."
)


def attention_experts(scene: Scene, card: Card) -> None:
    """Draw the experts of the tokens around the position; other models are said to have none."""
    if not card.experts:
        st.caption(WITHOUT)
        return
    st.subheader(TITLE, anchor=False)
    with sentences():
        _experts(scene, card)


def _experts(scene: Scene, card: Card) -> None:
    side: Side = "encoder" if scene.kind == "encoder" else "decoder"
    found = engine().routing(scene.reading, side)
    names = engine().token_names(scene.reading, scene.kind)[0]
    place, name = position(scene)
    start = max(0, min(place - COLUMNS // 2, len(names) - COLUMNS))
    shown = range(start, min(start + COLUMNS, len(names)))
    few = found.experts.shape[2]
    notes = [
        f"A router sends each token to {few} of {card.experts} feed-forward networks (experts); "
        "their outputs are added with these weights. Each layer has experts of its own: equal "
        "numbers in two layers are two networks."
    ]
    if not view.shares(found):
        sums = found.weights.sum(axis=-1)
        notes.append(f"The weights of a token sum to {sums.max():.3g} in this model, not to 1.")
    if few > view.SHOWN:
        notes.append(f"The {view.SHOWN} of most weight are drawn; all are in the table.")
    if len(shown) < len(names):
        notes.append(f"Tokens {shown[0] + 1}–{shown[-1] + 1} of {len(names)} are drawn.")
    if len(found.layers) < engine().stack(scene.reading.model, scene.kind).layers:
        notes.append("Layers without experts are left out.")
    st.caption(" ".join(notes))
    svg = view.routing(found, names, shown, title=TITLE)
    said = view.says(found, name, place)
    picture(svg, key="layers-experts", alt=said)
    st.caption(plain(said))
    share_menu(
        "experts",
        python=partial(recipes.experts, scene.reading, side),
        svg=lambda: svg,
        data=lambda: view.table(found, names),
        title=TITLE,
    )
    read_aloud("experts", lambda: view.table(found, names))
