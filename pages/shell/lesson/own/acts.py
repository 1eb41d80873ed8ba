"""What an author does, as callbacks: add a view, go to a step, move, delete, try, open a copy.

A refusal is kept in `Own.said` and shown where the act was done; nothing is lost by one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from engine.errors import EngineError
from engine.learn import drafts
from engine.learn.drafts import Draft, draft_of
from engine.learn.lessons import Lesson
from engine.learn.reader import LessonError
from pages.shell.lesson import course
from pages.shell.lesson.own import shelf
from pages.shell.lesson.own.shelf import own
from pages.shell.lesson.own.view import view

P = ParamSpec("P")
FIELDS = {
    "title": "the title",
    "can_say": "what one can say afterwards",
    "text": "the text",
    "ask": "what is asked",
    "because": "why a choice is wrong",
    "reveal": "what is said when the answer is known",
}


def act(work: Callable[P, None]) -> Callable[P, None]:
    """A callback whose refusal is kept as a sentence."""

    @wraps(work)
    def done(*given: P.args, **named: P.kwargs) -> None:
        own().said = ""
        try:
            work(*given, **named)
        except EngineError as error:
            own().said = error.reason if isinstance(error, LessonError) else str(error)

    return done


@act
def add_view(name: str = "", at: int | None = None) -> None:
    """Add what the page shows to a lesson, a new one where none is named, and open its step."""
    step = view()
    name = name if name in own().drafts else shelf.begin()
    draft = drafts.added(own().drafts[name], step, at)
    shelf.keep(name, draft)
    course.leave()
    own().editing = (name, len(draft.steps) - 1 if at is None else at)


@act
def take_view(name: str, at: int) -> None:
    """Let a step show what the page shows now; its words stay."""
    step = view()
    shelf.keep(name, drafts.changed(own().drafts[name], at, page=step.page, state=step.state))


@act
def begin() -> None:
    """A new lesson without steps, open beside the pages."""
    own().editing = (shelf.begin(), 0)


@act
def edit(name: str, at: int = 0) -> None:
    """Open a lesson beside the pages, at a step, whose view is shown."""
    draft = own().drafts[name]
    at = max(0, min(at, len(draft.steps) - 1))
    own().editing = (name, at)
    if draft.steps:
        course.show(draft.steps[at].page, draft.steps[at].state)
    else:
        course.leave()


@act
def edit_copy(lesson: Lesson) -> None:
    """Make a lesson of somebody else's one's own, and open it."""
    name = shelf.begin(draft_of(lesson))
    edit(name)


@act
def move(name: str, at: int, to: int) -> None:
    """Move a step; the panel goes with it."""
    draft = own().drafts[name]
    shelf.keep(name, drafts.moved(draft, at, to))
    own().editing = (name, max(0, min(to, len(draft.steps) - 1)))


@act
def remove(name: str, at: int) -> None:
    """Delete a step and show the one before."""
    draft = drafts.without(own().drafts[name], at)
    shelf.keep(name, draft)
    own().editing = (name, max(0, at - 1))
    if draft.steps:
        step = draft.steps[max(0, at - 1)]
        course.show(step.page, step.state)


@act
def undo() -> None:
    """Take the last change back."""
    shelf.undo()


@act
def attempt(name: str, at: int = 0) -> None:
    """Play a lesson as its readers will, from a step on."""
    lesson = shelf.lesson(name, own().drafts[name])
    course.open_step(lesson, at + 1, own_text=False)


@act
def drop(name: str) -> None:
    """Delete a lesson."""
    shelf.drop(name)


def close() -> None:
    """Put the lesson away; it is kept."""
    own().editing = None
    own().said = ""


def missing(name: str, draft: Draft) -> str:
    """What a lesson lacks before it can be played, "" where it is whole."""
    try:
        shelf.lesson(name, draft)
    except LessonError as error:
        where = f"Step {error.step}: " if error.step else ""
        return f"{where}{_in_words(error.reason)}"
    return ""


def _in_words(reason: str) -> str:
    """A reason with what the author's fields are called instead of the file's keys."""
    for key, label in FIELDS.items():
        reason = reason.replace(f"`{key}`", label)
    return reason
