"""The layer after which tokens are shown: what a view opens on, or what somebody chose.

In: how many layers there are, and what the view opens on (it depends on model and text). Out: the
control's value in the session. What nobody chose follows the model, the text and the view; a choice
that another model does not have is put right, and said.
"""

from __future__ import annotations

import streamlit as st

from pages.embeddings import controls
from pages.shell.address import tell
from pages.shell.frame import Choice
from pages.shell.state import state


def check_after(choice: Choice, layers: int, default: int) -> None:
    """Settle the layer before its control is drawn; 0 is the input of layer 1."""
    key, chosen = controls.AFTER.key, st.session_state.get(controls.AFTER.key)
    before = state().controls.get(key)
    ours = before is not None and before[1] == chosen
    if ours:
        st.session_state[key] = default
    because = f"{choice.card.title} has {layers} layers"
    value = controls.AFTER.check(range(layers + 1), default=default, because=because)
    if isinstance(chosen, int) and chosen > layers and not ours:
        name = controls.AFTER.label
        tell(key, f"{name} {chosen}: {because}; showing {name} {value}.", value, carried=True)
