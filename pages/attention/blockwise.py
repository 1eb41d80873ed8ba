"""Long texts, read layer by layer behind the page: how far it is, Stop, Resume.

In: a reading and a kind of attention. Out: every head of the layers read so far, drawn again as
layers come. The reading itself is the engine's.
"""

from __future__ import annotations

import streamlit as st

from engine.jobs.registry import Job
from engine.local.traces import SoFar
from engine.values import Kind, Reading
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.state import state

EVERY = 0.5  # seconds between two checks of how far it is
RESUMED = "blockwise-resumed"  # session key: the button was just pressed


def overview(reading: Reading, kind: Kind) -> SoFar:
    """All heads: at once for a short text, what was read so far of a long one."""
    return engine().overview_so_far(reading, kind, viewer=state().viewer)


def watch(reading: Reading, kind: Kind) -> None:
    """While layers are being read, run the page again whenever another one has been; call it last.

    Only a clock checks often: the page, with pictures of a million cells, is drawn once a layer.
    """
    found = overview(reading, kind)
    if found.job is not None and not found.job.done:
        st.fragment(_clock, run_every=EVERY)(found.job, found.layers)


def _clock(job: Job, layers: int) -> None:
    job.watch(state().viewer)
    if job.done or len(job.partial or ()) > layers:
        st.rerun()


def show(found: SoFar, reading: Reading, kind: Kind) -> None:
    """Say how far the reading is, with a button that stops or resumes it."""
    job, count = found.job, len(found.overview.weights)
    if job is None or found.whole:
        return
    if st.session_state.pop(RESUMED, False):
        st.rerun()  # of the whole page: there the clock starts
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.done or job.cancelled:
            st.caption(f"Stopped after layer {found.layers} of {count}.")
            st.button(
                "Resume",
                icon=":material/play_arrow:",
                key="blockwise-resume",
                on_click=_resume,
                args=(reading, kind),
            )
        else:
            words = f"A long text: layer {min(found.layers + 1, count)} of {count} is being read"
            st.progress(found.layers / count, text=plain(words))
            st.button(
                "Stop",
                icon=":material/stop:",
                key="blockwise-stop",
                on_click=_stop,
                args=(job,),
            )


def _stop(job: Job) -> None:
    job.cancel(state().viewer)


def _resume(reading: Reading, kind: Kind) -> None:
    engine().read_on(reading, kind, viewer=state().viewer)
    st.session_state[RESUMED] = True
