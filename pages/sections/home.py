"""Home's picture of the whole path, its cards, and the models that are here."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from engine.values import Reading, Side
from pages.shell import cache
from pages.shell.components import picture
from pages.shell.frame import Choice
from pages.shell.link import plain, select, selection
from pages.shell.share import share_menu
from pages.views import home, palette
from pages.views.svg import visible

SHOWN = 10  # tokens of each tower: what a screen can hold


def path(choice: Choice) -> None:
    """The whole path of the text through the model, and what it says in this text's numbers."""
    reading, towers, outcomes = _path(choice)
    drawn = home.whole_path(
        towers, outcomes, title=f"The path of a text through {choice.card.title}"
    )
    names = [f"{tower.letter}{i}" for tower in towers for i in range(len(tower.texts))]
    locked = selection("token", names, name="token")
    picture(
        drawn,
        key="home-path",
        alt=_alt(choice, towers, outcomes),
        locked=locked,
        on_lock=partial(select, "token"),
    )
    left, right = st.columns([5, 1], vertical_alignment="top")
    left.markdown(plain(_words(choice, towers, outcomes), 900))
    if len(reading.text) < len(choice.text.strip()):
        left.caption(f"The picture holds the first {SHOWN} tokens of the text.")
    with right:
        share_menu(
            "path", svg=drawn, data=partial(_table, towers, outcomes), title="The whole path"
        )


def _path(choice: Choice) -> tuple[Reading, list[home.Tower], list[home.Outcome]]:
    reading = _beginning(choice)
    card = choice.card
    if card.family != "encoder-decoder":
        side: Side = "encoder" if card.family == "encoder" else "decoder"
        colour = palette.ENCODER if side == "encoder" else palette.DECODER
        title = (
            "Encoder: reads in both directions"
            if side == "encoder"
            else "Decoder: reads, then writes"
        )
        return reading, [_tower(reading, side, "t", title, colour)], _outcomes(reading, side, False)
    reading = cache.translated(choice.model, reading.text)
    reading = Reading(reading.model, reading.text, (reading.target or ())[:SHOWN])
    towers = [
        _tower(reading, "encoder", "s", "Encoder: reads the text", palette.ENCODER),
        _tower(reading, "decoder", "t", "Decoder: writes, one token a step", palette.DECODER),
    ]
    return reading, towers, _outcomes(reading, "decoder", True)


def _beginning(choice: Choice) -> Reading:
    """The text up to so many tokens that that the picture stays legible."""
    tokens = cache.cut(choice.model, choice.text)
    own = [i for i in range(len(tokens)) if not tokens.special[i]]
    room = SHOWN - (len(tokens) - len(own))
    if len(own) <= room:
        return Reading(choice.model, choice.text)
    return Reading(choice.model, choice.text[: int(tokens.spans[own[room - 1], 1])])


def _tower(reading: Reading, side: Side, letter: str, title: str, colour: str) -> home.Tower:
    ids = tuple(cache.tokens(reading, side).ids.tolist())
    texts = cache.texts(reading.model, ids, side)
    cross = None
    if side == "decoder" and reading.target:
        # Whatever its name, what a decoder begins with means "start" here.
        texts = ("start", *texts[1:])
        cross = cache.overview(reading, "cross").weights.mean(axis=1)
    return home.Tower(
        letter=letter,
        title=title,
        colour=colour,
        texts=texts,
        ids=ids,
        weights=np.nan_to_num(cache.overview(reading, side).weights).mean(axis=1),
        cross=cross,
    )


def _outcomes(reading: Reading, side: Side, written: bool) -> list[home.Outcome]:
    """What each position says comes next: the token that was written, or the likeliest one."""
    if not cache.card(reading.model).predicts:
        return []
    count = len(cache.tokens(reading, side))
    likely = _likely(cache.logits(reading, tuple(range(count))).logits)
    chosen = likely.argmax(axis=1)
    if written and reading.target:
        chosen[: count - 1] = reading.target[1:]
    texts = cache.texts(reading.model, tuple(chosen.tolist()), side)
    return [
        home.Outcome(text, float(likely[i, chosen[i]]), written or i == count - 1)
        for i, text in enumerate(texts)
    ]


def _likely(logits: np.ndarray) -> np.ndarray:
    """Probabilities [row, vocabulary] of logits."""
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    return likely / likely.sum(axis=1, keepdims=True)


def _words(choice: Choice, towers: list[home.Tower], outcomes: list[home.Outcome]) -> str:
    reader, writer = towers[0], towers[-1]
    layers = f"{writer.layers} layers"
    start = f"{len(reader.texts)} tokens go in at the bottom; in each of {layers} every token "
    start += "collects from the tokens that its lines lead to. "
    if not outcomes:
        return start + "What leaves the top is one vector for each token."
    if len(towers) == 2:
        sure = max(outcomes, key=lambda one: one.probability)
        unsure = min(outcomes, key=lambda one: one.probability)
        return (
            f"{start}The second tower looks back at the first and writes token after token: "
            f"surest of “{visible(sure.text)}” ({sure.probability:.0%}), least sure of "
            f"“{visible(unsure.text)}” ({unsure.probability:.0%})."
        )
    last = outcomes[-1]
    if choice.card.family == "encoder":
        return f"{start}At the top stands the token that the model would put in each place."
    return (
        f"{start}At the top stands its best guess of what comes next: after the whole text "
        f"“{visible(last.text)}”, {last.probability:.0%} sure."
    )


def _alt(choice: Choice, towers: list[home.Tower], outcomes: list[home.Outcome]) -> str:
    read = " ".join(visible(text) for text in towers[0].texts)
    said = " ".join(visible(one.text) for one in outcomes)
    return f"{choice.card.title}: {len(towers)} towers of layers. In: {read}. Out: {said}."


def _table(towers: list[home.Tower], outcomes: list[home.Outcome]) -> dict[str, list[object]]:
    """Rows of the saved table: one for each token of each tower."""
    rows: dict[str, list[object]] = {
        name: [] for name in ("tower", "position", "token", "id", "next", "probability")
    }
    for tower in towers:
        ends = outcomes if tower is towers[-1] else []
        for i, (text, token_id) in enumerate(zip(tower.texts, tower.ids, strict=True)):
            end = ends[i] if i < len(ends) else None
            values = (tower.title, i + 1, text, token_id)
            for name, value in zip(
                rows, (*values, end and end.text, end and end.probability), strict=True
            ):
                rows[name].append(value)
    return rows
