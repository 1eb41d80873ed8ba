"""Mask off: a decoder that sees the tokens that it is to predict, as it never did in training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from engine.values import Change
from pages.attention import recipes
from pages.attention.map.picture import attention_map
from pages.attention.whatif import recipes as changes
from pages.attention.whatif import words
from pages.attention.whatif.mask_picture import SHOWN, surprise_changes
from pages.attention.words import links_of, map_says
from pages.pictures import not_as_made
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

SIDE = 260.0  # pixels of a map


def mask_off(scene: Scene, card: Card) -> None:
    """Draw the surprise of every next token with and without the mask, and the head's two maps."""
    reading = scene.reading
    seeing = replace(scene, reading=replace(reading, change=Change("decoder", masked=False)))
    after = engine().next_token_bits(seeing.reading)
    before = engine().next_token_bits(reading)
    tokens = engine().tokens(reading, "decoder")
    ids = tokens.ids[1:].tolist()
    names = list(engine().texts(reading.model, ids, "decoder"))
    if not names:
        st.caption("There is one token only, and none that it could have seen: type two words.")
        return
    weights = engine().attention(seeing.reading, "decoder", scene.layer).weights[scene.head]
    ahead = float(np.triu(weights, 1).sum(axis=1)[:-1].mean())
    says = words.mask_said(before, after, ahead, f"{scene.layer + 1}.{scene.head + 1}")
    title = "Surprise of each next token, with and without the mask"
    svg = surprise_changes(names, before.tolist(), after.tolist(), title=title)
    with st.container(key="attention-surprise-said"):  # covered with the picture by a guess
        st.markdown(plain(says))
    picture(svg, key="attention-surprise", alt=f"{title}. {says}")
    if len(names) > SHOWN:
        st.caption(f"Drawn are the first {SHOWN} of {len(names)} tokens; the table has all.")
    st.caption(plain(words.costliest(names, before, after)))
    table = {"token": names, "as made": before, "mask off": after}
    share_menu(
        "surprise",
        python=partial(changes.surprise, reading, seeing.reading),
        svg=lambda: svg,
        data=lambda: table,
        title=title,
    )
    read_aloud("surprise", lambda: table)
    _maps(scene, seeing)


def _maps(scene: Scene, seeing: Scene) -> None:
    left, right = st.columns(2)
    named = f"head {scene.name}"
    for place, one, name, key in (
        (left, scene, f"As made, {named}", "whatif-made"),
        (right, seeing, f"Mask off, {named}", "whatif-seeing"),
    ):
        with place:
            shown = engine().attention_map(one)
            svg = attention_map(shown, title=name, scale=one.scale, per=one.per, side=SIDE)
            st.caption(plain(name))
            if one is seeing:
                st.badge(not_as_made.WORDS, icon=":material/warning:", color="red")
            said = map_says(shown, None)
            picture(svg, key=key, alt=f"{name}: {said}")
            st.caption(plain(said))
            share_menu(
                key,
                python=partial(recipes.head_map, one),
                svg=lambda svg=svg: svg,
                data=lambda shown=shown: links_of(shown),
                title=name,
            )
