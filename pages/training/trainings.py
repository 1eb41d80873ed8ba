"""Trainings under way on the screen: how far each is, its loss and samples, two ways to end it.

A training belongs to nobody's page: who comes back finds it here. "Stop and keep the best" ends it
at its next look; "Cancel" ends it at once and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from engine.errors import EngineError
from engine.jobs.registry import Job
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.client.visitor import visitor
from pages.shell.components import picture
from pages.shell.state import state
from pages.training.tuning import picture as view

EVERY = 0.5  # seconds between two looks
REFUSED = "training-refused"  # session key: what a button was refused with
FOLLOWED = "training-followed"  # session key: the jobs that this visit saw under way


def act(action: Callable[[], object]) -> None:
    """Do what a button is for; a refusal is a sentence of the next run."""
    try:
        action()
    except EngineError as error:
        st.session_state[REFUSED] = str(error)


def say_refused() -> None:
    """Say what a button was refused with."""
    if refused := st.session_state.pop(REFUSED, None):
        st.error(plain(refused, 400), icon=":material/info:")


def show_trainings() -> None:
    """Every training under way, and how those of this visit ended."""
    jobs = engine().trainings(visitor())
    followed: set[str] = st.session_state.setdefault(FOLLOWED, set())
    for job in jobs:
        if not job.done:
            followed.add(job.key)
        elif job.key in followed:
            _ended(job)
    if any(not job.done for job in jobs):
        _watch([job for job in jobs if not job.done])


def _ended(job: Job) -> None:
    name = _name(job)
    if job.stopped:
        st.caption(plain(f"{name}: canceled. Nothing was kept."))
    elif job.error is not None:
        st.error(plain(f"{name}: {job.error}", 400), icon=":material/info:")
    else:
        st.success(plain(f"{name} is ready."), icon=":material/check_circle:")


@st.fragment(run_every=EVERY)
def _watch(jobs: Sequence[Job]) -> None:
    if any(job.done for job in jobs):
        st.rerun()
    for job in jobs:
        job.watch(state().viewer)
        with st.container(border=True):
            share = min(max(job.progress, 0.0), 1.0)
            stage = "Stopping…" if job.cancelled else job.stage or "Starting"
            st.progress(share, text=plain(f"{_name(job)} · {stage} · {100 * share:.0f} %"))
            _partial(job)
            with st.container(horizontal=True, gap="small"):
                st.button(
                    "Stop and keep the best",
                    key=f"{job.key}-finish",
                    icon=":material/save:",
                    on_click=act,
                    args=(lambda job=job: engine().finish_training(job, visitor()),),
                )
                st.button(
                    "Cancel",
                    key=f"{job.key}-cancel",
                    icon=":material/stop:",
                    on_click=job.kill,
                    help="Ends it at once; nothing is kept.",
                )


def _partial(job: Job) -> None:
    told: dict[str, Any] = job.partial if isinstance(job.partial, dict) else {}
    points = [tuple(one) for one in told.get("curve", ())]
    if len(points) > 1:
        step, train, held = points[-1]
        said = f"Step {step:,}: training loss {train:.2f}, held-out loss {held:.2f} nats a token."
        picture(view.curve(points, said), key=f"{job.key}-curve", alt=said)
        st.caption(said)
    for step, text in told.get("samples", ())[-2:]:
        st.caption(plain(f"Written at step {step:,}: {' '.join(str(text).split())}", 400))


def _name(job: Job) -> str:
    return job.key.partition(":")[2]
