"""A masked language model on the Decoding page: its prediction for a gap, with the same bars."""

from __future__ import annotations

import re

import streamlit as st

from engine.decoding.continuation import Task
from engine.errors import NotOffered
from engine.values import Reading
from pages.decoding import continuations
from pages.decoding.controls import GAP
from pages.decoding.plan import Plan, Spot, place, sampled
from pages.shell.cache import engine
from pages.shell.frame import Choice, plain, selection


def decoding_gap(choice: Choice) -> tuple[Plan, Spot]:
    """Find the gaps of the text, let one be chosen, and return what the model says there."""
    mask = choice.card.mask
    if mask is None:
        raise NotOffered(
            f"{choice.card.title} has no mask token, so it cannot predict a masked word."
        )
    text, name = choice.text, engine().piece(choice.model, mask)
    cut = engine().tokens(Reading(choice.model, text))
    if mask not in cut.ids:
        text = _masked(text, name)
        cut = engine().tokens(Reading(choice.model, text))
        st.info(
            plain(f"The text has no {name}, so its last word is masked here: {text}"),
            icon=":material/content_cut:",
        )
    gaps = [spot for spot, token_id in enumerate(cut.ids.tolist()) if token_id == mask]
    gap = GAP.check(range(1, len(gaps) + 1))
    if len(gaps) > 1:
        GAP.draw()
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
    lines, _ = continuations.read()
    where = selection("at", lambda at: place(at, len(lines)) is not None)
    # A model's guesses are told by its distribution: greedy would strike all but one.
    column, _ = place(where, len(lines)) or (sampled(lines, 0), None)
    task = Task(choice.model, tuple(cut.ids.tolist()))
    reading = Reading(choice.model, text)
    plan = Plan(task, text, lines, column, None, False, reading=reading)
    return plan, spot


def _masked(text: str, name: str) -> str:
    """The text with its last word masked."""
    words = list(re.finditer(r"\w+", text))
    if not words:
        raise NotOffered(f"There is no word to mask. Write {name} where one is missing.")
    return text[: words[-1].start()] + name + text[words[-1].end() :]
