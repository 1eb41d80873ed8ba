"""What a person changed of a translation: source words, a forced or typed beginning; and Undo.

In: clicks and typed texts. Out: the session's and the link's `swap`, `begin` and `forced`. The
functions but `swaps` are for callbacks. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.shell.address import select, selection
from pages.shell.state import state
from pages.translation import swaps as words
from pages.translation.swaps import Swap

UNDO = "translation-undo"
TURN = "translation-turn"
STEP = "translation-step"  # session key: the step that is shown
SHOW = "translation-show"  # session key: the step to show next, END for the last one
PLACE = "place"  # session key: the hypothesis that is shown, 1 for the best
PLACE_NEXT = "translation-place"  # session key: the one to show after Undo
END = "end"
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
    before = {key: state().values.get(key) for key in KEYS}
    st.session_state.pop(PLACE_NEXT, None)
    past.append(before | {key: st.session_state.get(key) for key in (STEP, PLACE)})
    del past[:-DEEP]
    _make(values, END)


def undo() -> None:
    """Take the last change back; a link's is taken back whole.

    The step and the hypothesis that it was made at are shown again.
    """
    past = st.session_state.get(UNDO)
    before = past.pop() if past else {}
    st.session_state[PLACE_NEXT] = before.get(PLACE)
    _make({key: before.get(key) for key in KEYS}, before.get(STEP) or END)


def _make(values: Mapping[str, str | None], show: int | str) -> None:
    for key, value in values.items():
        select(key, value)
    select("pick", None)  # one should see all of what came of it
    st.session_state[TURN], st.session_state[SHOW] = True, show


def unforce() -> None:
    """Take back what the beginning is, where that was the last change, or be without one."""
    past, now = st.session_state.get(UNDO), state().values
    if past and any(past[-1][key] != now.get(key) for key in ("begin", "forced")):
        undo()
    else:
        change(begin=None, forced=None)


def clear() -> None:
    """Go back to the sentence as it is and the model's own beginning."""
    change(**dict.fromkeys(KEYS))


def shown_next(last: int) -> str | None:
    """The step to show after a change: what it made is seen at the end; Undo leads back."""
    step = st.session_state.pop(SHOW, None)
    return str(last) if step == END else None if step is None else str(step)


def place_next() -> int:
    """The hypothesis to show of another sentence or search: the best, or the one Undo leads to."""
    return st.session_state.pop(PLACE_NEXT, None) or 1


def any_made() -> bool:
    """Whether a word was replaced or a beginning given."""
    return any(state().values.get(key) for key in KEYS)


def turned() -> bool:
    """Whether something changed since the last call: a fragment must run the page then."""
    return bool(st.session_state.pop(TURN, False))
