"""Values of the address: read and checked before widgets exist, kept, and written again.

A value that a link gets wrong (layer 99, temperature=abc) is put right and said in one sentence,
which stays until that value is changed. Controls are widgets bound to the address by Streamlit
(`key=..., bind="query-params"`); `checked` looks at their value first. What has no widget (a
lock in a picture) is kept by `selection` and `select`. The text is in the address up to
`TEXT_IN_LINK` characters; a longer one stays in the session, where `text_of` may name it
(`links.opening`).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.shell.state import Listed, state

T = TypeVar("T")
FILLING = 2.0  # seconds
TEXT_IN_LINK = 2000  # characters; a longer text would make a link that programs cut or refuse
TEXT_OF_HISTORY = 20_000  # characters taken of a field, where Back leads to it
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:$^&\"'])")


def plain(text: str, limit: int = 600) -> str:
    """A text as Streamlit's Markdown shows it unchanged: nothing in it is obeyed.

    >>> plain("layer **9**")
    'layer \\\\*\\\\*9\\\\*\\\\*'
    """
    flat = " ".join(text.split())
    flat = flat if len(flat) <= limit else flat[: limit - 1] + "…"
    return _PUNCTUATION.sub(r"\\\1", flat)


def checked(
    key: str,
    legal: range | tuple[float, float] | Sequence[Any],
    *,
    default: Any = None,
    name: str | None = None,
    because: str | None = None,
    shown: Callable[[Any], str] = str,
) -> Any:
    """Check the value of the widget `key` before it is drawn; return the value it will have.

    `legal` is a `range` of whole numbers, a tuple of two floats (lowest, highest), or a sequence
    of options; `shown` is the widget's `format_func`, as links carry what is shown. An illegal
    value, from a link or left over from another model, is replaced by the nearest legal number
    or by `default` (the first option, if None), and a link's is said: "`name` 99: `because`;
    showing `name` 6." The default must be the widget's own. Repeated options (multiselect): see
    `checked_many`.
    """
    here = state()
    fallback = _first(legal) if default is None else default
    here.listed[key] = Listed(_as_text(fallback, shown), shown, fallback)
    given = fresh(key)
    if given is None and key in st.session_state:
        value = st.session_state[key]
        right = _nearest(value, legal, fallback)
        if right != value:
            st.session_state[key] = right
        known(key, _as_text(right, shown))
        return right
    if not given:
        if key not in st.session_state and default is not None:
            st.session_state[key] = default
        return fallback
    raw, label = given[-1], name or key
    value, problem = _parsed(raw, legal, fallback, shown)
    if problem.startswith("it "):
        tell(
            key, f"{label} {raw[:40]}: {because or problem}; showing {label} {shown(value)}.", value
        )
    elif problem:
        tell(key, f"{label}={raw[:40]} {problem}; showing {shown(value)}.", value)
    st.session_state[key] = value
    return value


def checked_many(
    key: str,
    legal: Sequence[Any],
    *,
    default: Sequence[Any] = (),
    name: str | None = None,
    shown: Callable[[Any], str] = str,
) -> list[Any]:
    """`checked` for a widget of several options (multiselect, pills): returns the legal ones."""
    here = state()
    here.listed[key] = Listed(_as_text(default, shown), shown)
    given = fresh(key)
    if given is None and key in st.session_state:
        kept = [option for option in st.session_state[key] or () if option in legal]
        if kept != list(st.session_state[key] or ()):
            st.session_state[key] = kept
        known(key, _as_text(kept, shown))
        return kept
    if given is None:
        return list(default)
    options = {shown(option): option for option in legal}
    kept = [options[text] for text in given if text in options]
    strange = [text for text in given if text and text not in options]
    if strange:
        tell(key, f"{name or key} {strange[0][:40]} is not offered here; it is left out.", kept)
    st.session_state[key] = kept
    return kept


def typed(key: str, default: str = "") -> None:
    """Let the copied link carry a text field of a page; any text is legal in it."""
    state().listed[key] = Listed(default, str)


def selection(
    key: str, legal: Sequence[str] | Callable[[str], bool], *, name: str = ""
) -> str | None:
    """What is locked under a key (`select` writes it); None where nothing is or it is not legal.

    `legal` lists the ids that exist in the current data or says whether one does. It is read
    from the address first and written back to it, so that links carry it.
    """
    here = state()
    here.listed[key] = Listed("", str)
    given = fresh(key)
    if given:
        here.values[key] = given[-1][:200] or None
    value = here.values.get(key) or None
    if value is not None:
        fits = legal(value) if callable(legal) else value in legal
        if not fits:
            if given:
                tell(
                    key,
                    f"{name or key} {value[:40]} does not exist here; nothing is selected.",
                    None,
                )
            here.values[key] = value = None
    put(key, value)
    return value


def kept(
    key: str, read: Callable[[str], T], write: Callable[[T], str] = str, *, name: str = ""
) -> T | None:
    """A value without a widget, kept as it is: it is text in the address alone.

    `read` raises `ValueError` where a link makes no sense: that is said, and the value left out.
    """
    here = state()
    here.listed[key] = Listed("", write)
    given = fresh(key)
    if given:
        here.values[key] = None
        try:
            here.values[key] = read(given[-1][:200]) if given[-1] else None
        except ValueError as error:
            tell(key, f"{name or key}: {error}; it is left out.", None)
    value = here.values.get(key)
    put(key, None if value is None else write(value))
    return value


def keep(key: str, value: object) -> None:
    """Keep a value that `kept` reads; None forgets it. For callbacks."""
    state().values[key] = value


def select(key: str, value: str | None) -> None:
    """Keep what was locked; call it in a callback (`on_lock`)."""
    state().values[key] = value[:200] if value else None


def fresh(key: str) -> list[str] | None:
    """The address's values of a key that were not seen before on this page, else None.

    What a lesson's step asks for (`State.asked`) counts as such.

    Streamlit does not refresh them on the server while a page stays open, so a value that was
    seen says nothing about now.
    """
    here = state()
    if key in here.asked:
        here.seen[key] = here.written[key] = here.asked.pop(key)
        return list(here.seen[key])
    values = st.query_params.get_all(key)
    if not values or here.seen.get(key) == values:
        return None
    here.seen[key] = values
    return None if here.written.get(key) == values else values


def fresh_of_old(key: str, keys: Sequence[str], formerly: Mapping[str, str]) -> None:
    """Bring an old link's key and words up to date before they are read."""
    for old in keys:
        given = st.query_params.get_all(old)
        if given and not st.query_params.get_all(key):
            st.query_params[key] = given
        if given:
            take_out(old)
    given = st.query_params.get_all(key)
    now = [formerly.get(text, text) for text in given]
    if now != given:
        st.query_params[key] = now


def adopt_history(query: Mapping[str, Sequence[str]]) -> None:
    """Take the address that Back or Forward led to for what is wanted, also what it lacks.

    Values without a widget would be written back else; those with one would keep what they have.
    """
    here = state()
    for key in list(here.values):
        given = query.get(key)
        here.values[key] = given[-1][:200] or None if given else None
        here.seen.pop(key, None)
        if given:
            here.seen[key] = list(given)
    for key, listed in (here.known | here.listed).items():
        here.written.pop(key, None)
        if key in here.values:
            continue
        # A text may have been written by an act of the page, as the order of examples: the browser
        # has no field that would bring it back.
        text = listed.shown is str and isinstance(st.session_state.get(key), str)
        if key in query:
            if text:
                st.session_state[key] = query[key][-1][:TEXT_OF_HISTORY]
        elif listed.value is not None or text:  # defaults are left out of addresses
            st.session_state[key] = listed.default if listed.value is None else listed.value
    if "text" in query and here.touched and query["text"][-1] != here.text:
        set_text(query["text"][-1])


def adopt_text(default: str, limit: int) -> None:
    """Settle the text of this run before its widget exists: link, then session, then default."""
    here = state()
    asked = st.query_params.get("text")
    if asked is not None and asked != here.url_text:
        here.text, here.touched, here.url_text = asked[:limit], True, asked
    elif not here.touched:
        here.text = default
    # Each page draws a new box. Later runs leave it alone, as somebody may be typing, but for the
    # first moments: a run that follows at once would undo the filling before the browser saw it.
    if here.turned or st.session_state.get("text") != here.text:
        here.filled = time.monotonic()
    if time.monotonic() - here.filled < FILLING:
        st.session_state["text"] = here.text
    in_link = here.touched and len(here.text) <= TEXT_IN_LINK
    put("text", here.text if in_link else None)
    here.url_text = here.text if in_link else None


def text_typed(limit: int) -> None:
    """The text box's callback."""
    here = state()
    here.text, here.touched = st.session_state["text"][:limit], True
    if here.text != st.session_state["text"]:
        st.session_state["text"] = here.text


def set_text(text: str) -> None:
    """Make this the text of all pages (in a callback)."""
    here = state()
    here.text, here.touched, here.filled = text, True, time.monotonic()
    st.session_state["text"] = text


def show_notes() -> None:
    """Draw the sentences that still hold on this page."""
    here = state()
    for key, note in list(here.notes.items()):
        value = here.values.get(key) if key in here.values else st.session_state.get(key)
        if note.page != here.page or value != note.value:
            del here.notes[key]
        else:
            _draw(note.sentence)


def link_values() -> tuple[dict[str, str | list[str]], dict[str, str | list[str]]]:
    """All values that a link of this page carries as text, and their defaults."""
    here = state()
    values: dict[str, str | list[str]] = {}
    if "model" in st.session_state:
        values["model"] = str(st.session_state["model"])
    if len(here.text) <= TEXT_IN_LINK:
        values["text"] = here.text
    elif here.stored is not None and here.stored[1] == here.text:
        values["text_of"] = here.stored[0]
    for key, listed in here.listed.items():
        value = here.values.get(key) if key in here.values else st.session_state.get(key)
        written = listed.default if value is None else _as_text(value, listed.shown)
        if written != "" or listed.default != "":
            values[key] = written
    return values, {key: listed.default for key, listed in here.listed.items()}


def _as_text(value: Any, shown: Callable[[Any], str] = str) -> str | list[str]:
    """A value as Streamlit writes it into the address."""
    if isinstance(value, list | tuple):
        return [shown(part) for part in value]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return shown(value)


def known(key: str, written: str | list[str]) -> None:
    """Streamlit writes what code chose into the address: that is no link's wish when it comes back.

    Else a value set in a callback would be set again after it was changed.
    """
    state().written[key] = written if isinstance(written, list) else [written]


def _first(legal: range | tuple[float, float] | Sequence[Any]) -> Any:
    return legal[0]


def _is_interval(legal: object) -> bool:
    return isinstance(legal, tuple) and len(legal) == 2 and any(isinstance(e, float) for e in legal)


def _nearest(value: Any, legal: Any, fallback: Any) -> Any:
    if isinstance(legal, range) or _is_interval(legal):
        low, high = (legal[0], legal[-1])
        if isinstance(value, bool) or not isinstance(value, int | float):
            return fallback
        return min(max(value, low), high) if math.isfinite(value) else fallback
    return value if value in legal else fallback


def _parsed(raw: str, legal: Any, fallback: Any, shown: Callable[[Any], str]) -> tuple[Any, str]:
    """A link's value and what is wrong with it ("" where nothing is)."""
    if isinstance(legal, range) or _is_interval(legal):
        whole = isinstance(legal, range)
        try:
            value = int(raw) if whole else float(raw)
        except ValueError:
            return fallback, f"is not a {'whole ' if whole else ''}number"
        right = _nearest(value, legal, fallback)
        return right, "" if right == value else f"it goes from {legal[0]} to {legal[-1]} here"
    for option in legal:
        if shown(option) == raw:
            return option, ""
    names = ", ".join(shown(option) for option in legal[:6])
    return fallback, f"is none of {names}{', …' if len(legal) > 6 else ''}"


def tell(key: str, sentence: str, value: Any, *, carried: bool = False) -> None:
    """Show a sentence about a link's value, and keep it while `key` has this value.

    A value left in the address by the page before is put right without a word; not so one that was
    chosen here (`carried`), for another model or text.
    """
    if key in state().carried and not carried:
        return
    state().note(key, sentence, value)
    place = state().notes_place
    if place is not None:
        with place:
            _draw(sentence)


def _draw(sentence: str) -> None:
    st.warning(plain(sentence), icon=":material/link:")


def take_out(key: str) -> None:
    """Remove a value from the address, if it is there.

    A widget that was bound to it and is drawn no more may still hold it, where the run that would
    have let it go was cut short: Streamlit then takes it out itself, at the end of this run.
    """
    with suppress(StreamlitAPIException):
        if key in st.query_params:
            del st.query_params[key]


def put(key: str, value: str | None) -> None:
    """Bring the address in line with a value that has no bound widget."""
    if value is None:
        take_out(key)
    elif st.query_params.get(key) != value:
        with suppress(StreamlitAPIException):  # as above; the next run writes it
            st.query_params[key] = value
    here = state()
    if value is None:
        here.seen.pop(key, None)
    else:
        here.seen[key] = [value]
