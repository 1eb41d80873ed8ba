"""The page's pictures are covered until one has guessed what they show.

A question of a kind "guess first" asks for what stands in the picture beside it. Whoever wants to
look first may: nothing bars the way. A sentence that tells what a picture shows is covered with
it where it stands in a container whose key begins with `SAID`.
"""

from __future__ import annotations

import streamlit as st

from pages.shell.lesson.present import BARS, LENS
from pages.shell.state import state

LABEL = "Look first"
SAID = "said-"
_STYLE = """<style>
.stMainBlockContainer :is({pictures}) {{ filter: blur(14px); user-select: none; }}
@media print {{ .stMainBlockContainer :is({pictures}) {{ filter: none; }} }}
</style>"""


def cover(key: str) -> None:
    """Cover them, and offer to look; `key` is the question's."""
    looked = f"{key}-looked"
    if st.session_state.get(looked):
        return
    names = (*state().pictures, SAID, *BARS, *LENS)
    st.html(_STYLE.format(pictures=", ".join(f'[class*="st-key-{name}"]' for name in names)))
    st.button(LABEL, key=f"{key}-look", type="tertiary", icon=":material/visibility:",
              on_click=_look, args=(looked,))  # fmt: skip


def _look(looked: str) -> None:
    st.session_state[looked] = True
