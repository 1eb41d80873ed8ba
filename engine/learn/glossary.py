"""The glossary: one sentence a term, and the step of a lesson whose picture shows it.

    terms()["softmax"].says
    found("soft")                                # terms that a search finds, best first

Read as strictly as lessons are: a wrong term is refused with its line and the reason. The file is
`assets/glossary/<language>.toml`; its terms stand in the order of the course.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.learn.lessons import Lesson
from engine.learn.reader import LessonError, shipped

FOLDER = Path(__file__).parents[2] / "assets" / "glossary"
LARGEST = 64_000  # bytes of the file
MOST = 200  # terms
WORDS = 24  # of a sentence
LONGEST = {"name": 40, "group": 40, "says": 200}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Term:
    """A term, its other forms, its sentence, and where it is shown (step from 1)."""

    name: str
    also: tuple[str, ...]
    group: str
    says: str
    lesson: str
    step: int

    @property
    def forms(self) -> tuple[str, ...]:
        """Every way it is written."""
        return (self.name, *self.also)


@cache
def terms(language: str = "en") -> Mapping[str, Term]:
    """The shipped terms by name, in their order."""
    text = (FOLDER / f"{language}.toml").read_text("utf-8")
    return {term.name: term for term in read(text, shipped(language))}


def found(search: str, language: str = "en") -> list[Term]:
    """The terms that a search finds: by name first, then by what they say; all where it is empty.

    >>> [term.name for term in found("Soft")][0]
    'softmax'
    """
    wanted = " ".join(search.split()).casefold()[: LONGEST["name"]]
    every = list(terms(language).values())
    if not wanted:
        return every
    named = [t for t in every if any(wanted in form.casefold() for form in t.forms)]
    named.sort(key=lambda t: not any(form.casefold().startswith(wanted) for form in t.forms))
    return named + [t for t in every if t not in named and wanted in t.says.casefold()]


def read(text: str, lessons: Mapping[str, Lesson]) -> tuple[Term, ...]:
    """Read a file. Raises `LessonError`, which says in which line."""
    if len(text.encode()) > LARGEST:
        raise LessonError(f"line 1: the file is larger than {LARGEST:,} bytes.")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = re.search(r"at line (\d+)", str(error))
        raise LessonError(f"line {at[1] if at else 1}: {error}.") from None
    listed = data.get("term")
    if set(data) != {"term"} or not isinstance(listed, list) or not 0 < len(listed) <= MOST:
        raise LessonError(f"line 1: a glossary is 1 to {MOST} terms, each a [[term]].")
    reader = _Reader(text, lessons)
    return tuple(reader.term(number, one) for number, one in enumerate(listed, 1))


class _Reader:
    """One file while it is read: knows the line that a key stands in, and the forms so far."""

    def __init__(self, text: str, lessons: Mapping[str, Lesson]) -> None:
        self.lines = text.splitlines()
        self.lessons = lessons
        self.number = 0
        self.forms: dict[str, str] = {}

    def refuse(self, key: str, reason: str) -> LessonError:
        at, number = 1, 0
        for place, line in enumerate(self.lines, 1):
            if line.strip() == "[[term]]":
                number += 1
                at = place if number == self.number else at
            elif number == self.number and re.match(rf"{re.escape(key)}\s*=", line.strip()):
                at = place
                break
        return LessonError(f"line {at}: {reason}.")

    def term(self, number: int, data: Any) -> Term:
        self.number = number
        if not isinstance(data, dict):
            raise self.refuse("term", "a term is written as [[term]]")
        for key in data:
            if key not in ("name", "also", "group", "says", "lesson", "step"):
                raise self.refuse(key, f"`{key[:30]}` is not a key that belongs here")
        name, group, says = (self.words(data, key) for key in ("name", "group", "says"))
        count = len(says.split())
        if count > WORDS or not re.fullmatch(r"[^.!?]+[.]", says):
            raise self.refuse("says", f"`says` is one sentence of at most {WORDS} words")
        also = data.get("also", [])
        if not isinstance(also, list) or len(also) > 4:
            raise self.refuse("also", "`also` is a list of at most 4 other forms")
        for form in (name, *also):
            self.form(name, form)
        lesson, step = data.get("lesson"), data.get("step")
        if not isinstance(lesson, str) or lesson not in self.lessons:
            raise self.refuse("lesson", f"there is no lesson {str(lesson)[:10]}")
        last = len(self.lessons[lesson].steps)
        if type(step) is not int or not 1 <= step <= last:
            raise self.refuse("step", f"lesson {lesson} has the steps 1 to {last}")
        return Term(name, tuple(also), group, says, lesson, step)

    def form(self, name: str, form: Any) -> None:
        """A form is a word of its own: no other term is written so."""
        if not isinstance(form, str) or not form.strip() or len(form) > LONGEST["name"]:
            raise self.refuse("also", "a form is a word or a few")
        if _CONTROL.search(form):
            raise self.refuse("also", "a form has no control characters")
        plain = form.casefold()
        if plain in self.forms:
            raise self.refuse("name", f"“{form}” is written twice, see “{self.forms[plain]}”")
        self.forms[plain] = name

    def words(self, data: Mapping[str, Any], key: str) -> str:
        value = data.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(key, f"`{key}` is missing")
        if len(value) > LONGEST[key] or _CONTROL.search(value):
            raise self.refuse(key, f"`{key}` has over {LONGEST[key]} or control characters")
        return value.strip()
