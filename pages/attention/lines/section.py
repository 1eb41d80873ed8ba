"""One head as two columns of tokens joined by lines."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from pages.attention import recipes
from pages.attention.interventions import restore_button
from pages.attention.lines import picture as view
from pages.attention.masking import mask_act, mask_acts, masking
from pages.attention.words import columns_of, favourites, fits, links_of, row_of, rows_of, spot_says
from pages.pictures.svg import offering
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain, select, selection
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

MOST = 96


def attention_lines(scene: Scene, card: Card) -> None:
    """Draw the lines; a long text is cut to a window around the chosen word."""
    shown = engine().attention_map(scene)
    spot = selection("spot", lambda spot: fits(shown, spot), name="Word")
    row = row_of(shown, spot)
    rows, columns = slice(None), slice(None)
    if max(shown.weights.shape) > MOST:
        middle = len(shown.rows) - 1 if row is None else row
        rows = slice(max(0, min(middle - MOST // 2, len(shown.rows) - MOST)), None)
        rows = slice(rows.start, rows.start + MOST)
        columns = rows if shown.one_text else slice(0, MOST)
        st.caption(
            f"Rows {rows.start + 1} to {min(rows.stop, len(shown.rows))} of {len(shown.rows):,}, "
            "around the pinned word: two columns of more would not fit."
        )
    svg = view.attention_lines(
        shown,
        title=f"Head {scene.name}",
        rows=rows,
        columns=columns,
        scale=scene.scale,
        together=rows_of(shown, spot),
        sought=columns_of(shown, spot),
    )
    for note in shown.notes:
        st.caption(":material/tune: " + plain(note))
    picture(
        offering(svg, mask_acts(scene)),
        key="attention-lines",
        alt=f"Lines of attention of head {scene.name}: {spot_says(shown, spot)}",
        locked=spot,
        on_lock=lambda ids: select("spot", ids),
        on_twice=masking(scene),
        on_act=partial(mask_act, scene),
    )
    restore_button()
    with st.container(horizontal=True, vertical_alignment="center"):
        share_menu(
            "lines",
            python=partial(recipes.head_map, scene),
            svg=lambda: svg,
            data=lambda: links_of(shown),
            title=f"Head {scene.name}",
        )
        st.caption(plain(spot_says(shown, spot)) + " Shift-click to add words.")
    read_aloud("lines", lambda: favourites(shown))
