"""Every lesson that can be opened here, by its id.

    3.1                    a lesson of the course
    school-week-3-f309     a file of ATLAS_LESSONS
    own-0f3a5c77           written in this browser
    link-xuoacbzhtp        stored under a short link, for whoever has it

The kinds cannot take each other's ids. `find` may ask the store of links: what it refuses is an
`EngineError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import streamlit as st

from engine.errors import BadLink
from engine.learn.folder import Shelf, school
from engine.learn.lessons import Lesson
from engine.learn.reader import LessonError, read, shipped
from engine.links.store import links
from pages.shell.lesson.own import shelf
from pages.shell.lesson.own.checking import check

SHARED, SCHOOL, OWN = "link-", "school-", "own-"
LINKS = "lesson-links"  # session key: ids of shared lessons that were opened in this visit
MOST = 20
UNREADABLE = "This shared lesson cannot be opened here: {why}"


def find(name: str) -> Lesson | None:
    """The lesson of an id; None where there is none. Raises `EngineError` for a link's trouble."""
    if name.startswith(SHARED):
        found = _shared(name)
        _note(found)
        return found
    if name.startswith(SCHOOL):
        return schools().lessons.get(name)
    if name.startswith(OWN):
        return shelf.find(name)
    return shipped().get(name)


def schools() -> Shelf:
    """What a school's folder has, and what is wrong in it."""
    return school(check)


def opened() -> Iterable[Lesson]:
    """The shared lessons that were opened in this visit."""
    return st.session_state.get(LINKS, {}).values()


def known() -> Mapping[str, Lesson]:
    """Every lesson that is here without a link being looked up."""
    own = {name: one for name in shelf.own().drafts if (one := shelf.find(name)) is not None}
    shared = {one.id: one for one in opened()}
    return {**shipped(), **schools().lessons, **own, **shared}


def is_waited_for(name: str) -> bool:
    """Whether the browser may still have a lesson that is not here."""
    own = shelf.own()
    return bool(shelf.ID.fullmatch(name)) and name not in own.drafts and not own.told


def _shared(name: str) -> Lesson:
    try:
        return _of_link(name)
    except LessonError as error:
        raise BadLink(UNREADABLE.format(why=error)) from None


@lru_cache(maxsize=256)
def _of_link(name: str) -> Lesson:
    """Read once: what an id of the store holds never changes."""
    found = links().get(name.removeprefix(SHARED))
    if found is None or not found.state.lesson:
        raise BadLink(f"The shared lesson {name[:40]} is not known here.")
    return read(name, found.state.lesson, check=check)


def _note(lesson: Lesson) -> None:
    kept = st.session_state.setdefault(LINKS, {})
    kept.pop(lesson.id, None)
    kept[lesson.id] = lesson
    while len(kept) > MOST:
        del kept[next(iter(kept))]
