"""One head on the text itself: words shaded by what the chosen word attends to, and the reverse."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from pages.attention import recipes
from pages.attention.interventions import restore_button
from pages.attention.masking import mask_act, mask_acts, masking
from pages.attention.text import picture as view
from pages.attention.words import columns_of, favourites, fits, links_of, rows_of, spot_says
from pages.pictures.svg import offering
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain, select, selection
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud


def attention_text(scene: Scene, card: Card) -> None:
    """Draw the text twice; the word chosen last stays shaded."""
    shown = engine().attention_map(scene)
    spot = selection("spot", lambda spot: fits(shown, spot), name="Word")
    chosen = rows_of(shown, spot) or [len(shown.rows) - 1]
    here = f"q{shown.row_starts[chosen[0]]}"
    says = spot_says(shown, spot or here)
    svg = view.attention_text(
        shown,
        title=f"Head {scene.name}",
        chosen=chosen,
        sought=columns_of(shown, spot),
        scale=scene.scale,
    )
    for note in shown.notes:
        st.caption(":material/tune: " + plain(note))
    picture(
        offering(svg, mask_acts(scene)),
        key="attention-text",
        alt=f"The text shaded by head {scene.name}: {says}",
        locked=spot if spot and not shown.one_text else here,
        on_lock=lambda ids: select("spot", ids),
        on_twice=masking(scene),
        on_act=partial(mask_act, scene),
    )
    restore_button()
    with st.container(horizontal=True, vertical_alignment="center"):
        share_menu(
            "text",
            python=partial(recipes.head_map, scene),
            svg=lambda: svg,
            data=lambda: links_of(shown),
            title=f"Head {scene.name}",
        )
        st.caption(plain(says))
    read_aloud("text", lambda: favourites(shown))
