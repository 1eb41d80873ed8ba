"""From noise to words: one training, kept at moments, and every moment asked the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from engine import policy
from engine.decoding.continuation import Line
from engine.moments.course import Course
from engine.values import Reading
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice
from pages.shell.menu import FILES
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud
from pages.training import recipes
from pages.training.controls import (
    MOMENT,
    MOMENT_HEAD,
    MOMENT_SEED,
    MOMENT_SETTING,
    MOMENT_TOKENS,
    PART,
    WORDS,
)
from pages.training.moments import curve, heat, maps, plane
from pages.training.moments import picture as written

LONGEST, AT_FIRST = 64, 32  # tokens that each moment writes
OPENS_ON = ("Attention", "Embeddings", "Decoding", "Tokenization")


def training_moments(choice: Choice) -> None:
    """The part that is shown, then the loss curve with the moments as handles."""
    course = engine().training_course()
    part = str(PART.check())
    chosen = course.steps.index(int(MOMENT.check(course.steps, default=course.steps[-1])))
    most = max(1, min(LONGEST, policy.tokens_each(len(course.moments), LONGEST)))
    MOMENT_TOKENS.check(range(1, most + 1), default=min(AT_FIRST, most))
    MOMENT_SETTING.check()
    MOMENT_SEED.check()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        PART.draw()
        MOMENT.draw()
    draw: dict[str, Callable[[Choice, Course, int], None]] = {
        "text": _text,
        "attention": _attention,
        "embeddings": _embeddings,
        "surprise": _surprise,
    }
    draw[part](choice, course, chosen)
    _curve(course, chosen)
    _open(choice, course, chosen)


def _text(choice: Choice, course: Course, chosen: int) -> None:
    length, seed = int(MOMENT_TOKENS.value), int(MOMENT_SEED.value)
    line = Line.parse(str(MOMENT_SETTING.value))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        MOMENT_SETTING.draw()
        MOMENT_TOKENS.draw()
        MOMENT_SEED.draw()
    with st.spinner(f"{len(course.moments)} moments continue the text"):
        found = engine().moments_written(choice.text, line, length=length, seed=seed)
    _shown(
        "moments-written",
        written.rows(course.moments, found, chosen),
        written.said(course.moments, found, chosen),
        lambda: written.table(course.moments, found),
        partial(recipes.moments_written, choice.text, line, length, seed),
        "One prompt, written by every moment",
        course,
    )


def _attention(choice: Choice, course: Course, chosen: int) -> None:
    names, best = _heads(course, choice.text)
    MOMENT_HEAD.check(names, default=best)
    MOMENT_HEAD.draw()
    layer, head = (int(one) - 1 for one in str(MOMENT_HEAD.value).split("."))
    with st.spinner(f"{len(course.moments)} moments read the text"):
        found = engine().moments_attention(choice.text, layer, head)
    name = f"Head {layer + 1}.{head + 1}"
    _shown(
        "moments-attention",
        maps.grown(course.moments, found, chosen, name),
        maps.said(course.moments, found, chosen, name),
        lambda: maps.table(found, chosen),
        partial(recipes.moments_attention, choice.text, layer, head, chosen),
        f"{name} through the training",
        course,
    )


def _embeddings(choice: Choice, course: Course, chosen: int) -> None:
    words = tuple(str(WORDS.check()).split())
    WORDS.draw()
    found = engine().moments_places(words)
    left = [word for word in dict.fromkeys(words) if word not in found.words]
    if left:
        st.caption(plain(f"Left out, as they are not one token each: {', '.join(left[:12])}."))
    _shown(
        "moments-embeddings",
        plane.plane(course.moments, found, chosen),
        plane.said(course.moments, found, chosen),
        lambda: plane.table(course.moments, found),
        partial(recipes.moments_places, words),
        "Token embeddings through the training",
        course,
    )


def _surprise(choice: Choice, course: Course, chosen: int) -> None:
    with st.spinner(f"{len(course.moments)} moments read the text"):
        found = engine().moments_surprise(choice.text)
    _shown(
        "moments-surprise",
        heat.heat(course.moments, found, chosen),
        heat.said(course.moments, found, chosen),
        lambda: heat.table(course.moments, found),
        partial(recipes.moments_surprise, choice.text),
        "Surprise of each moment",
        course,
    )


def _curve(course: Course, chosen: int) -> None:
    chance = math.log(engine().card(course.moments[-1].model).vocabulary)
    _shown(
        "moments-curve",
        curve.curve(course, chosen, chance),
        curve.said(course, chosen),
        lambda: curve.table(course),
        partial(recipes.training_curve),
        "Loss of the training",
        course,
    )


def _shown(
    name: str,
    svg: str,
    words: str,
    table: Callable[[], dict[str, Any]],
    python: partial[str],
    title: str,
    course: Course,
) -> None:
    """A picture with its sentence, files and table; a click on a moment chooses it."""
    picture(svg, key=name, alt=words, on_lock=partial(_choose, course.steps))
    with st.container(key=f"{name}-said"):
        st.caption(plain(words))
    share_menu(name, python=python, svg=svg, data=table, title=title)
    read_aloud(name, table)


def _choose(steps: tuple[int, ...], ids: str | None) -> None:
    for one in (ids or "").split(" "):
        if one[:1] == "m" and one[1:].isdecimal() and int(one[1:]) < len(steps):
            st.session_state[MOMENT.key] = steps[int(one[1:])]


def _heads(course: Course, text: str) -> tuple[tuple[str, ...], str]:
    """Every head of the model, and the one that stands out at the end of the training."""
    last = course.moments[-1].model
    stack = engine().stack(last, "decoder")
    names = tuple(f"{k + 1}.{h + 1}" for k in range(stack.layers) for h in range(stack.heads))
    best = engine().most_notable_head(Reading(last, text), "decoder", stack.layers)
    return names, names[0] if best is None else f"{best.layer + 1}.{best.head + 1}"


def _open(choice: Choice, course: Course, chosen: int) -> None:
    """The chosen moment as a model of any page."""
    one = course.moments[chosen]
    st.caption(
        plain(f"{written.step(one).capitalize()} is a model like any other ({one.model}). Open it:")
    )
    with st.container(horizontal=True, gap="small"):
        for title in OPENS_ON:
            st.page_link(
                FILES[title],
                label=title,
                query_params={"model": one.model, "text": choice.text[:2000]},
                icon=":material/open_in_new:",
            )
