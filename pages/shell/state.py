"""What a session remembers beside its widgets: one object under the session key `atlas`.

It holds choices (texts, names, numbers), never arrays. Widgets forget their values when a page
does not draw them; what must cross pages stands here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st


@dataclass
class Note:
    """A sentence about a link's value; it goes away when the value shown is changed."""

    page: str
    sentence: str
    value: Any


@dataclass
class Listed:
    """A value that links carry: how it is written, and its default as written."""

    default: str | list[str]
    shown: Callable[[Any], str]
    value: Any = None  # the default itself, where a widget has it


@dataclass
class State:
    """One session's memory; see `link` for who writes what."""

    viewer: str = field(default_factory=lambda: uuid.uuid4().hex)  # who looks on, for jobs
    key: str = ""  # the host's key, as typed on Home
    page: str = ""
    turned: bool = True  # this run is the first of this page
    text: str = ""
    touched: bool = False  # the text is somebody's own: kept across pages, written into links
    url_text: str | None = None  # the text last seen in, or written to, the address
    filled: float = float("-inf")  # when we last put a text into the box, in monotonic seconds
    model: str = ""  # the model last chosen by the person or a link
    seen: dict[str, list[str]] = field(default_factory=dict)  # address values already dealt with
    written: dict[str, list[str]] = field(default_factory=dict)  # what Streamlit may write there
    notes: dict[str, Note] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)  # locks and other values without a widget
    listed: dict[str, Listed] = field(default_factory=dict)  # this run's link values
    controls: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # legal, default, by key
    carried: set[str] = field(default_factory=set)  # keys of the page before
    stored: tuple[str, str] | None = None  # the id of a short link that holds this text
    from_link: frozenset[str] = frozenset()  # keys of a short link, until this page has seen them
    made: tuple[str, Any] | None = None  # the short link made last: its id and what it stores
    made_problem: str = ""  # why none was
    depth: int = 0  # how many `sentences()` blocks are open
    notes_place: Any = None
    link_place: Any = None
    share_place: Any = None

    def turn_to(self, page: str) -> None:
        """Begin a run of a page."""
        self.turned = page != self.page
        if self.turned:
            # The address keeps values of the page before: no link asked for them here.
            self.carried = set(self.listed) if self.page else set()
            self.page = page
            self.seen.clear()
            self.written.clear()
        self.listed = {}
        self.depth = 0
        self.link_place = None

    def note(self, key: str, sentence: str, value: Any) -> None:
        """Keep a sentence on this page's screen for as long as `key` has this value."""
        self.notes[key] = Note(self.page, sentence, value)


def state() -> State:
    """This session's memory."""
    if "atlas" not in st.session_state:
        st.session_state["atlas"] = State()
    return st.session_state["atlas"]
