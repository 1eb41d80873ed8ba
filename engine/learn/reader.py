"""Lesson files read strictly: a wrong one is refused with the line and the reason.

    lesson = read("1.4", path.read_text())        # `LessonError` says "line 12: ..."

Nothing in a file runs: it is TOML, its questions name live answers of `engine.learn.answers`, its
texts have the markup of `engine.learn.markup`. Everything is bounded. The schema is described in
`docs/lessons.md`. Which pages and controls there are is not known here: who knows gives a `check`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard, cast, get_args

from engine.errors import EngineError
from engine.learn import highlights, markup
from engine.learn.answers import ANSWERS
from engine.learn.lessons import Choice, Form, Highlight, Lesson, Means, Question, Source, Step
from engine.learn.markup import Span

FOLDER = Path(__file__).parents[2] / "assets" / "lessons"
FORMAT = 1  # of a file; one that needs a later version says so
LARGEST = 64_000  # bytes of a file
STEPS = (2, 12)
WORDS = 70  # of a step's text
ASKED = 40  # words of a question or an explanation
LONGEST = {"title": 80, "can_say": 200, "state": 2000, "choice": 120, "unit": 20, "argument": 80}
VALUES = 32  # of one control of a step's state
_ID = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}|(?:own|school|link)-[a-z0-9-]{1,60}")
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9./_#?=&%~-]*)?")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


Check = Callable[[Step], tuple[str, str] | None]
"""What a step says that cannot be shown: the key and the reason, None where all of it can."""


class LessonError(EngineError):
    """A lesson file is wrong; the sentence says in which line, and why.

    `step` is the step's number from 1, 0 where it is not about one.
    """

    def __init__(self, sentence: str, step: int = 0) -> None:
        """Say so."""
        super().__init__(sentence)
        self.step = step

    @property
    def reason(self) -> str:
        """The sentence without its line."""
        return re.sub(r"^line \d+: ", "", str(self))


@cache
def shipped(language: str = "en") -> Mapping[str, Lesson]:
    """The lessons that come with the app, by id, in the order of the course."""
    found = [
        read(path.stem, path.read_text("utf-8")) for path in (FOLDER / language).glob("*.toml")
    ]
    return {lesson.id: lesson for lesson in sorted(found, key=lambda one: one.order)}


def decoded(raw: bytes) -> str:
    """A file's bytes as text. Raises `LessonError` where they are too many or no UTF-8."""
    if len(raw) > LARGEST:
        raise LessonError(f"line 1: the file is larger than {LARGEST:,} bytes.")
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LessonError(f"line {line}: the file is no text in UTF-8.") from None


def read(lesson_id: str, text: str, *, check: Check | None = None) -> Lesson:
    """Read one file; `check` says of each step whether it can be shown. Raises `LessonError`."""
    if not _ID.fullmatch(lesson_id):
        raise LessonError(
            "line 1: a lesson's file is named by chapter and number, such as 1.4.toml."
        )
    if len(text.encode(errors="replace")) > LARGEST:
        raise LessonError(f"line 1: the file is larger than {LARGEST:,} bytes.")
    return _File(text, check).lesson(lesson_id, parsed(text))


def parsed(text: str) -> dict[str, Any]:
    """A file as TOML gives it. Raises `LessonError` where it is none, or of a later form."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        raise LessonError(f"line {found[1] if found else 1}: {error}.") from None
    form = data.pop("format", FORMAT)
    if type(form) is not int or form < 1:
        raise LessonError("line 1: `format` is a whole number, 1 where it is left out.")
    if form > FORMAT:
        raise LessonError(
            f"line 1: this lesson was written by a newer Transformer Atlas (lesson format {form}, "
            f"here {FORMAT}). Update this one to open it."
        )
    return data


def state_problem(state: Mapping[str, Any]) -> str:
    """What is wrong with the state of a step, "" where nothing is."""
    if not {"model", "text"} <= set(state) or len(state) > 20:
        return "`state` names model, text, and at most 18 further values"
    for key, value in state.items():
        many = isinstance(value, list | tuple) and key not in ("model", "text")
        given = list(value) if many else [value]
        values = [one for one in given if isinstance(one, str)]
        if not _KEY.fullmatch(key) or len(values) < len(given):
            return f"`{key[:30]}` in `state` is not a word of a link"
        if len(values) > VALUES or sum(map(len, values)) > LONGEST["state"]:
            return f"`{key}` is too long or has control characters"
        if any(_CONTROL.search(one) for one in values):
            return f"`{key}` is too long or has control characters"
    return ""


class _File:
    """One file while it is read: knows the line that a key stands in."""

    def __init__(self, text: str, check: Check | None = None) -> None:
        self.lines = text.split("\n")  # lines as TOML counts them
        self.check = check
        self.step = 0  # from 1; 0 is what stands before the steps
        self.question = False

    def refuse(self, key: str, reason: str) -> LessonError:
        """What is wrong with a key of the step that is being read."""
        return LessonError(f"line {self.line(key)}: {reason}.", self.step)

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
        self.known(data, {"page", "state", "text", "question", "sources", "highlight"})
        page = self.words(data, "page", 40)
        state = data.get("state")
        wrong = state_problem(state if isinstance(state, dict) else {})
        if not isinstance(state, dict) or wrong:
            raise self.refuse("state", wrong)
        state = {k: tuple(v) if isinstance(v, list) else v for k, v in state.items()}
        text = self.marked(data, "text", WORDS)
        sources = tuple(self.source(one) for one in self.listed(data, "sources", 4))
        pointed = tuple(self.highlight(one) for one in self.listed(data, "highlight", 4))
        question = None
        if "question" in data:
            self.question = True
            question = self.one_question(data["question"])
            self.question = False
        step = Step(page, state, text, question, sources, pointed)
        strange = self.check(step) if self.check else None
        if strange:
            raise self.refuse(*strange)
        return step

    def highlight(self, data: Any) -> Highlight:
        means, colon, name = data.partition(":") if isinstance(data, str) else ("", "", "")
        if (
            not colon
            or not name.strip()
            or len(name) > LONGEST["argument"]
            or _CONTROL.search(name)
        ):
            raise self.refuse("highlight", 'a highlight is written as "word:bank"')
        problem = highlights.problem(means, name)
        if problem:
            raise self.refuse("highlight", problem)
        return Highlight(cast(Means, means), name)

    def one_question(self, data: Any) -> Question:
        if not isinstance(data, dict):
            raise self.refuse("question", "a question is written as [step.question]")
        own = {"ask", "form", "answer", "with", "choices", "reveal", "unit", "guess_first"}
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
        if ANSWERS[name].counts and form != "estimate":
            for key in ("tolerance", "relative"):
                if found[key]:
                    raise self.refuse(key, f"`{name}` counts, and a count is exact: no `{key}`")
        choices = tuple(self.choice(one) for one in self.listed(data, "choices", 6))
        if choices and (form != "choice" or len(choices) < 2):
            raise self.refuse("choices", "two to six choices, and only with the form choice")
        facts = {"right", "answer"} | ANSWERS[name].facts
        for one in choices:
            may = facts | {"chosen"} | ({"mine"} if "best" in facts else set())
            self.named(one.because, may, "choices", "because")
        reveal = self.marked(data, "reveal", ASKED) if "reveal" in data else ()
        self.named(reveal, facts, "reveal", "reveal")
        guess_first = data.get("guess_first", False)
        if not isinstance(guess_first, bool):
            raise self.refuse("guess_first", "`guess_first` is true or false")
        return Question(
            ask=self.marked(data, "ask", ASKED),
            form=form,
            answer=name,
            given=dict(given),
            choices=choices,
            unit=self.words(data, "unit", LONGEST["unit"]) if "unit" in data else "",
            reveal=reveal,
            guess_first=guess_first,
            **found,
        )

    def choice(self, data: Any) -> Choice:
        if not isinstance(data, dict):
            raise self.refuse("choices", "a choice is a table with text and value")
        self.known(data, {"text", "value", "low", "high", "about", "because"}, "choices")
        if sum(key in data for key in ("value", "low", "about")) != 1 or (
            ("low" in data) != ("high" in data)
        ):
            raise self.refuse("choices", "a choice has a `value`, `about`, or `low` and `high`")
        about, high = "about" in data, data.get("high")
        value = data.get("value", data.get("low", data.get("about")))
        if high is not None and not (_is_number(high) and _is_number(value) and value <= high):
            raise self.refuse("choices", "`low` and `high` are numbers, the lower one first")
        if about and not (_is_number(value) and value > 0):
            raise self.refuse("choices", "`about` is a number above 0")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.refuse("choices", "the `value` of a choice is a word or a number")
        because = self.marked(data, "because", ASKED, "choices") if "because" in data else ()
        text = self.words(data, "text", LONGEST["choice"], "choices")
        right = value if isinstance(value, str) else float(value)
        return Choice(text, right, because, None if high is None else float(high), about)

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

    def named(self, text: tuple[Span, ...], may: Iterable[str], at: str, key: str) -> None:
        """Refuse the name of a number that the live answer does not give."""
        for name in sorted(markup.names("".join(span.text for span in text)) - set(may)):
            raise self.refuse(
                at, f"`{key}` names `{{{name}}}`; there are only {', '.join(sorted(may))}"
            )

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


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
