"""Long texts, read layer by layer behind the page: what is there so far, how far it is, Stop.

In: a reading and a kind of attention. Out: every head of the layers read so far, and the job that
goes on reading. What it found is kept in `cache`, where the pages' other questions find it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine.jobs import registry
from engine.trace import blockwise
from engine.values import Kind, Overview, Reading
from pages.shell import cache
from pages.shell.address import plain
from pages.shell.state import state

EVERY = 0.5  # seconds between two looks at a walk
GO_ON = "walk-go-on"  # session key: the button was just pressed
PATIENCE = 20.0  # seconds without a look after which a walk stops by itself


@dataclass(frozen=True)
class SoFar:
    """Every head of the layers that were read (the rest is 0), and the job while it goes on."""

    overview: Overview
    layers: int
    job: registry.Job | None = None

    @property
    def whole(self) -> bool:
        """Whether every layer was read."""
        return self.layers == len(self.overview.weights)

    def reaches(self, layer: int) -> bool:
        """Whether a layer (from 0) was read; where nobody goes on reading, it may be asked for."""
        return layer < self.layers or self.job is None or self.job.done


def overview(reading: Reading, kind: Kind) -> SoFar:
    """All heads: at once for a short text, what was read so far of a long one."""
    here = cache.overview_here(reading, kind)
    if here or not cache.is_long(reading, kind):
        if not here:
            # The head that is shown beside needs its layer: of a short text one run gives all.
            cache.layer(reading, "encoder" if kind == "encoder" else "decoder", 0)
        found = cache.overview(reading, kind)
        return SoFar(found, len(found.weights))
    job = registry.find(_key(reading, kind))
    if job is None or (job.stopped and not job.cancelled):
        job = _start(reading, kind)  # nobody looked for a while, and now somebody does
    if job.error is not None and not job.stopped:
        raise job.error
    job.watch(state().viewer)
    return _so_far(reading, kind, job)


def watch(reading: Reading, kind: Kind) -> None:
    """While layers are being read, run the page again whenever another one has been; call it last.

    Only a clock looks often: the page, with pictures of a million cells, is drawn once a layer.
    """
    found = overview(reading, kind)
    if found.job is not None and not found.job.done:
        st.fragment(_clock, run_every=EVERY)(found.job, found.layers)


def _clock(job: registry.Job, layers: int) -> None:
    job.watch(state().viewer)
    if job.done or len(job.partial or ()) > layers:
        st.rerun()


def show(found: SoFar, reading: Reading, kind: Kind) -> None:
    """Say how far the walk is, with a button that stops it or lets it go on."""
    job, count = found.job, len(found.overview.weights)
    if job is None or found.whole:
        return
    if st.session_state.pop(GO_ON, False):
        st.rerun()  # of the whole page: there the clock starts
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.done or job.cancelled:
            st.caption(f"Stopped after layer {found.layers} of {count}.")
            st.button("Go on", icon=":material/play_arrow:", key="walk-on", on_click=_go_on,
                      args=(reading, kind))  # fmt: skip
        else:
            words = f"A long text: layer {min(found.layers + 1, count)} of {count} is being read"
            st.progress(found.layers / count, text=plain(words))
            st.button(
                "Stop",
                icon=":material/stop:",
                key="walk-stop",
                on_click=_stop,
                args=(job,),
            )


def _stop(job: registry.Job) -> None:
    job.cancel(state().viewer)


def _go_on(reading: Reading, kind: Kind) -> None:
    _start(reading, kind)
    st.session_state[GO_ON] = True


def _so_far(reading: Reading, kind: Kind, job: registry.Job) -> SoFar:
    pictures: tuple[np.ndarray, ...] = job.partial or ()
    if job.done and not job.stopped:
        return SoFar(cache.overview(reading, kind), len(pictures))
    stack = cache.stack(reading.model, kind)
    queries, keys = (len(side) for side in cache.sides(reading, kind))
    block = blockwise.block_size(queries, keys, blockwise.CELLS)
    shape = (stack.layers, stack.heads, -(-queries // block), -(-keys // block))
    weights = np.zeros(shape, dtype=np.float32)
    for layer, found in enumerate(pictures):
        weights[layer] = found
    return SoFar(Overview(kind, block, weights), len(pictures), job)


def _start(reading: Reading, kind: Kind) -> registry.Job:
    """Begin a walk, or let one that was stopped go on where it stood."""
    before = registry.find(_key(reading, kind))
    done: tuple[np.ndarray, ...] = (before.partial or ()) if before is not None else ()
    side = "encoder" if kind == "encoder" else "decoder"
    entering = cache.entering(reading, side, len(done))
    done = done if entering is not None else ()

    def work(report: registry.Report) -> None:
        pictures = done
        report.show(pictures)
        steps = blockwise.walk(
            cache.bundle(reading.model), reading, kind, start=len(done), entering=entering
        )
        for found in steps:
            cache.passed(reading, kind, found)
            pictures = (*pictures, found.pictures)
            report.show(pictures)
            report.check()
        cache.walked(reading, kind, pictures)

    return registry.start(_key(reading, kind), work, viewer=state().viewer, patience=PATIENCE)


def _key(reading: Reading, kind: Kind) -> str:
    return f"walk:{kind}:{cache.stamp(reading.model)}:{reading}"
