"""Logit lens: the prediction after each layer at the place that is looked at."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from engine.decoding.generated import Generated
from engine.trace import logit_lens
from engine.trace.logit_lens import Lens
from engine.values import Reading, Side
from pages.decoding import recipes
from pages.decoding.plan import Plan, Spot
from pages.decoding.words import percent
from pages.pictures import logit_lens as view
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import checked, plain, sentences
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud


def decoding_lens(plan: Plan, spot: Spot, column: Generated | None) -> None:
    """An expander, in the link when it is open; `column` is the one that the place is in."""
    checked("lens", (False, True), name="Layers", shown=lambda on: str(on).lower())
    place = st.expander("Logit lens: prediction after each layer", key="lens", bind="query-params")
    if place.open:
        with place, sentences():
            _drawn(plan, spot, column)


def _drawn(plan: Plan, spot: Spot, column: Generated | None) -> None:
    side: Side = "encoder" if spot.gap else "decoder"
    found = _read(plan, spot, column, side)
    said = view.said(found, partial(engine().texts, plan.task.model, side=side))
    word, share = said[-1].words[0], percent(said[-1].probabilities[0])
    layers = len(said) - 1
    svg = view.layer_table(said, found.ranks.tolist(), word=word, title="Logit lens")
    words = (
        f"The residual stream after each of the {layers} layers, decoded as if it were the last. "
        f"Only the top row is the model's prediction: “{visible(word)}” with {share}. "
        f"{view.since(found.settled)}"
    )
    picture(svg, key="decoding-layers", alt=words)
    st.caption(plain(words))
    data = partial(_table, said, found)
    reading, place = _place(plan, spot, column)
    share_menu(
        "layers",
        python=partial(recipes.lens, reading, side, place),
        svg=svg,
        data=data,
        title="Logit lens",
    )
    read_aloud("layers", data)


def _read(plan: Plan, spot: Spot, column: Generated | None, side: Side) -> Lens:
    reading, place = _place(plan, spot, column)
    return logit_lens.read(engine().logit_lens(reading, side, place))


def _place(plan: Plan, spot: Spot, column: Generated | None) -> tuple[Reading, int]:
    """What is read, and the position in it that is looked at."""
    assert plan.reading is not None, "the setup says what is read"
    if spot.gap:
        return plan.reading, spot.start
    # The whole column in one run, so that another place of it needs none; what comes after a place
    # changes nothing there. While it grows, what is before the place.
    ids = spot.ids
    if column is not None and not column.writing:
        ids = (*plan.task.ids, *column.ids)
    return replace(plan.reading, target=ids), len(spot.ids) - 1


def _table(said: list[view.Said], found: Lens) -> dict[str, list[object]]:
    cells = [
        (layer, rank + 1, word, share, int(found.ranks[layer]))
        for layer, one in enumerate(said)
        for rank, (word, share) in enumerate(zip(one.words, one.probabilities, strict=True))
    ]
    names = ("after_layer", "rank", "word", "probability", "rank_of_final_word")
    return {name: [cell[i] for cell in cells] for i, name in enumerate(names)}
