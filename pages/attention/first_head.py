"""The head that is shown before anybody chooses one: the most notable one for this text.

In: a scene. Out: layer and head in the session, and the sentence that says why. A link that names a
layer or a head, or somebody who chose one, is obeyed; what was chosen by us follows the text.
"""

from __future__ import annotations

import streamlit as st

from engine.attention.maps import Scene
from engine.attention.notable import Best
from pages.shell.cache import engine
from pages.shell.frame import select, selection
from pages.shell.state import state

OURS = "head-of-ours"  # session key: for what the head was chosen, and which it was


def choose(scene: Scene) -> None:
    """Put layer and head into the session; call it before their controls are checked."""
    held = selection("hold", ["1"], name="Hold") is not None
    chosen = selection("chosen", ["1"], name="Chosen") is not None
    now = st.session_state.get("layer"), st.session_state.get("head")
    ours = st.session_state.get(OURS)
    linked = any(key in st.query_params for key in ("layer", "head"))
    if held or chosen or (now != (None, None) and (ours is None or ours[1] != now)):
        return
    if now == (None, None) and linked:
        return
    best, layers = _most_notable(scene)
    about = (scene.reading, scene.kind, layers)
    if ours is not None and ours[0] == about and now != (None, None):
        return
    place = (1, 1) if best is None else (best.layer + 1, best.head + 1)
    st.session_state["layer"], st.session_state["head"] = place
    st.session_state[OURS] = (about, place)


def most_notable(scene: Scene) -> Best | None:
    """The most notable head; of a long text that is being read still, of its first layer."""
    return _most_notable(scene)[0]


def _most_notable(scene: Scene) -> tuple[Best | None, int]:
    """The head, and how many layers it was chosen from."""
    if not engine().gives_attention(scene.reading.model, scene.kind):
        return None, 0
    found = engine().overview_so_far(scene.reading, scene.kind, viewer=state().viewer)
    layers = len(found.overview.weights) if found.whole else min(found.layers, 1)
    best = engine().most_notable_head(scene.reading, scene.kind, layers) if layers else None
    return best, layers


def chose() -> None:
    """Somebody chose a head by number: keep it, also where it is the first one."""
    st.session_state.pop(OURS, None)
    first = (st.session_state.get("layer"), st.session_state.get("head")) == (1, 1)
    select("chosen", "1" if first else None)
