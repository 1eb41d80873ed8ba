"""A lesson while somebody writes it: values that may lack anything, and what is done with them.

In: steps as a page shows them, texts as they were typed. Out: a new `Draft`; none is ever changed.
A draft becomes a lesson by being written as a file and read (`engine.learn.authoring`), so that
what an author tries is what a file holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.learn import markup
from engine.learn.lessons import Choice, Form, Lesson, Question, Source, Step
from engine.learn.reader import LONGEST, STEPS, LessonError, state_problem
from engine.values import FrozenDict

TYPED = 2000  # characters of a text while it is written; how many words may stand there is said
MOST = STEPS[1]


@dataclass(frozen=True, slots=True)
class DraftChoice:
    """A choice as in `Choice`, its reason as it was typed."""

    text: str = ""
    value: str | float = ""
    because: str = ""
    high: float | None = None
    about: bool = False


@dataclass(frozen=True, slots=True)
class DraftQuestion:
    """A question as in `Question`, its texts as they were typed."""

    answer: str
    given: Mapping[str, Any] = field(default_factory=FrozenDict)
    form: Form = "choice"
    ask: str = ""
    choices: tuple[DraftChoice, ...] = ()
    tolerance: float = 0.0
    relative: float = 0.0
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    reveal: str = ""
    guess_first: bool = False


@dataclass(frozen=True, slots=True)
class DraftStep:
    """A step: page and state as a link has them, the rest as it was typed."""

    page: str
    state: Mapping[str, str | tuple[str, ...]]
    text: str = ""
    question: DraftQuestion | None = None
    sources: tuple[Source, ...] = ()
    highlights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A lesson that is being written."""

    title: str = ""
    minutes: int = 5
    can_say: str = ""
    steps: tuple[DraftStep, ...] = ()

    @property
    def named(self) -> str:
        """Its title, or what stands for one."""
        return self.title.strip()[: LONGEST["title"]] or "Untitled lesson"


def step_of(page: str, state: Mapping[str, str | tuple[str, ...]]) -> DraftStep:
    """A new step of what a page shows. Raises `LessonError` for what no step can carry."""
    text = state.get("text", "")
    if len(text) > LONGEST["state"]:
        raise LessonError(
            f"The text has {len(text):,} characters; a step of a lesson carries "
            f"{LONGEST['state']:,}. Shorten it."
        )
    wrong = state_problem(state)
    if wrong:
        raise LessonError(f"This view cannot be a step: {wrong}.")
    return DraftStep(page, FrozenDict(dict(state)))


def added(draft: Draft, step: DraftStep, at: int | None = None) -> Draft:
    """With one more step, at a place from 0 or at the end. Raises `LessonError` at the limit."""
    if len(draft.steps) >= MOST:
        raise LessonError(f"A lesson has at most {MOST} steps, and this one has them.")
    place = len(draft.steps) if at is None else max(0, min(at, len(draft.steps)))
    return replace(draft, steps=(*draft.steps[:place], step, *draft.steps[place:]))


def changed(draft: Draft, at: int, **parts: Any) -> Draft:
    """With other parts of the step at a place (from 0)."""
    steps = list(draft.steps)
    steps[at] = replace(steps[at], **parts)
    return replace(draft, steps=tuple(steps))


def moved(draft: Draft, at: int, to: int) -> Draft:
    """With the step at a place moved to another; beyond the ends it stays at the end."""
    steps = list(draft.steps)
    step = steps.pop(at)
    steps.insert(max(0, min(to, len(steps))), step)
    return replace(draft, steps=tuple(steps))


def without(draft: Draft, at: int) -> Draft:
    """Without the step at a place."""
    return replace(draft, steps=(*draft.steps[:at], *draft.steps[at + 1 :]))


def as_choice(one: DraftChoice) -> Choice:
    """A choice as it is graded, its reason left out."""
    return Choice(one.text, one.value, (), one.high, one.about)


def draft_of(lesson: Lesson) -> Draft:
    """A lesson as somebody would have typed it."""
    steps = tuple(map(_step, lesson.steps))
    return Draft(lesson.title, lesson.minutes, lesson.can_say, steps)


def _step(step: Step) -> DraftStep:
    return DraftStep(
        step.page,
        FrozenDict(dict(step.state)),
        markup.typed(step.text),
        None if step.question is None else _question(step.question),
        step.sources,
        tuple(map(str, step.highlights)),
    )


def _question(question: Question) -> DraftQuestion:
    return DraftQuestion(
        answer=question.answer,
        given=FrozenDict(dict(question.given)),
        form=question.form,
        ask=markup.typed(question.ask),
        choices=tuple(map(_choice, question.choices)),
        tolerance=question.tolerance,
        relative=question.relative,
        low=question.low,
        high=question.high,
        unit=question.unit,
        reveal=markup.typed(question.reveal),
        guess_first=question.guess_first,
    )


def _choice(choice: Choice) -> DraftChoice:
    because = markup.typed(choice.because)
    return DraftChoice(choice.text, choice.value, because, choice.high, choice.about)
