"""What it costs, on the page: the memory of a use, whether it fits, and the time of a training."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.costs import memory
from engine.costs.gpus import gpu, gpus
from engine.costs.memory import Use
from engine.costs.shapes import Shape
from pages.models import controls, recipes
from pages.models.bases import bases
from pages.models.costs import picture as view
from pages.models.sources import sources
from pages.shell.address import plain
from pages.shell.components import picture
from pages.shell.frame import sentences
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

FIRST = (controls.PURPOSE, controls.PRECISION, controls.CONTEXT, controls.BATCH)
ADAPTER = (controls.RANK, controls.MATRICES)
TIME = (controls.CORPUS, controls.COUNT, controls.USED, controls.ACTIVE)


def models_costs() -> None:
    """Draw the memory, what it is made of, and the time; the controls stand below."""
    known = bases()
    controls.BASE.check(list(known), default="Llama 2 7B")
    for control in (*FIRST, *ADAPTER, controls.KEEP, controls.GPU, *TIME):
        control.check()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controls.BASE.draw()
        controls.PURPOSE.draw()
        controls.PRECISION.draw()
    place = st.container()
    trains = controls.PURPOSE.value != "run"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controls.CONTEXT.draw()
        controls.BATCH.draw()
        controls.GPU.draw()
        if trains:
            controls.KEEP.draw()
    if controls.PURPOSE.value == "low rank":
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            for control in ADAPTER:
                control.draw()
    st.markdown("**Compute and time of a training from nothing**")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for control in TIME:
            control.draw()
    name = str(controls.BASE.value)
    with sentences():
        st.caption(plain(_time(known[name])))
    with place, sentences():
        _memory(name, known[name])
    papers = [*memory.SOURCES, *((one.name, one.source) for one in gpus())]
    sources("costs", [(about, (own,)) for about, own in papers])


def _memory(name: str, shape: Shape) -> None:
    use = Use(
        purpose=controls.PURPOSE.value,
        precision=controls.PRECISION.value,
        tokens=int(controls.CONTEXT.value),
        batch=int(controls.BATCH.value),
        rank=int(controls.RANK.value),
        adapted=controls.MATRICES.value,
        recompute=controls.KEEP.value,
    )
    found = memory.memory(shape, use)
    trained = memory.trained_parameters(shape, use)
    words = view.said(name, found, use, trained, gpu(str(controls.GPU.value)))
    both, wide = view.memory(found, gpus(), words)
    st.caption(plain(words))
    picture(both, key="models-memory", alt=words)
    share_menu(
        "memory",
        python=partial(recipes.memory_by_part, shape, use),
        svg=lambda: wide,
        shown=False,
        data=lambda: memory.columns(shape, use),
        title=f"{view.TITLE}: {name}",
    )
    read_aloud("memory", lambda: memory.columns(shape, use))


def _time(shape: Shape) -> str:
    towers = 2 if shape.both else 1
    tokens = int(controls.CORPUS.value) * 1e9
    active = shape.parameters * int(controls.ACTIVE.value) / 100
    flop = memory.training_flop(active, tokens, towers=towers)
    one, count, used = gpu(str(controls.GPU.value)), int(controls.COUNT.value), controls.USED.value
    seconds = memory.seconds(flop, count=count, flops=one.flops, utilization=int(used) / 100)
    return view.time_said(
        flop, tokens, seconds, count=count, gpu=one, used=int(used), towers=towers
    )
