"""What a person changed of a translation: source words, a forced or typed beginning; and Undo.

In: clicks and typed texts. Out: the session's and the link's `swap`, `begin` and `forced`. The
functions but `swaps` are for callbacks. Knows nothing of models.
"""

from __future__ import annotations

import streamlit as st

from pages.shell.address import select, selection
from pages.shell.state import state
from pages.translation import swaps as words
from pages.translation.swaps import Swap

UNDO = "translation-undo"
TURN = "translation-turn"
KEYS = ("swap", "begin", "forced")
DEEP = 30  # changes that can be taken back


def swaps(text: str) -> tuple[str, tuple[Swap, ...], tuple[tuple[str, str], ...]]:
    """The text with the link's or session's words replaced, the swaps, (old, new) of each."""

    def legal(value: str) -> bool:
        try:
            words.swapped(text, words.parse(value))
        except ValueError:
            return False
        return True

    given = words.parse(selection("swap", legal, name="Replaced words") or "")
    new, pairs = words.swapped(text, given)
    return new, given, pairs


def change(**values: str | None) -> None:
    """Set some of `swap`, `begin` and `forced`, and remember how it was."""
    past = st.session_state.setdefault(UNDO, [])
    past.append({key: state().values.get(key) for key in KEYS})
    del past[:-DEEP]
    for key, value in values.items():
        select(key, value)
    st.session_state[TURN] = True


def undo() -> None:
    """Take the last change back; one that came with a link is taken back whole."""
    past = st.session_state.get(UNDO) or [dict.fromkeys(KEYS)]
    for key, value in past.pop().items():
        select(key, value)
    st.session_state[TURN] = True


def clear() -> None:
    """Go back to the sentence as it is and the model's own beginning."""
    change(**dict.fromkeys(KEYS))


def any_made() -> bool:
    """Whether a word was replaced or a beginning given."""
    return any(state().values.get(key) for key in KEYS)


def turned() -> bool:
    """Whether something changed since the last call: a fragment must run the page then."""
    return bool(st.session_state.pop(TURN, False))
