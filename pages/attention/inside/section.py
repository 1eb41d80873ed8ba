"""Inside one head: one pair of words from query and key to weight, value and output."""

from __future__ import annotations

import streamlit as st

from engine.attention import maps, transforms
from engine.attention.maps import Scene
from engine.errors import NotOffered
from pages.attention.inside import picture as view
from pages.attention.inside.formulas import formulas
from pages.pictures.svg import visible
from pages.shell import player
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import select, selection, sentences
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud

STAGES = ("1", "2", "3", "4", "All")
PLAYER = "inside"


def attention_inside(scene: Scene) -> None:
    """Choose a pair, then take it apart, all at once or stage by stage."""
    queries, keys = engine().sides(scene.reading, scene.kind)
    attention = engine().attention(scene.reading, scene.kind, scene.layer)
    names = maps.labels(queries), maps.labels(keys)
    query, key = _pair(attention.weights[scene.head], names)
    inside = transforms.inside(attention, head=scene.head, query=query, key=key)
    if inside is None:
        raise NotOffered(
            "This model's family does not give its queries, keys and values, only the weights: "
            "choose the view Map."
        )
    player.plays(PLAYER, _stages, inside, (names[0][query], names[1][key]), key, names[1], scene)


def _stages(
    inside: transforms.Inside,
    pair: tuple[str, str],
    column: int,
    keys: tuple[str, ...],
    scene: Scene,
) -> None:
    """The stages up to the chosen one, as formulas and as a picture."""
    with sentences():
        player.advance(PLAYER, _step(), len(STAGES), _go)
        stage = _stage()
        shown = view.STAGES[min(_step(), len(view.STAGES)) - 1]
        title = f"Inside head {scene.name}"
        svg = view.attention_inside(
            inside, query=pair[0], key=pair[1], column=column, keys=keys, stage=shown, title=title
        )
        written = formulas(inside, column)
        for name in view.STAGES if stage == "All" else (shown,):
            st.latex(written[name])
        alt = f"How {pair[0]} comes to give {inside.weights[column]:.1%} to {pair[1]}"
        picture(svg, key="attention-inside", alt=alt)
        share_menu("inside", svg=lambda: svg, data=lambda: _table(inside), title=title)
        read_aloud("inside", lambda: _table(inside))


def _stage() -> str:
    """The control of the stages: choose one, step, or let them play."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.segmented_control(
            "Stage",
            ("All", *STAGES[:-1]),
            key="stage",
            required=True,
            bind="query-params",
            on_change=lambda: player.chosen(PLAYER, lambda step: step == _step(), _go),
            help="1 product, 2 scale and mask, 3 softmax, 4 value.",
        )
        player.buttons(PLAYER, _step(), 1, len(STAGES), _go)
    return str(chosen)


def _step() -> int:
    return STAGES.index(st.session_state.get("stage") or "All") + 1


def _go(step: int) -> None:
    st.session_state["stage"] = STAGES[step - 1]


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


def _table(inside: transforms.Inside) -> Table:
    return {
        "dimension": range(1, len(inside.query) + 1),
        "query": inside.query,
        "key": inside.key,
        "product": inside.products,
        "value": inside.value,
        "output": inside.output,
    }
