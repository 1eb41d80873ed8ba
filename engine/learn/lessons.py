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
Means = Literal["word", "row", "column", "cell", "head", "token", "written", "control"]
OWN = 9
"""The chapter of lessons that people wrote: it stands after those of the course."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: its text, what makes it right, and why it is wrong where it is.

    A `value` is right where it is the answer itself; with `high` the answer lies from `value` to
    `high`; with `about` the answer is near `value`, and no other such choice is nearer.
    """

    text: str
    value: str | float
    because: tuple[Span, ...] = ()
    high: float | None = None
    about: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the live answer that it is graded against.

    A `choice` without `choices` offers the answer's own candidates. `tolerance` is how far an
    estimate or a measured number may be off, `relative` the same as a share of the right one; the
    larger of both holds, and a count is exact. An `estimate` is made between `low` and `high`.
    `reveal`, and what a choice says in its `because`, speak of the lesson's own text and model.
    With `guess_first` the page's pictures show the answer, and are covered until one has guessed.
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
    guess_first: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure is from: its name, and its address for whoever clicks."""

    name: str
    link: str


@dataclass(frozen=True, slots=True)
class Highlight:
    """What is pointed at: a kind of thing, and which one."""

    means: Means
    name: str

    def __str__(self) -> str:
        """As lesson files write it.

        >>> str(Highlight("word", "bank"))
        'word:bank'
        """
        return f"{self.means}:{self.name}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the page, its state as in a link (model and text included), text, question.

    A control of several values has a tuple of them in `state`. `highlights` are what the step
    points at in the page's pictures.
    """

    page: str
    state: Mapping[str, str | tuple[str, ...]]
    text: tuple[Span, ...]
    question: Question | None = None
    sources: tuple[Source, ...] = ()
    highlights: tuple[Highlight, ...] = ()

    @property
    def model(self) -> str:
        """The model of the step."""
        return str(self.state["model"])

    @property
    def sentence(self) -> str:
        """The text that the page reads."""
        return str(self.state["text"])


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson: `can_say` is what one can say afterwards."""

    id: str
    title: str
    minutes: int
    can_say: str
    steps: tuple[Step, ...]

    @property
    def in_course(self) -> bool:
        """Whether its id is that of a lesson of the course, `3.1`, and not one of people's own."""
        return self.id[:1].isdigit()

    @property
    def called(self) -> str:
        """What it is called before its title."""
        return f"Lesson {self.id}" if self.in_course else "Own lesson"

    @property
    def chapter(self) -> int:
        """The chapter it belongs to, the number before the point."""
        return self.order[0]

    @property
    def order(self) -> tuple[int, int]:
        """Its place in the course; people's own come after it."""
        if not self.in_course:
            return OWN, 0
        chapter, _, number = self.id.partition(".")
        return int(chapter), int(number)
