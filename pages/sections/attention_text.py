"""One head on the text itself: words shaded by what the chosen word looks at, and the reverse."""

from __future__ import annotations

import streamlit as st

from engine.maps import Scene
from pages.shell import cache
from pages.shell.components import picture
from pages.shell.frame import plain, select, selection
from pages.shell.share import share_menu
from pages.views import attention_text as view
from pages.views.attention_words import fits, links_of, map_says, row_of


def attention_text(scene: Scene) -> None:
    """Draw the text twice; the word chosen last stays shaded."""
    shown = cache.attention_map(scene)
    spot = selection("spot", lambda spot: fits(shown, spot), name="Word")
    row = row_of(shown, spot)
    chosen = len(shown.rows) - 1 if row is None else row
    svg = view.attention_text(shown, title=f"Head {scene.name}", chosen=chosen, scale=scene.scale)
    here = f"q{shown.row_starts[chosen]}"
    for note in shown.notes:
        st.caption(":material/tune: " + plain(note))
    picture(
        svg,
        key="attention-text",
        alt=f"The text shaded by head {scene.name}: {map_says(shown, chosen)}",
        locked=spot if spot and not shown.one_text else here,
        on_lock=lambda ids: select("spot", ids),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        share_menu("text", svg=svg, data=lambda: links_of(shown), title=f"Head {scene.name}")
        st.caption(plain(map_says(shown, chosen)))
