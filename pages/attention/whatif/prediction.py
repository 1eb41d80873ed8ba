"""What a changed model predicts, beside what it predicts as it was made."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from engine.values import Reading, Side
from pages.attention import interventions
from pages.attention.whatif import recipes
from pages.attention.whatif.picture import most_changed, probability_changes
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

SHOWN = 6


def prediction(scene: Scene, card: Card, changed: Reading) -> None:
    """Draw the likeliest tokens before and after; say where there is no prediction to see."""
    if not card.predicts:
        return
    reading = interventions.writing(scene, card)
    side: Side = "decoder" if card.decoder else "encoder"
    position = interventions.predicted(card, engine().tokens(reading, side))
    if position is None:
        st.caption("Mask a word to see what this changes in the prediction.")
        return
    other = replace(reading, change=changed.change)
    before, after = (interventions.probabilities(one, position) for one in (reading, other))
    best = most_changed(before, after, SHOWN)
    names = list(engine().texts(reading.model, best, side))
    title = f"Prediction {interventions.where(card)}"
    says = interventions.effect(scene, card, before, after)
    svg = probability_changes(
        names, before[best].tolist(), after[best].tolist(), title=title, marked=True
    )
    st.markdown(plain(says))
    picture(svg, key="attention-changes", alt=f"{title}, before and after. {says}")
    table = {"token": names, "before": before[best], "after": after[best]}
    share_menu(
        "changes",
        python=partial(recipes.changed, reading, other, position, side, SHOWN),
        svg=lambda: svg,
        data=lambda: table,
        title=title,
    )
    read_aloud("changes", lambda: table)
