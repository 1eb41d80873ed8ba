"""The law of loss on the page: which fit, which budget, with the real models or without."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.costs import scaling
from engine.landscape import known
from pages.models import controls, recipes
from pages.models.loss import picture as view
from pages.models.sources import sources
from pages.shell.address import plain
from pages.shell.components import picture
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud


def models_loss() -> None:
    """Draw the contours with the budget's line; the controls stand above, in one line."""
    for control in (controls.LAW, controls.BUDGET, controls.REAL):
        control.check()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controls.LAW.draw(required=True)
        controls.BUDGET.draw()
        controls.REAL.draw()
    name, flop = str(controls.LAW.value), float(controls.BUDGET.value)
    law = scaling.LAWS[name]
    every = known.known_models()
    ids = {one.name: f"m{place}" for place, one in enumerate(every)}
    real = [one for one in every if one.parameters and one.data] if controls.REAL.value else []
    words = view.said(name, law, flop)
    both, wide = view.drawing(law, flop, real, ids, words)
    st.caption(plain(words))
    picture(both, key="models-loss", alt=words)
    st.caption(plain(view.constants(law)))
    st.caption(
        "Losses of two fits are not to be compared: they were made on other data. Epoch counts "
        "words or tokens, differently by model."
    )
    share_menu(
        "loss",
        python=partial(recipes.loss, name, flop),
        svg=lambda: wide,
        shown=False,
        data=lambda: scaling.along(law, flop),
        title=view.TITLE,
    )
    read_aloud("loss", lambda: scaling.along(law, flop))
    sources("loss", [(one.name, (one.source,)) for one in scaling.LAWS.values()])
