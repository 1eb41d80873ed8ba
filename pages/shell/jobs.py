"""Long work on the screen: how far a job is, and a button that stops it.

In: a job of `engine.jobs.registry`. Out: nothing; the page is run again once when the job ends, and
finds the result in the job or the cache. Knows nothing of what the job does.
"""

from __future__ import annotations

import streamlit as st

from engine.jobs.registry import Job
from pages.shell.address import plain
from pages.shell.state import state

EVERY = 0.25  # seconds between two looks at a job


def show_job(job: Job, *, key: str | None = None) -> None:
    """Show progress, stage and a Stop button until the job is done, then run the page again.

    A job that is already done draws nothing but its error, if it has one. Stop leaves the job to
    others who look at it. `key` must be unique on the page; at first it is made of the job's key.
    """
    if not job.done:
        _watch(job, key or f"job-{job.key}")
    elif job.error is not None and not job.stopped:
        st.error(plain(str(job.error)), icon=":material/info:")


@st.fragment(run_every=EVERY)
def _watch(job: Job, name: str) -> None:
    if job.done:
        st.rerun()
    job.watch(state().viewer)
    share = min(max(job.progress, 0.0), 1.0)
    if job.cancelled:
        # What is under way may take a moment to end: the click is answered at once.
        st.progress(share, text="Stopping…")
        return
    left, right = st.columns([5, 1], vertical_alignment="center")
    with left:
        st.progress(share, text=plain(f"{job.stage} · {100 * share:.0f} %"))
    with right:
        st.button(
            "Stop", key=f"{name}-stop", icon=":material/stop:", on_click=_stop, args=(job, name)
        )
    if st.session_state.get(f"{name}-left") == id(job):
        st.caption("It goes on: somebody else is waiting for it too.")


def _stop(job: Job, name: str) -> None:
    if not job.cancel(state().viewer):
        st.session_state[f"{name}-left"] = id(job)
