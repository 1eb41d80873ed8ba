"""What the browser keeps for a session: the text that was typed, and a tidy history.

A server that starts anew, or a page that is loaded again, knows nothing of a text that is too long
for the address; the browser's tab does, and gives it back. Nothing of it leaves the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

import streamlit as st
from streamlit.components.v2 import component

from pages.shell import address
from pages.shell.components import script
from pages.shell.links import opening
from pages.shell.state import state

KEY = "browser"
SELDOM = 3600.0  # seconds


def keep_in_browser(on_kept: Callable[[str, str], None]) -> None:
    """Draw the part that cannot be seen; `on_kept(text, model)` gets back what was forgotten."""

    def given_back() -> None:
        kept = dict(dict(st.session_state.get(KEY) or {}).get("kept") or {})
        text, model = kept.get("text"), kept.get("model")
        if isinstance(text, str) and not state().touched:
            on_kept(text, model if isinstance(model, str) else "")

    def gone_back() -> None:
        led = dict(dict(st.session_state.get(KEY) or {}).get("back") or {})
        search = led.get("search")
        if isinstance(search, str):
            query = parse_qs(search.removeprefix("?"), keep_blank_values=True)
            address.adopt_history(query)
            opening.adopt_reference(query)

    here = state()
    _browser(
        key=KEY,
        data={
            "viewer": here.viewer,
            "touched": here.touched,
            "text": here.text if here.touched else "",
            "model": here.model,
        },
        on_kept_change=given_back,
        on_back_change=gone_back,
    )
    # Streamlit's page asks a server that took another's place for a run only where a part of it
    # runs by itself: else it stands there as it was, and the first act of who reads it is lost.
    st.fragment(_nothing, run_every=SELDOM)()


def _nothing() -> None:
    """The part that runs by itself."""


_browser = component("atlas_browser", html="<span hidden></span>", js=script("browser.js"))
