"""How the weights are shown: heads together, what is hidden, whole words, mass, colour scale."""

from __future__ import annotations

import streamlit as st

from engine.attention.maps import Scene
from pages.attention.choices import HIDE, MAPPED, PAIRS, PER, SCALES, TOGETHER, TREATED
from pages.shell.cache import engine


def attention_treatment(scene: Scene, view: str) -> None:
    """Name what is shown, and draw the controls, folded away.

    Only maps may be coloured by row or column; lines begin with the fewest that carry 70 %.
    Where the view does not use them they stay, greyed: a control that is not drawn leaves the link.
    """
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.subheader(_name(scene), anchor=False, width="content")
        menu = st.popover("Adjust the picture", icon=":material/tune:")
    with menu:
        _controls(scene, view)


def _controls(scene: Scene, view: str) -> None:
    """All that can be done to the weights; greyed where the view shows them as they are."""
    used, mapped, lined = view in TREATED, view in MAPPED, view == "Lines"
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
        disabled=not used or scene.treatment.together not in ("mean", "max"),
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
    stack = engine().stack(scene.reading.model, scene.kind)
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
            PAIRS,
            key="pair",
            required=True,
            bind="query-params",
            disabled=not used,
        )
