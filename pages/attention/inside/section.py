"""Inside one head: one pair of words from query and key to weight, value and output."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.attention import transforms
from engine.attention.maps import Scene
from engine.errors import NotOffered
from engine.models.bundle import Card
from pages.attention import recipes
from pages.attention.controls import PAGE
from pages.attention.inside import picture as view
from pages.attention.inside.formulas import formulas
from pages.pictures.svg import visible
from pages.shell import player
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.controls import Control
from pages.shell.frame import select, selection, sentences
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud

STAGES = ("1", "2", "3", "4", "All")
PLAYER = "inside"
STAGE_CONTROL = Control(
    "stage",
    "Stage",
    ("All", *STAGES[:-1]),
    page=PAGE,
    help="1 dot product, 2 scale and mask, 3 softmax, 4 weighted sum of values.",
)


def attention_inside(scene: Scene, card: Card) -> None:
    """Choose a pair, then take it apart, all at once or stage by stage."""
    attention = engine().attention(scene.reading, scene.kind, scene.layer)
    names = engine().token_names(scene.reading, scene.kind)
    query, key = _pair(attention.weights[scene.head], names)
    inside = transforms.inside(attention, head=scene.head, query=query, key=key)
    if inside is None:
        raise NotOffered(
            "Queries, keys and values of this model were not exported, only its attention weights: "
            "choose the view Map."
        )
    player.plays(PLAYER, _stages, inside, names, (query, key), scene)


def _stages(
    inside: transforms.Inside,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    places: tuple[int, int],
    scene: Scene,
) -> None:
    """The stages up to the chosen one, as formulas and as a picture."""
    (query, column), keys = places, names[1]
    pair = names[0][query], keys[column]
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
        one, two = (visible(name) for name in pair)
        alt = f"How “{one}” comes to attend {inside.weights[column]:.1%} to “{two}”"
        picture(svg, key="attention-inside", alt=alt)
        share_menu(
            "inside",
            python=partial(recipes.inside, scene, query, column),
            svg=lambda: svg,
            data=lambda: _table(inside),
            title=title,
        )
        read_aloud("inside", lambda: _table(inside))


def _stage() -> str:
    """The control of the stages: choose one, step, or let them play."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = STAGE_CONTROL.draw(
            on_change=lambda: player.chosen(PLAYER, lambda step: step == _step(), _go)
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
        for letter, label, words in (
            ("q", "Query token (attends)", 0),
            ("k", "Key token (attended to)", 1),
        ):
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
