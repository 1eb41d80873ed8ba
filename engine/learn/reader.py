"""Lesson files read strictly: a wrong one is refused with the line and the reason.

    lesson = read("1.4", path.read_text())        # `LessonError` says "line 12: ..."

Nothing in a file runs: it is TOML, its questions name live answers of `engine.learn.answers`, its
texts have the markup of `engine.learn.markup`. Everything is bounded. The schema is described in
`docs/lessons.md`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

from engine.errors import EngineError
from engine.learn import markup
from engine.learn.answers import ANSWERS
from engine.learn.lessons import Choice, Form, Lesson, Question, Source, Step
from engine.learn.markup import Span

FOLDER = Path(__file__).parents[2] / "assets" / "lessons"
LARGEST = 64_000  # bytes of a file
STEPS = (2, 12)
WORDS = 70  # of a step's text
ASKED = 40  # words of a question or an explanation
LONGEST = {"title": 80, "can_say": 200, "state": 2000, "choice": 120, "unit": 20, "argument": 80}
_ID = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}")
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9./_#?=&%~-]*)?")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class LessonError(EngineError):
    """A lesson file is wrong; the sentence says in which line, and why."""


@cache
def shipped(language: str = "en") -> Mapping[str, Lesson]:
    """The lessons that come with the app, by id, in the order of the course."""
    found = [
        read(path.stem, path.read_text("utf-8")) for path in (FOLDER / language).glob("*.toml")
    ]
    return {lesson.id: lesson for lesson in sorted(found, key=lambda one: one.order)}


def read(lesson_id: str, text: str) -> Lesson:
    """Read one file. Raises `LessonError`."""
    if not _ID.fullmatch(lesson_id):
        raise LessonError(
            "line 1: a lesson's file is named by chapter and number, such as 1.4.toml."
        )
    if len(text.encode()) > LARGEST:
        raise LessonError(f"line 1: the file is larger than {LARGEST:,} bytes.")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        raise LessonError(f"line {found[1] if found else 1}: {error}.") from None
    return _File(text).lesson(lesson_id, data)


class _File:
    """One file while it is read: knows the line that a key stands in."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.step = 0  # from 1; 0 is what stands before the steps
        self.question = False

    def refuse(self, key: str, reason: str) -> LessonError:
        """What is wrong with a key of the step that is being read."""
        return LessonError(f"line {self.line(key)}: {reason}.")

    def line(self, key: str) -> int:
        """Where a key stands; the header of its step where it does not."""
        at, number, asked = 1, 0, False
        for place, line in enumerate(self.lines, 1):
            bare = line.strip()
            if bare == "[[step]]":
                number, asked = number + 1, False
            asked = asked or bare == "[step.question]"
            if number == self.step and asked == self.question:
                if bare.startswith("["):
                    at = place
                if re.match(rf"{re.escape(key)}\s*=", bare):
                    return place
        return at

    def lesson(self, lesson_id: str, data: Mapping[str, Any]) -> Lesson:
        self.known(data, {"title", "minutes", "can_say", "step"})
        title = self.words(data, "title", LONGEST["title"])
        can_say = self.words(data, "can_say", LONGEST["can_say"])
        minutes = data.get("minutes")
        if type(minutes) is not int or not 1 <= minutes <= 30:
            raise self.refuse("minutes", "`minutes` is a whole number from 1 to 30")
        steps = data.get("step")
        low, high = STEPS
        if not isinstance(steps, list) or not low <= len(steps) <= high:
            raise self.refuse("step", f"a lesson has {low} to {high} steps, each a [[step]]")
        read_steps = []
        for number, one in enumerate(steps, 1):
            self.step, self.question = number, False
            read_steps.append(self.one_step(one))
        return Lesson(lesson_id, title, minutes, can_say, tuple(read_steps))

    def one_step(self, data: Any) -> Step:
        if not isinstance(data, dict):
            raise self.refuse("step", "a step is written as [[step]]")
        self.known(data, {"page", "state", "text", "question", "sources"})
        page = self.words(data, "page", 40)
        state = data.get("state")
        if not isinstance(state, dict) or not {"model", "text"} <= set(state) or len(state) > 20:
            raise self.refuse("state", "`state` names model, text, and at most 18 further values")
        for key, value in state.items():
            if not _KEY.fullmatch(key) or not isinstance(value, str):
                raise self.refuse("state", f"`{key[:30]}` in `state` is not a word of a link")
            if len(value) > LONGEST["state"] or _CONTROL.search(value):
                raise self.refuse("state", f"`{key}` is too long or has control characters")
        text = self.marked(data, "text", WORDS)
        sources = tuple(self.source(one) for one in self.listed(data, "sources", 4))
        question = None
        if "question" in data:
            self.question = True
            question = self.one_question(data["question"])
        return Step(page, dict(state), text, question, sources)

    def one_question(self, data: Any) -> Question:
        if not isinstance(data, dict):
            raise self.refuse("question", "a question is written as [step.question]")
        own = {"ask", "form", "answer", "with", "choices", "reveal", "unit"}
        numbers = {"tolerance", "relative", "low", "high"}
        self.known(data, own | numbers)
        form = data.get("form", "choice")
        if form not in get_args(Form):
            raise self.refuse("form", f"`form` is one of {', '.join(get_args(Form))}")
        name = self.words(data, "answer", 40)
        if name not in ANSWERS:
            raise self.refuse("answer", f"there is no live answer `{name}`")
        given = data.get("with", {})
        if not isinstance(given, dict):
            raise self.refuse("with", '`with` is a table such as { word = "bank" }')
        problem = ANSWERS[name].problem(given)
        if problem or any(
            isinstance(one, str) and len(one) > LONGEST["argument"] for one in given.values()
        ):
            raise self.refuse("with", problem or "an argument is too long")
        found = {key: self.number(data, key) for key in numbers}
        if form == "estimate" and not found["low"] < found["high"]:
            raise self.refuse("low", "an estimate needs `low` and `high`")
        choices = tuple(self.choice(one) for one in self.listed(data, "choices", 6))
        if choices and (form != "choice" or len(choices) < 2):
            raise self.refuse("choices", "two to six choices, and only with the form choice")
        return Question(
            ask=self.marked(data, "ask", ASKED),
            form=form,
            answer=name,
            given=dict(given),
            choices=choices,
            unit=self.words(data, "unit", LONGEST["unit"]) if "unit" in data else "",
            reveal=self.marked(data, "reveal", ASKED) if "reveal" in data else (),
            **found,
        )

    def choice(self, data: Any) -> Choice:
        if not isinstance(data, dict):
            raise self.refuse("choices", "a choice is a table with text and value")
        self.known(data, {"text", "value", "low", "high", "because"}, "choices")
        value, high = data.get("value", data.get("low")), data.get("high")
        if ("low" in data) != ("high" in data) or ("value" in data) == ("low" in data):
            raise self.refuse("choices", "a choice has a `value`, or `low` and `high`")
        if high is not None and not (_is_number(high) and _is_number(value) and value <= high):
            raise self.refuse("choices", "`low` and `high` are numbers, the lower one first")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.refuse("choices", "the `value` of a choice is a word or a number")
        because = self.marked(data, "because", ASKED, "choices") if "because" in data else ()
        text = self.words(data, "text", LONGEST["choice"], "choices")
        right = value if isinstance(value, str) else float(value)
        return Choice(text, right, because, None if high is None else float(high))

    def source(self, data: Any) -> Source:
        if not isinstance(data, dict):
            raise self.refuse("sources", "a source is a table with name and link")
        self.known(data, {"name", "link"}, "sources")
        link = self.words(data, "link", 200, "sources")
        if not _LINK.fullmatch(link):
            raise self.refuse("sources", "`link` is an address that begins with https://")
        return Source(self.words(data, "name", 120, "sources"), link)

    def known(self, data: Mapping[str, Any], keys: Iterable[str], at: str = "") -> None:
        for key in data:
            if key not in keys:
                raise self.refuse(at or key, f"`{key[:30]}` is not a key that belongs here")

    def words(self, data: Mapping[str, Any], key: str, longest: int, at: str = "") -> str:
        value = data.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(at or key, f"`{key}` is missing")
        if len(value) > longest or _CONTROL.search(value):
            raise self.refuse(at or key, f"`{key}` has over {longest} or control characters")
        return value.strip()

    def marked(
        self, data: Mapping[str, Any], key: str, most: int, at: str = ""
    ) -> tuple[Span, ...]:
        value = " ".join(self.words(data, key, 12 * most, at).split())
        if markup.words(value) > most:
            raise self.refuse(
                at or key,
                f"`{key}` has {markup.words(value)} words; at most {most} may stand there",
            )
        return self.tried(lambda: markup.spans(value), at or key, key)

    def tried(self, read_it: Callable[[], tuple[Span, ...]], at: str, key: str) -> tuple[Span, ...]:
        try:
            return read_it()
        except ValueError as error:
            raise self.refuse(at, f"in `{key}` {error}") from None

    def listed(self, data: Mapping[str, Any], key: str, most: int) -> list[Any]:
        value = data.get(key, [])
        if not isinstance(value, list) or len(value) > most:
            raise self.refuse(key, f"`{key}` is a list of at most {most}")
        return value

    def number(self, data: Mapping[str, Any], key: str) -> float:
        value = data.get(key, 0.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
            raise self.refuse(key, f"`{key}` is a number")
        return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
