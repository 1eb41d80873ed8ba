"""What a step may point at: the author chooses from what its page's picture can outline.

In: a step's page and text. Out: highlights as files write them, up to four of them chosen.
"""

from __future__ import annotations

import streamlit as st

from engine.decoding.sampling import BY_NAME
from engine.errors import EngineError
from engine.learn import drafts
from engine.learn.asking import Asked
from engine.learn.drafts import DraftStep
from engine.learn.highlights import HEADS
from engine.learn.words import words_of
from engine.values import Tokens
from pages.shell.cache import engine
from pages.shell.controls import Control
from pages.shell.lesson.own import shelf
from pages.shell.lesson.own.checking import of_page

MOST = 4
WORDS = 40  # of a text that are offered
OF_WORDS = {
    "Tokenization": ("word",),
    "Attention": ("row", "column", "cell"),
    "Translation": ("word",),
}
"""Pages whose pictures outline words, and as what."""
NAMES = {
    "word": "“{}”",
    "row": "what “{}” attends to",
    "column": "what attends to “{}”",
    "cell": "the strongest cell of “{}”",
    "head": "head: {}",
    "token": "next token “{}”",
    "written": "“{}” in the translation",
    "control": "control: {}",
}
FIXED = {"cell:max": "the strongest cell", "token:top": "the likeliest next token"}


def highlights(name: str, at: int, step: DraftStep) -> None:
    """Draw the choice."""
    offered = options(step)
    listed = list(dict.fromkeys((*offered, *step.highlights)))
    controls = of_page(step.page)
    key = f"own-point-{name}-{at}-{shelf.own().stamp}"

    def changed() -> None:
        chosen = tuple(st.session_state[key][:MOST])
        draft = shelf.own().drafts[name]
        shelf.keep(name, drafts.changed(draft, at, highlights=chosen), typed=True)

    st.multiselect(
        "Point at",
        listed,
        list(step.highlights[:MOST]),
        key=key,
        max_selections=MOST,
        format_func=lambda one: said(one, controls),
        placeholder="Nothing",
        help="What the picture outlines while this step is open; at most four.",
        on_change=changed,
    )


def options(step: DraftStep) -> list[str]:
    """What can be pointed at on the step's page, in its text."""
    found: list[str] = []
    if step.page == "Decoding":
        found.append("token:top")
    if step.page == "Attention":
        found += ["cell:max", *(f"head:{one}" for one in HEADS)]
    words = _words(step)
    found += [f"{means}:{word}" for means in OF_WORDS.get(step.page, ()) for word in words]
    controls = of_page(step.page)
    own = [key for key in controls if key in step.state]
    filters = list(BY_NAME) if step.page == "Decoding" else []
    return found + [f"control:{key}" for key in dict.fromkeys((*own, *filters, *controls))]


def said(highlight: str, controls: dict[str, Control]) -> str:
    """A highlight in words.

    >>> said("row:it", {}), said("cell:max", {})
    ('what “it” attends to', 'the strongest cell')
    """
    means, _, which = highlight.partition(":")
    if means == "control":
        known = controls.get(which) or BY_NAME.get(which)
        which = known.label if known else which
    return FIXED.get(highlight) or NAMES.get(means, "{}").format(which)


def _words(step: DraftStep) -> list[str]:
    at = Asked(engine(), str(step.state["model"]), str(step.state["text"]))
    try:
        tokens: Tokens = at.engine.tokens(at.reading)
    except EngineError:
        return []
    names = (one.name for one in words_of(tokens) if not tokens.special[one.tokens[0]])
    return list(dict.fromkeys(names))[:WORDS]
