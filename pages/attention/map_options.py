"""How the weights are shown: heads combined, keys ignored, whole words, threshold, colour scale.

In: the values of the controls. Out: the scene with its options, and the controls under "Options".
What the view does not use stays there, greyed: a control that is not drawn leaves the link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st

from engine.attention.maps import MapOptions, Quantity, Scene
from pages.attention.controls import (
    HIDE,
    HIDE_CONTROL,
    OF_MAPS,
    OFF_CONTROL,
    PAIR_CONTROL,
    PER,
    PER_CONTROL,
    SCALES,
    SEVERAL_CONTROL,
    TOGETHER,
    UPTO_CONTROL,
)
from pages.shell.controls import built
from pages.shell.views import View

T = TypeVar("T")


def with_options(scene: Scene, view: View, values: Mapping[Any, Any]) -> Scene:
    """The scene with the options that the controls ask for, where the view applies them."""
    if HIDE_CONTROL not in view.controls:
        return scene
    return replace(
        scene,
        options=_options(scene, values),
        scale=_chosen(values, "scale", SCALES),
        per=_chosen(values, "per", PER) if PER_CONTROL in view.controls else "map",
    )


def _options(scene: Scene, values: Mapping[Any, Any]) -> MapOptions:
    quantity: Quantity = "value" if values.get("value") else "weight"
    together = _chosen(values, "together", TOGETHER)
    several = values.get("several") or []
    return MapOptions(
        together="one" if together == "rollout" and scene.kind == "cross" else together,
        hidden=_chosen(values, "hide", HIDE),
        quantity=quantity,
        whole_words=bool(values.get("words")),
        mass=1 - int(values.get("threshold") or 0) / 100,
        several=tuple((int(a) - 1, int(b) - 1) for a, b in (name.split(".") for name in several)),
        until=0 if scene.kind == "encoder" else int(values.get("upto") or 0),
        pair="all" if scene.reading.second is None else values.get("pair", "all"),
    )


def _chosen(values: Mapping[Any, Any], key: str, options: Mapping[str, T]) -> T:
    return options[str(values.get(key) or next(iter(options)))]


def attention_options(scene: Scene, view: View) -> None:
    """The controls of the picture, folded away."""
    offered = [
        control
        for control in OF_MAPS
        if control is not UPTO_CONTROL and (control is not PAIR_CONTROL or scene.reading.second)
    ]
    ablated = [OFF_CONTROL] if view.name != "What if" else []
    with st.popover(
        "Options", icon=":material/tune:", key="attention-options", on_change="rerun"
    ) as place:
        if not built(place, *offered, *ablated):
            return
        if HIDE_CONTROL not in view.controls:
            st.caption("This view shows the weights unchanged.")
        for control in offered:
            used = control in view.controls
            if control is SEVERAL_CONTROL:
                used = used and scene.options.together in ("mean", "max")
            control.draw(disabled=not used)
        for control in ablated:
            control.draw()


def name_of(scene: Scene) -> str:
    """What is shown, as the heading above the picture says it."""
    options = scene.options
    if options.together in ("mean", "max") and options.several:
        return f"{len(options.several)} heads combined"
    if options.together == "rollout":
        return f"Layers 1 to {scene.layer + 1}, all heads"
    if options.together != "one":
        return f"Layer {scene.layer + 1}, all heads"
    return f"Layer {scene.layer + 1}, head {scene.head + 1}"
