"""Inside one head: one pair of words from query and key to weight, value and output."""

from __future__ import annotations

import streamlit as st

from engine import links, maps
from engine.errors import NotOffered
from engine.maps import Scene
from pages.shell import cache
from pages.shell.components import picture
from pages.shell.frame import select, selection
from pages.shell.share import Table, share_menu
from pages.views import attention_inside as view
from pages.views.svg import visible

STAGES: dict[str, str] = dict(zip(("1", "2", "3", "4"), view.STAGES, strict=True))


def attention_inside(scene: Scene) -> None:
    """Choose a pair and a stage, then take the pair apart."""
    queries, keys = cache.sides(scene.reading, scene.kind)
    attention = cache.attention(scene.reading, scene.kind, scene.layer)
    names = maps.labels(queries), maps.labels(keys)
    query, key = _pair(attention.weights[scene.head], names)
    inside = links.inside(attention, head=scene.head, query=query, key=key)
    if inside is None:
        raise NotOffered(
            "This model's family does not give its queries, keys and values, only the weights: "
            "choose the view Map."
        )
    stage = st.segmented_control(
        "Stage",
        ("All", *STAGES),
        key="stage",
        required=True,
        bind="query-params",
        help="1 product, 2 scale and mask, 3 softmax, 4 value: play them one after another.",
    )
    shown = STAGES.get(str(stage), "value")
    svg = view.attention_inside(
        inside,
        query=names[0][query],
        key=names[1][key],
        column=key,
        keys=names[1],
        stage=shown,
        title=f"Inside head {scene.name}",
    )
    formulas = view.formulas(inside, key)
    for name in view.STAGES[: view.STAGES.index(shown) + 1]:
        if stage == "All" or name == shown:
            st.latex(formulas[name])
    picture(
        svg,
        key="attention-inside",
        alt=f"How {names[0][query]} comes to give {inside.weights[key]:.1%} to {names[1][key]}",
    )
    share_menu("inside", svg=svg, data=lambda: _table(inside), title=f"Inside head {scene.name}")


def _pair(weights, names: tuple[tuple[str, ...], tuple[str, ...]]) -> tuple[int, int]:
    """The chosen pair: what is locked in the other views, else the last word and its best key."""
    sizes = {"q": len(names[0]), "k": len(names[1])}

    def fits(spot: str) -> bool:
        return all(i[1:].isdecimal() and int(i[1:]) < sizes.get(i[:1], 0) for i in spot.split(" "))

    spot = selection("spot", fits, name="Word") or ""
    chosen = {i[0]: int(i[1:]) for i in spot.split(" ") if i}
    query = chosen.get("q", sizes["q"] - 1)
    key = chosen.get("k", int(weights[query].argmax()))
    st.session_state["pair-q"], st.session_state["pair-k"] = query, key
    with st.container(horizontal=True):
        for letter, label, words in (("q", "Word that looks", 0), ("k", "Word looked at", 1)):
            st.selectbox(
                label,
                range(sizes[letter]),
                key=f"pair-{letter}",
                format_func=lambda at, w=names[words]: f"{at + 1}  {visible(w[at])}",
                on_change=_choose,
            )
    return query, key


def _choose() -> None:
    select("spot", f"q{st.session_state['pair-q']} k{st.session_state['pair-k']}")


def _table(inside: links.Inside) -> Table:
    return {
        "dimension": range(1, len(inside.query) + 1),
        "query": inside.query,
        "key": inside.key,
        "product": inside.products,
        "value": inside.value,
        "output": inside.output,
    }
