"""The way in: who comes while all places are taken sees their place in the queue.

In: the session. Out: nothing for who is inside; for all others the page of the queue, and the end
of the script. Its own look at the queue is a fragment, which costs little however many wait.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine import policy
from engine.errors import Busy
from engine.hosting.admission import Place, gate
from engine.hosting.rates import counted
from pages.shell.state import state

OUT = "Your place was given to somebody who waited. Load the page again to join the queue."


def enter() -> None:
    """Go on for who is inside; show the queue, and stop, to who is not."""
    policy.serve(state().viewer)
    try:
        place = _place(active=True)
    except Busy as error:
        st.title("Please come back later", anchor=False)
        st.info(str(error), icon=":material/hourglass_empty:")
        st.stop()
    if place.inside:
        return
    st.title("Please wait a moment", anchor=False)
    st.fragment(_wait, run_every=place.patience)()
    st.stop()


def stay() -> None:
    """For a part of a page that runs alone: raise `Busy` for who is not inside any more."""
    policy.serve(state().viewer)
    if not _place(active=True).inside:
        raise Busy(OUT)


def _wait() -> None:
    """One look at the queue; the page opens by itself when the turn has come."""
    try:
        place = _place(active=False)
    except Busy:
        st.rerun()
    if place.inside:
        st.rerun()
    st.markdown(
        f"All places are taken. You are **number {place.number}** of {place.waiting} in the queue. "
        "The page opens by itself: keep it open."
    )
    began = st.session_state.setdefault("queue-began", place.number)
    st.progress(max(0.0, 1 - place.number / (began + 1)), text=f"{place.number - 1} before you")


def _place(*, active: bool) -> Place:
    address = counted(st.context.ip_address)
    return gate().ask(state().viewer, address=address, here=_here(), active=active)


def _here() -> Callable[[], bool]:
    """Whether this session's browser is connected, asked later from any thread."""
    context = get_script_run_ctx()
    name = context.session_id if context is not None else ""
    return lambda: runtime.exists() and runtime.get_instance().is_active_session(name)
