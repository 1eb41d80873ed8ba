"""Home's picture of the whole path, its cards, and the models that are here."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.home import recipes
from pages.pictures import architecture
from pages.pictures.svg import visible
from pages.shell import paths
from pages.shell.address import plain, select, selection
from pages.shell.components import picture
from pages.shell.frame import Choice
from pages.shell.share import share_menu


def path(choice: Choice) -> None:
    """The whole path of the text through the model, and what it says in this text's numbers."""
    found = paths.path(choice.model, choice.text)
    towers, outcomes = found.towers, found.outcomes
    drawn = architecture.whole_path(
        towers,
        outcomes,
        title=f"The path of a text through {choice.card.title}",
        predicts=architecture.predicts(choice.card.family),
    )
    names = [f"{tower.letter}{i}" for tower in towers for i in range(tower.shown)]
    locked = selection("token", names, name="token")
    picture(
        drawn,
        key="home-path",
        alt=_alt(choice, towers, outcomes),
        locked=locked,
        on_lock=partial(select, "token"),
    )
    left, right = st.columns([5, 1], vertical_alignment="top")
    left.markdown(plain(_words(choice, found), 900))
    left.caption("Hover over a token in the picture to follow it upward; click to pin it.")
    if found.cut:
        left.caption(
            f"The picture shows the first {paths.SHOWN} tokens; the model read the whole text."
        )
    with right:
        share_menu(
            "path",
            python=partial(
                recipes.whole_path, found.reading, paths.sides_of(choice.card), paths.SHOWN
            ),
            svg=drawn,
            data=partial(_table, towers, outcomes),
            title="The whole path",
        )


def _words(choice: Choice, found: paths.Path) -> str:
    towers, outcomes = found.towers, found.outcomes
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
            f"{start}The second tower attends to the first and writes token after token: "
            f"most certain of “{visible(sure.text)}” ({sure.probability:.0%}), least certain of "
            f"“{visible(unsure.text)}” ({unsure.probability:.0%})."
        )
    last = found.last or outcomes[-1]
    if choice.card.family == "encoder":
        return f"{start}At the top is the model's prediction for each position."
    return (
        f"{start}At the top is its prediction of the next token: after the whole text "
        f"“{visible(last.text)}” ({last.probability:.0%})."
    )


def _alt(
    choice: Choice, towers: list[architecture.Tower], outcomes: list[architecture.Outcome]
) -> str:
    read = " ".join(visible(text) for text in towers[0].texts[: towers[0].shown])
    said = " ".join(visible(one.text) for one in outcomes)
    return f"{choice.card.title}: {len(towers)} towers of layers. In: {read}. Out: {said}."


def _table(
    towers: list[architecture.Tower], outcomes: list[architecture.Outcome]
) -> dict[str, list[object]]:
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
