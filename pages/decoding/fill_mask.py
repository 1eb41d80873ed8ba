"""A masked model on the Decoding page: it fills a gap, with the same bars and sliders."""

from __future__ import annotations

import re

import streamlit as st

from engine.decoding.continuation import Line
from engine.decoding.writing import Task
from engine.errors import NotOffered
from engine.values import Reading
from pages.decoding.plan import MOST, START, Plan, Spot, place
from pages.shell.cache import engine
from pages.shell.frame import Choice, checked, plain, selection


def decoding_gap(choice: Choice) -> tuple[Plan, Spot]:
    """Find the gaps of the text, let one be chosen, and return what the model says there."""
    mask = choice.card.mask
    if mask is None or not choice.card.predicts:
        raise NotOffered(f"{choice.card.title} has no mask token, so it cannot fill a gap.")
    text, name = choice.text, engine().piece(choice.model, mask)
    cut = engine().tokens(Reading(choice.model, text))
    if mask not in cut.ids:
        text = _masked(text, name)
        cut = engine().tokens(Reading(choice.model, text))
        st.info(
            plain(f"There is no {name} in the text, so its last word is taken out here: {text}"),
            icon=":material/content_cut:",
        )
    gaps = [spot for spot, token_id in enumerate(cut.ids.tolist()) if token_id == mask]
    gap = checked("gap", range(1, len(gaps) + 1), default=1, name="Gap")
    if len(gaps) > 1:
        st.segmented_control(
            "Gap",
            range(1, len(gaps) + 1),
            default=1,
            key="gap",
            bind="query-params",
            required=True,
        )
    at = gaps[gap - 1]
    start, stop = cut.spans[at].tolist()
    spot = Spot(
        logits=engine().logits(Reading(choice.model, text), (at,)).logits[0],
        ids=tuple(cut.ids[:at].tolist()),
        start=at,
        before=text[:start],
        behind=text[stop:],
        gap=True,
    )
    lines = _lines()
    where = selection("at", lambda at: place(at, len(lines)) is not None)
    column, _ = place(where, len(lines)) or (0, None)
    task = Task(choice.model, tuple(cut.ids.tolist()))
    reading = Reading(choice.model, text)
    plan = Plan(task, text, lines, column, None, False, reading=reading)
    return plan, spot


def _masked(text: str, name: str) -> str:
    """The text with its last word taken out."""
    words = list(re.finditer(r"\w+", text))
    if not words:
        raise NotOffered(f"There is no word to take out. Write {name} where one is missing.")
    return text[: words[-1].start()] + name + text[words[-1].end() :]


def _lines() -> tuple[Line, ...]:
    """The columns of the page, of which one's setting is used here."""
    texts = [selection(f"c{number + 1}", _is_line) for number in range(MOST)]
    return tuple(Line.parse(text) for text in texts if text) or tuple(map(Line.parse, START))


def _is_line(text: str) -> bool:
    try:
        return bool(Line.parse(text))
    except ValueError:
        return False
