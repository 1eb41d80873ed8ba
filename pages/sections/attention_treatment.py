"""How the weights are shown: heads together, what is hidden, whole words, mass, colour scale."""

from __future__ import annotations

from dataclasses import replace
from typing import cast, get_args

import streamlit as st

from engine.maps import Hidden, Pair, Per, Quantity, Scene, Together, Treatment
from pages.shell import cache
from pages.views.svg import Scale

TREATED = ("Map", "Lines", "Text", "Compare")
THIN = 30  # percent of each row's weight that lines leave out at first
TOGETHER: dict[str, Together] = {
    "This head": "one",
    "Mean": "mean",
    "Largest": "max",
    "Rollout": "rollout",
}
HIDE: dict[str, Hidden] = {
    "Nothing": "nothing",
    "First": "first",
    "Special": "special",
    "Punctuation": "marks",
}
PER: dict[str, Per] = {"Map": "map", "Row": "row", "Column": "column"}
SCALES: dict[str, Scale] = {"Linear": "linear", "Root": "sqrt", "Log": "log"}


def attention_treatment(scene: Scene, view: str) -> Scene:
    """Name the head, draw the controls, folded away; return the scene with its treatment.

    Only maps may be coloured by row or column; lines begin with the fewest that carry 70 %.
    Where the view does not use them they stay, greyed: a control that is not drawn leaves the link.
    """
    used, mapped, lined = view in TREATED, view in ("Map", "Compare"), view == "Lines"
    treated = replace(scene, treatment=_treatment(scene, lined)) if used else scene
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.subheader(_name(treated), anchor=False, width="content")
        menu = st.popover("Adjust the picture", icon=":material/tune:")
    with menu:
        _controls(scene, treated, view)
    if not used:
        return scene
    per = _chosen("per", PER, "Map") if mapped else "map"
    return replace(treated, scale=_chosen("scale", SCALES, "Linear"), per=per)


def _controls(scene: Scene, treated: Scene, view: str) -> None:
    """All that can be done to the weights; greyed where the view shows them as they are."""
    used, mapped, lined = view in TREATED, view in ("Map", "Compare"), view == "Lines"
    if not used:
        st.caption("This view shows the weights as they are.")
    st.segmented_control(
        "Heads",
        TOGETHER if scene.kind != "cross" else list(TOGETHER)[:3],
        key="together",
        required=True,
        bind="query-params",
        disabled=not used,
        help="Mean or largest weight over the heads of this layer; rollout multiplies this "
        "layer with all below it, residual connections included.",
    )
    st.multiselect(
        "Only these heads (layer.head)",
        _every_head(scene),
        key="several",
        bind="query-params",
        disabled=not used or treated.treatment.together not in ("mean", "max"),
        placeholder="All heads of this layer",
        help="Heads of any layers, put together by their mean or their largest weight.",
    )
    st.segmented_control(
        "Hide as a target",
        HIDE,
        key="hide",
        required=True,
        bind="query-params",
        disabled=not used,
        help="Many heads rest on the first token or on separators. Hidden, the rest of each "
        "row is scaled up to 100 %.",
    )
    st.segmented_control("Colour scale", SCALES, key="scale", required=True, bind="query-params")
    st.segmented_control(
        "Darkest is the largest of each",
        PER,
        key="per",
        required=True,
        bind="query-params",
        disabled=not mapped,
        help="By row every word's own favourite is darkest, by column who looks most at each "
        "word. The numbers stay the same.",
    )
    key, words = ("thin", "lines") if lined else ("drop", "links")
    st.slider(
        f"Leave out the faintest {words} (% of each row's weight)",
        0,
        90,
        key=key,
        bind="query-params",
        disabled=not used,
        help="30 keeps the fewest links of each row that carry 70 % of its weight.",
    )
    st.toggle(
        "Whole words instead of sub-words", key="words", bind="query-params", disabled=not used
    )
    st.toggle(
        "Weight × length of the value vector",
        key="value",
        bind="query-params",
        disabled=not used,
        help="A token with a short value vector adds little, however much it is looked at.",
    )
    _parts(scene, used)


def _every_head(scene: Scene) -> list[str]:
    stack = cache.stack(scene.reading.model, scene.kind)
    return [f"{i + 1}.{j + 1}" for i in range(stack.layers) for j in range(stack.heads)]


def _name(scene: Scene) -> str:
    if scene.treatment.together in ("mean", "max") and scene.treatment.several:
        return f"{len(scene.treatment.several)} heads together"
    if scene.treatment.together == "rollout":
        return f"Layers 1 to {scene.layer + 1}, all heads"
    if scene.treatment.together != "one":
        return f"Layer {scene.layer + 1}, all heads"
    return f"Layer {scene.layer + 1}, head {scene.head + 1}"


def _parts(scene: Scene, used: bool) -> None:
    """Controls that show a part of the map, where the model or the text has parts."""
    if scene.reading.second is not None:
        st.segmented_control(
            "Between the sentences of the pair",
            get_args(Pair),
            key="pair",
            required=True,
            bind="query-params",
            disabled=not used,
        )


def _treatment(scene: Scene, lined: bool) -> Treatment:
    quantity: Quantity = "value" if st.session_state.get("value") else "weight"
    together = _chosen("together", TOGETHER, "This head")
    dropped = st.session_state.get("thin" if lined else "drop")
    several = st.session_state.get("several") or []
    return Treatment(
        together="one" if together == "rollout" and scene.kind == "cross" else together,
        hidden=_chosen("hide", HIDE, "Nothing"),
        quantity=quantity,
        whole_words=bool(st.session_state.get("words")),
        mass=1 - int(dropped if dropped is not None else THIN * lined) / 100,
        several=tuple((int(a) - 1, int(b) - 1) for a, b in (name.split(".") for name in several)),
        until=0 if scene.kind == "encoder" else int(st.session_state.get("upto") or 0),
        pair="all" if scene.reading.second is None else st.session_state.get("pair", "all"),
    )


def _chosen(key: str, options: dict, first: str):
    return options[cast(str, st.session_state.get(key) or first)]
