"""Tokens of one's own choice tracked through the layers by the logit lens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from engine.tokenizers import vocabulary as words
from engine.trace import logit_lens
from engine.values import Side
from pages.attention import recipes
from pages.attention.controls import PAGE
from pages.attention.layers import token_ranks_picture as view
from pages.attention.layers.position import position
from pages.pictures.scale import number
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.controls import Control
from pages.shell.frame import plain
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

MOST = 5
TRACK_CONTROL = Control(
    "follow",
    "Track token ranks across layers",
    page=PAGE,
    widget="text",
    longest=200,
    placeholder="king, boat, tired",
    help=f"Up to {MOST} words, separated by commas: rank and probability of each after every "
    "layer.",
)


@dataclass(frozen=True)
class Word:
    """A word tracked by one id: its own, or that of its first token."""

    id: int
    name: str
    note: str = ""


def token_ranks(scene: Scene, card: Card) -> None:
    """Ask for words; draw rank and probability of each after every layer."""
    side: Side = "encoder" if scene.kind == "encoder" else "decoder"
    if not card.predicts or (card.family == "encoder-decoder" and side == "encoder"):
        return
    text = str(TRACK_CONTROL.draw() or "")
    found = _words(scene.reading.model, text, side)
    for note in dict.fromkeys(word.note for word in found if word.note):
        st.caption(plain(note))
    if not found:
        return
    place, name = position(scene)
    ranks, shares = logit_lens.followed(
        engine().logit_lens(scene.reading, side, place), [word.id for word in found]
    )
    shown = [word.name for word in found]
    svg = view.token_ranks(shown, ranks, shares, title="Token ranks across layers")
    best = int(ranks[-1].argmin())
    where = "At" if scene.kind == "encoder" else "After"
    says = (
        f"{where} “{visible(name)}”, “{visible(shown[best])}” ends with rank "
        f"{ranks[-1, best]:,} ({number(float(shares[-1, best]), True)}); before layer 1 its rank "
        f"is {ranks[0, best]:,}."
    )
    picture(svg, key="layers-followed", alt=says)
    st.caption(plain(says))
    share_menu(
        "followed",
        python=partial(
            recipes.token_ranks, scene.reading, side, place, [word.id for word in found]
        ),
        svg=lambda: svg,
        data=lambda: view.table(shown, ranks, shares),
        title="Token ranks across layers",
    )
    read_aloud("followed", lambda: view.table(shown, ranks, shares))


def _words(model: str, text: str, side: Side) -> list[Word]:
    """The words that were asked for, each once."""
    asked = dict.fromkeys(" ".join(part.split()) for part in text.split(","))
    found = {
        word.id: word for name in list(asked)[:MOST] if name if (word := _word(model, name, side))
    }
    return list(found.values())


def _word(model: str, name: str, side: Side) -> Word | None:
    """A word as it stands within a text, after a space where the vocabulary has it so."""
    whole = engine().vocabulary(model, side)
    found = words.exact(whole, name)
    if found is not None:
        return Word(found, whole.texts[found].strip() or name)
    cut = engine().tokenized(model, name, side)
    own = [i for i in range(len(cut)) if not cut.special[i]]
    if not own:
        return None
    first = int(cut.ids[own[0]])
    piece = engine().texts(model, [first], side)[0]
    note = f"“{name}” is {len(own)} tokens here: its first, “{visible(piece)}”, is tracked."
    return Word(first, f"{piece.strip()}…", note)
