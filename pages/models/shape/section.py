"""The playground of shapes on the page: start from a model, change its numbers, see its parts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine.costs.shapes import Shape
from engine.errors import NotOffered
from pages.models import controls, recipes
from pages.models.bases import bases
from pages.models.shape import picture as view
from pages.shell.address import plain
from pages.shell.components import picture
from pages.shell.frame import sentences
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud


def models_shape() -> None:
    """Draw the parts above, the numbers that make them below."""
    known = bases()
    controls.START.check(list(known), default="GPT-2 small")
    start = known[str(controls.START.value)]
    for name, control in controls.SIZES.items():
        control.check(default=getattr(start, name))
    controls.FAMILY.check(default=start.family)
    controls.TIED.check(default=start.tied)
    controls.CONTEXT.check()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controls.START.draw(on_change=_taken)
        controls.FAMILY.draw()
        controls.TIED.draw()
    place = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for control in controls.SIZES.values():
            off = control is controls.TWIN and controls.FAMILY.value != "encoder-decoder"
            control.draw(disabled=off)
        controls.CONTEXT.draw()
    with place, sentences():
        _parts(_shape(start), start)


def _parts(shape: Shape, start: Shape) -> None:
    tokens = int(controls.CONTEXT.value)
    like = str(controls.START.value) if shape == start else ""
    words = view.said(shape, tokens, like)
    both, wide = view.parts(shape, words)
    st.caption(plain(words))
    picture(both, key="models-shape", alt=words)
    share_menu(
        "shape",
        python=partial(recipes.shape, shape),
        svg=lambda: wide,
        shown=False,
        data=lambda: _table(shape),
        title=view.TITLE,
    )
    read_aloud("shape", lambda: _table(shape))


def _table(shape: Shape) -> dict[str, list[Any]]:
    return {"part": list(shape.parts), "parameters": list(shape.parts.values())}


def _shape(start: Shape) -> Shape:
    """The shape of the fields; what has no field is that of the model one starts from."""
    given = {name: int(control.value) for name, control in controls.SIZES.items()}
    family = controls.FAMILY.value
    if family == "encoder-decoder":
        given["decoder_layers"] = given["decoder_layers"] or given["layers"]
    else:
        given["decoder_layers"] = 0
    given["head_width"] = start.head_width
    if (given["width"], given["heads"]) != (start.width, start.heads):
        if given["width"] % given["heads"]:
            raise NotOffered(
                f"A width of {given['width']:,} cannot be shared evenly among {given['heads']:,} "
                "heads. Choose a multiple."
            )
        given["head_width"] = given["width"] // given["heads"]
    other: dict[str, Any] = {"family": family, "tied": bool(controls.TIED.value)}
    if family != start.family:
        other["head"] = "masked" if family == "encoder" else "none"
    return replace(start, **given, **other)


def _taken() -> None:
    """Somebody chose another start: its numbers take the place of what stood there."""
    start = bases().get(str(st.session_state[controls.START.key]))
    if start is not None:
        for name, control in controls.SIZES.items():
            st.session_state[control.key] = getattr(start, name)
        st.session_state[controls.FAMILY.key] = start.family
        st.session_state[controls.TIED.key] = start.tied
