"""A lesson as values: its steps, each a state of a page, a text and perhaps a question.

`reader` makes them of a file. Knows no page: a step's page and state are names and words, which
whoever shows the lesson checks against its own controls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.learn.markup import Span

Form = Literal["choice", "word", "number", "estimate", "order"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: its text, what makes it right, and why it is wrong where it is.

    A word is right where it is the answer, a number where it is the nearest, and a number with
    `high` where the answer lies from `value` to `high`.
    """

    text: str
    value: str | float
    because: tuple[Span, ...] = ()
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the live answer that it is graded against.

    A `choice` without `choices` offers the answer's own candidates. `tolerance` is how far a
    number may be off, `relative` the same as a share of the right one; the larger of both holds.
    An `estimate` is made between `low` and `high`. `reveal` is said when the answer is known, of
    the lesson's own text and model alone.
    """

    ask: tuple[Span, ...]
    form: Form
    answer: str
    given: Mapping[str, Any]
    choices: tuple[Choice, ...] = ()
    tolerance: float = 0.0
    relative: float = 0.0
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    reveal: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure is from: its name, and its address for whoever clicks."""

    name: str
    link: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the page, its state as in a link (model and text included), text, question."""

    page: str
    state: Mapping[str, str]
    text: tuple[Span, ...]
    question: Question | None = None
    sources: tuple[Source, ...] = ()

    @property
    def model(self) -> str:
        """The model of the step."""
        return self.state["model"]

    @property
    def sentence(self) -> str:
        """The text that the page reads."""
        return self.state["text"]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson: `can_say` is what one can say afterwards."""

    id: str
    title: str
    minutes: int
    can_say: str
    steps: tuple[Step, ...]

    @property
    def chapter(self) -> int:
        """The chapter it belongs to, the number before the point."""
        return int(self.id.partition(".")[0])

    @property
    def order(self) -> tuple[int, int]:
        """Its place in the course."""
        chapter, _, number = self.id.partition(".")
        return int(chapter), int(number)
