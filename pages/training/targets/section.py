"""Four targets, one sentence: what a model sees, what it must say, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st

from engine.objectives.example import NEXT, OTHER, Exercise
from engine.objectives.losses import Losses, log_softmax
from pages.pictures.columns.words import percent
from pages.pictures.names import quoted
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud
from pages.training import recipes
from pages.training.controls import (
    FOLLOWS,
    GUESS,
    HIDDEN,
    OBJECTIVE,
    REVEAL,
    SEED,
    TRANSLATION,
    UNSAID,
)
from pages.training.targets import picture as view

PAIR = "next sentence"
FIRST = {"decoder": "next token", "encoder": "masked tokens", "encoder-decoder": "translation"}


def training_targets(choice: Choice) -> None:
    """Draw the controls of the example, its picture, and the candidates for one answer."""
    case = _case(choice)
    reason = engine().objectives(choice.model)[case.objective]
    example = engine().training_example(case)
    count = len(example.says)
    chosen = int(HIDDEN.check(range(1, count + 1), default=1)) - 1
    guess = str(GUESS.check()).strip()
    follows = str(FOLLOWS.check())
    revealed = bool(REVEAL.check()) and not reason
    losses = engine().example_losses(case) if revealed else None
    scene = view.Scene(example, losses, chosen, revealed)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if case.objective == PAIR:
            FOLLOWS.draw()
        else:
            HIDDEN.draw()
            GUESS.draw()
        if case.objective in ("masked tokens", "spans", "next sentence"):
            SEED.draw()
        REVEAL.draw(disabled=bool(reason))
    svg = view.two_sides(scene)
    words = view.said(scene, choice.card.title)
    picture(svg, key="targets", alt=words, on_lock=partial(_choose, count))
    with st.container(key="targets-said"):
        st.caption(plain(words))
    if reason:
        st.info(plain(f"{reason}{_others(case)}"), icon=":material/info:")
    if losses is None:
        seen = view.seen_table(scene)
        python = partial(recipes.example_seen, case, len(seen["id"]))
        share_menu("targets", python=python, svg=svg, data=seen, title="Training example")
        read_aloud("targets", lambda: seen)
        return
    share_menu(
        "targets",
        python=partial(recipes.example_losses, case),
        svg=svg,
        data=lambda: view.table(scene),
        title="Training example with its losses",
    )
    read_aloud("targets", lambda: view.table(scene))
    _candidates(case, scene, losses, guess if case.objective != PAIR else follows)


def _candidates(case: Exercise, scene: view.Scene, losses: Losses, guess: str) -> None:
    """The likeliest answers at the chosen place, the right one and the guess among them."""
    place = scene.chosen
    log = log_softmax(engine().answer_logits(case, place)[None])[0]
    right = int(losses.ids[place])
    own: int | None
    faces: dict[int, str]
    if case.objective == PAIR:
        faces, own = {0: NEXT, 1: OTHER}, None if guess == UNSAID else int(guess == OTHER)
    else:
        typed = engine().guessed(case, place, guess)
        own = None if typed is None else typed.id
        listed: list[int] = [*losses.best[place].tolist(), right, *([] if own is None else [own])]
        ids = list(dict.fromkeys(listed))
        side = "decoder" if engine().card(case.model).decoder else "encoder"
        faces = dict(zip(ids, engine().texts(case.model, ids, side), strict=True))
    order = sorted(faces, key=lambda one: -log[one])
    notes = {one: _note(one, right, own) for one in order}
    rows = [(faces[one], float(log[one]), notes[one]) for one in order]
    svg = view.bars(rows, f"Candidates for answer {place + 1}")
    words = _told(faces, log, right, own)
    picture(svg, key="targets-candidates", alt=words)
    with st.container(key="targets-candidates-said"):
        st.caption(plain(words))
    data = {
        "candidate": [faces[one] for one in order],
        "id": order,
        "probability": np.exp(log[order]),
        "loss_nats": -log[order],
    }
    share_menu(
        "targets-candidates",
        python=partial(recipes.example_candidates, case, place, tuple(order)),
        svg=svg,
        data=data,
        title="Candidates for one answer",
    )
    read_aloud("targets-candidates", lambda: data)


def _note(one: int, right: int, own: int | None) -> str:
    return ", ".join(["right answer"] * (one == right) + ["your guess"] * (one == own))


def _told(faces: Mapping[int, str], log: np.ndarray, right: int, own: int | None) -> str:
    """What the guess would have cost beside the right answer."""

    def cost(one: int) -> str:
        share = percent(float(np.exp(log[one])))
        return f"{quoted(faces[one])} has probability {share} and costs {-log[one]:.2f} nats"

    if own is None:
        return f"The right answer {cost(right)}."
    if own == right:
        return f"Your guess is right: {cost(right)}."
    return f"Your guess {cost(own)}; the right answer {cost(right)}."


def _case(choice: Choice) -> Exercise:
    first = FIRST[choice.card.family]
    if not engine().objectives(choice.model)["spans"]:
        first = "spans"
    objective = OBJECTIVE.check(default=first)
    OBJECTIVE.draw()
    seed = int(SEED.check())
    target = ""
    if objective == "translation" and choice.card.family == "encoder-decoder":
        target = str(TRANSLATION.check(default=_translation(choice)))
        TRANSLATION.draw()
    drawn = objective in ("masked tokens", "spans", "next sentence")
    return Exercise(choice.model, choice.text, objective, seed if drawn else 0, target)


def _translation(choice: Choice) -> str:
    """What stands in the field at first: what the model itself would write."""
    reading = engine().translated(choice.model, choice.text)
    return engine().tokens(reading, "decoder").text


def _choose(count: int, ids: str | None) -> None:
    """A click on an answer looks at it."""
    for one in (ids or "").split(" "):
        if one[:1] == "a" and one[1:].isdecimal() and int(one[1:]) < count:
            st.session_state[HIDDEN.key] = int(one[1:]) + 1


def _others(case: Exercise) -> str:
    """Installed models that can be asked for this."""
    able = [
        entry.name
        for entry in engine().models()
        if entry.ready and not engine().objectives(entry.name)[case.objective]
    ]
    if able:
        return (
            f" The picture shows its tokens all the same. Models here that can: {', '.join(able)}."
        )
    return " No model here can; the picture shows how the example is made."
