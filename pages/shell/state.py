"""What a session remembers beside its widgets: one object under the session key `atlas`.

It holds choices (texts, names, numbers), never arrays. Widgets forget their values when a page
does not draw them; what must cross pages stands here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_KNOWN = "_atlas_state"


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


class Pointing(Protocol):
    """What a lesson points at on its page."""

    def __call__(self, svg: str) -> str:
        """A picture with it drawn in."""
        ...

    @property
    def controls(self) -> Collection[str]:
        """The keys of the controls that it points at."""
        ...

    def ids(self) -> Mapping[str, str]:
        """What the page's pictures call it, each with the name of what it means."""
        ...


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
    models: tuple[str, ...] = ()  # those that this page can show
    seen: dict[str, list[str]] = field(default_factory=dict)  # address values already dealt with
    asked: dict[str, list[str]] = field(default_factory=dict)  # wanted as by a link, not read yet
    written: dict[str, list[str]] = field(default_factory=dict)  # what Streamlit may write there
    notes: dict[str, Note] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)  # locks and other values without a widget
    listed: dict[str, Listed] = field(default_factory=dict)  # this run's link values
    known: dict[str, Listed] = field(default_factory=dict)  # those of all runs of this page
    controls: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # legal, default, by key
    carried: set[str] = field(default_factory=set)  # keys of the page before
    stored: tuple[str, str] | None = None  # the id of a short link that holds this text
    from_link: frozenset[str] = frozenset()  # keys of a short link, until this page has seen them
    made: tuple[str, Any] | None = None  # the short link made last: its id and what it stores
    made_problem: str = ""  # why none was
    depth: int = 0  # how many `sentences()` blocks are open
    notes_place: Any = None
    link_place: Any = None
    lesson_place: Any = None
    author_place: Any = None
    class_place: Any = None
    wants_terms: bool = False  # the page's captions are still to be dotted
    pointing: Pointing | None = None  # a lesson's highlights, drawn into a picture
    pictured: Callable[[str, str], None] | None = None  # keeps a picture for a lesson's paper
    share_place: Any = None
    pictures: tuple[str, ...] = ()  # keys of those of the view that is shown
    bare: Callable[[Sequence[str]], None] | None = None  # hides all but these pictures of a page

    def turn_to(self, page: str) -> None:
        """Begin a run of a page."""
        # A run that the next act cut short has listed half of them: Back needs the others too.
        self.known.update(self.listed)
        self.turned = page != self.page
        if self.turned:
            # The address keeps values of the page before: no link asked for them here.
            self.carried = set(self.known) if self.page else set()
            self.known.clear()
            self.page = page
            self.seen.clear()
            self.written.clear()
        self.listed = {}
        self.depth = 0
        self.link_place = None
        self.lesson_place = self.class_place = self.author_place = None
        self.pointing = None
        self.pictured = None
        self.pictures = ()
        self.bare = None
        self.wants_terms = True

    def note(self, key: str, sentence: str, value: Any) -> None:
        """Keep a sentence on this page's screen for as long as `key` has this value."""
        self.notes[key] = Note(self.page, sentence, value)


def pointed(svg: str) -> str:
    """A picture with what the lesson points at in it; the same one where there is no lesson."""
    point = state().pointing
    return svg if point is None else point(svg)


def pointed_ids() -> Mapping[str, str]:
    """What the lesson points at, for pictures that are no SVG: `{"t3": "word:bank"}`."""
    point = state().pointing
    return {} if point is None else point.ids()


def state() -> State:
    """This session's memory."""
    # A run asks for it a hundred times, and a look into the session costs 20 us.
    run = get_script_run_ctx(suppress_warning=True)
    known = getattr(run, _KNOWN, None)
    if known is not None:
        return known
    if "atlas" not in st.session_state:
        st.session_state["atlas"] = State()
    found = st.session_state["atlas"]
    if run is not None:
        setattr(run, _KNOWN, found)
    return found
