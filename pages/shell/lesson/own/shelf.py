"""The lessons that somebody writes in this visit: kept, changed, undone, one of them open.

They stand in the session, under `own-lessons`, and in the browser (`keeper`), which gives them back
to the next visit. Nobody else has them before they are saved or shared. A lesson of them has an id
that begins with `own-`.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from functools import lru_cache

import streamlit as st

from engine.learn.authoring import drafted, whole, written
from engine.learn.drafts import Draft
from engine.learn.lessons import Lesson
from engine.learn.reader import LessonError
from pages.shell.lesson.own.checking import check

KEY = "own-lessons"  # session key
MOST = 20  # lessons of one person
BACK = 100  # changes that can be undone
ID = re.compile(r"own-[0-9a-f]{8}")


@dataclass
class Own:
    """What a session knows of its own lessons.

    `editing` is the lesson that is open beside the pages, and the place of its step. `stamp` counts
    the changes that no field made: fields are drawn anew then.
    """

    drafts: dict[str, Draft] = field(default_factory=dict)
    before: list[tuple[str, Draft | None]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)  # to be kept by the browser, latest last
    gone: list[str] = field(default_factory=list)
    told: bool = False  # the browser has said what it keeps
    unkept: bool = False  # the browser keeps nothing
    editing: tuple[str, int] | None = None
    latest: str = ""  # the lesson that a view was added to last
    stamp: int = 0
    said: str = ""  # why the last act was refused
    shared: dict[str, tuple[str, str]] = field(default_factory=dict)  # link's id and its file


def own() -> Own:
    """This session's own lessons."""
    return st.session_state.setdefault(KEY, Own())


def begin(draft: Draft | None = None) -> str:
    """A new lesson; its id. Raises `LessonError` at the limit."""
    here = own()
    if len(here.drafts) >= MOST:
        raise LessonError(
            f"You have {MOST} own lessons, as many as are kept. Save one as a file and delete it."
        )
    name = f"own-{secrets.token_hex(4)}"
    keep(name, draft or Draft())
    return name


def keep(name: str, draft: Draft, *, typed: bool = False) -> None:
    """Put a draft in the place of the one before; `typed` where its own field shows it already."""
    here = own()
    before = here.drafts.get(name)
    if before == draft:
        return
    _remember(name, before)
    here.drafts[name] = draft
    here.latest = name
    _note(name)
    if not typed:
        here.stamp += 1


def drop(name: str) -> None:
    """Delete a lesson; `undo` brings it back."""
    here = own()
    _remember(name, here.drafts.pop(name, None))
    if here.editing and here.editing[0] == name:
        here.editing = None
    _note(name)
    here.stamp += 1


def undo() -> None:
    """Take the last change back, and go to where it was."""
    here = own()
    if not here.before:
        return
    name, draft = here.before.pop()
    if draft is None:
        here.drafts.pop(name, None)
        if here.editing and here.editing[0] == name:
            here.editing = None
    else:
        here.drafts[name] = draft
        if here.editing and here.editing[0] == name:
            here.editing = (name, min(here.editing[1], max(0, len(draft.steps) - 1)))
    _note(name)
    here.stamp += 1


def given_back(kept: list[tuple[str, str]]) -> None:
    """What the browser kept, as far as it makes sense and is not here already."""
    here = own()
    here.told = True
    for name, text in kept[:MOST]:
        if not ID.fullmatch(name) or name in here.drafts or name in here.gone:
            continue
        try:
            here.drafts[name] = drafted(text)
        except LessonError:
            continue


def find(name: str) -> Lesson | None:
    """One of these lessons, where it is whole; None where it is not, or not here."""
    draft = own().drafts.get(name)
    try:
        return lesson(name, draft) if draft is not None else None
    except LessonError:
        return None


def lesson(name: str, draft: Draft) -> Lesson:
    """The lesson of a draft. Raises `LessonError`: what is missing, and in which step."""
    return _read(name, draft)


@lru_cache(maxsize=128)
def _read_text(name: str, text: str) -> Lesson:
    return whole(name, drafted(text), check)


def _read(name: str, draft: Draft) -> Lesson:
    return _read_text(name, written(draft))


def _remember(name: str, before: Draft | None) -> None:
    here = own()
    here.before.append((name, before))
    del here.before[:-BACK]


def _note(name: str) -> None:
    """What the browser is to do at the next run that draws its keeper."""
    here = own()
    for listed in (here.changed, here.gone):
        if name in listed:
            listed.remove(name)
    (here.changed if name in here.drafts else here.gone).append(name)
    del here.gone[:-BACK]
