"""What somebody answered, graded against a live answer: right or not, and why, in one sentence.

In: a question, its live answer, what was chosen or typed. Out: a `Verdict`. Grading forgives case,
spaces around a word and the mark of a leading space. What was typed is bounded and never read as
markup. What cannot be graded yet (a number that is none, an order that is not whole) is no answer:
the verdict asks again.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.learn.answers import ANSWERS, Answer, Asked, NoQuestion
from engine.learn.lessons import Choice, Question, Step
from engine.learn.markup import Span, filled
from engine.learn.words import plain_word

LONGEST = 200  # characters of an answer that are looked at
MOST = 4  # candidates offered
NEAR = 1.5
"""How many times as large as an “about” choice the answer may be, and the other way round."""
LARGE = 1e12  # beyond it "by how much" says nothing
_NUMBER = re.compile(r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?)\s*(?:%|[a-z]{1,20})?")


@dataclass(frozen=True, slots=True)
class Posed:
    """A question as it is put for one model and text: what is offered and what is right.

    `own` says that these are the lesson's own: only then does it hold what the lesson's words say.
    """

    question: Question
    asked: Asked
    answer: Answer
    own: bool
    choices: tuple[Choice, ...]  # of a choice or an order, as they are offered
    right: int  # the right one's place among them, -1 where there are none


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer is right, and the sentence about it; `again`: it was no answer yet."""

    right: bool
    sentence: tuple[Span, ...]
    again: bool = False


def pose(step: Step, asked: Asked) -> Posed:
    """Put a step's question for a model and a text.

    Raises `NoQuestion` where it has no single answer, `ValueError` where the step asks nothing.
    """
    question = step.question
    if question is None:
        raise ValueError("this step has no question")
    answer = ANSWERS[question.answer](asked, **question.given)
    own = (step.model, step.sentence) == (asked.model, asked.text)
    if question.form == "order":
        return Posed(question, asked, answer, own, _candidates(answer, asked.text), -1)
    if question.form != "choice":
        if question.form != "word" and isinstance(answer.value, str):
            raise NoQuestion(f"Here the answer is no number: {answer.shown}.")
        return Posed(question, asked, answer, own, (), -1)
    choices = question.choices or _candidates(answer, asked.text)
    return Posed(question, asked, answer, own, choices, right_place(choices, answer))


def grade(posed: Posed, given: str | float | Sequence[str]) -> Verdict:
    """Grade an answer: a choice's text, a word, a number, or names in an order."""
    match posed.question.form:
        case "choice":
            return _graded_choice(posed, str(given))
        case "word":
            return _graded_word(posed, str(given)[:LONGEST])
        case "order":
            names = list(given) if isinstance(given, list | tuple) else [given]
            return _graded_order(posed, [str(name)[:LONGEST] for name in names[:8]])
        case _:
            return _graded_number(posed, given)


def because(posed: Posed) -> tuple[Span, ...]:
    """Why the right answer is right, with the numbers it was read from."""
    return (Span(posed.answer.because),)


def revealed(posed: Posed) -> tuple[Span, ...]:
    """What the lesson says when the answer is known, of its own text and model alone."""
    return _filled(posed.question.reveal, posed, "") or () if posed.own else ()


def right_text(posed: Posed) -> str:
    """The right answer in words."""
    if posed.right >= 0:
        return posed.choices[posed.right].text
    if posed.question.form == "order":
        return ", ".join(one.name for one in posed.answer.candidates[:MOST])
    return posed.answer.shown


def _candidates(answer: Answer, text: str) -> tuple[Choice, ...]:
    """The answer's best candidates, in an order that says nothing and stays for a text."""
    best = answer.candidates[:MOST]
    if len(best) < 2:
        raise NoQuestion("This text leaves only one thing to choose.")

    def place(name: str) -> bytes:
        return hashlib.blake2b(f"{name}|{text}".encode(), digest_size=8).digest()

    return tuple(Choice(one.name, one.name) for one in sorted(best, key=lambda c: place(c.name)))


def right_place(choices: Sequence[Choice], answer: Answer) -> int:
    """The place of the right choice: the answer itself, its range, or the nearest estimate.

    Raises `NoQuestion` where none of them is right, or two are.
    """
    numbers = [one.value if isinstance(one.value, float) else math.nan for one in choices]
    if isinstance(answer.value, str):
        wanted = plain_word(answer.value)
        for place, one in enumerate(choices):
            if isinstance(one.value, str) and plain_word(one.value) == wanted:
                return place
        raise NoQuestion(f"The answer for this text, “{answer.shown}”, is not among the choices.")
    value = float(answer.value)
    for place, (one, number) in enumerate(zip(choices, numbers, strict=True)):
        if number <= value <= one.high if one.high is not None else _same(number, value, one):
            return place
    far = [
        abs(math.log(value / number)) if one.about and value > 0 else math.inf
        for one, number in zip(choices, numbers, strict=True)
    ]
    nearest = min(far)
    if nearest > math.log(NEAR):
        raise NoQuestion(f"The answer for this text is {answer.shown}: no choice says that.")
    if sum(one <= nearest + 1e-9 for one in far) > 1:
        raise NoQuestion(f"The answer for this text is {answer.shown}, between two choices.")
    return far.index(nearest)


def _same(number: float, value: float, one: Choice) -> bool:
    return not one.about and math.isclose(number, value, rel_tol=1e-9)


def _graded_choice(posed: Posed, given: str) -> Verdict:
    place = next((i for i, one in enumerate(posed.choices) if one.text == given), -1)
    if place == posed.right:
        return Verdict(True, because(posed))
    if place < 0:
        return Verdict(False, (Span("That is none of the choices."),), again=True)
    chosen = posed.choices[place]
    mine = _mine(posed.answer, str(chosen.value))
    told = chosen.because if posed.own else ()
    own = _filled(told, posed, mine, chosen.text) if told else None
    return Verdict(False, own or _plain_reason(posed, chosen.text, mine))


def _graded_word(posed: Posed, given: str) -> Verdict:
    if not plain_word(given):
        return Verdict(False, (Span("Type a word first."),), again=True)
    if plain_word(given) == plain_word(str(posed.answer.value)):
        return Verdict(True, because(posed))
    return Verdict(False, _plain_reason(posed, given[:40], _mine(posed.answer, given)))


def _graded_number(posed: Posed, given: object) -> Verdict:
    number = number_of(str(given)[:LONGEST])
    if number is None:
        return Verdict(False, (Span("Type a number, such as 12."),), again=True)
    right = float(posed.answer.value)
    allowed = max(posed.question.tolerance, posed.question.relative * abs(right), 1e-9)
    if abs(number - right) <= allowed:
        return Verdict(True, because(posed))
    where = "too low" if number < right else "too high"
    off = abs(number - right)
    if off > LARGE:
        return Verdict(False, (Span(f"That is far {where}."),))
    far = f"{off:,.0f}" if off >= 10 or off.is_integer() else f"{off:.2g}"
    unit = _unit(posed).removesuffix("s") if far == "1" else _unit(posed)
    return Verdict(False, (Span(f"{number:,.10g} is {where}, by {far}{unit}."),))


def number_of(text: str) -> float | None:
    """A number as people type it: `1,674`, `40 %`, `3 tokens`; None where it is none.

    >>> [number_of(text) for text in (" 1,674 ", "40 %", "3 tokens", "1,5", "many")]
    [1674.0, 40.0, 3.0, None, None]
    """
    found = _NUMBER.fullmatch(text.strip().casefold())
    try:
        number = float(found[1].replace(",", "")) if found else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _graded_order(posed: Posed, given: list[str]) -> Verdict:
    right = [one.name for one in posed.answer.candidates[:MOST]]
    if given == right:
        told = ", ".join(f"“{one.name}” {one.shown}" for one in posed.answer.candidates[:MOST])
        return Verdict(True, (Span(f"{told}."),))
    if sorted(given) != sorted(right):
        left = len(right) - len(set(given) & set(right))
        told = f"Put all {len(right)} in order: {left} more to choose."
        return Verdict(False, (Span(told),), again=True)
    wrong = next(i for i, (a, b) in enumerate(zip(given, right, strict=True)) if a != b)
    mine = _mine(posed.answer, given[wrong])
    return Verdict(
        False, (Span(f"“{given[wrong]}” has {mine}: that is not number {wrong + 1} of them."),)
    )


def _unit(posed: Posed) -> str:
    return f" {posed.question.unit}" if posed.question.unit else ""


def _mine(answer: Answer, value: str) -> str:
    """The number of what was chosen, "" where it was no candidate."""
    wanted = plain_word(value)
    return next((one.shown for one in answer.candidates if plain_word(one.name) == wanted), "")


def _plain_reason(posed: Posed, chosen: str, mine: str) -> tuple[Span, ...]:
    """Why something is wrong where the lesson has no words of its own."""
    best = posed.answer.facts.get("best", "")
    if mine and best:
        return (Span(f"“{chosen}” has {mine}; the right answer has {best}."),)
    if best:
        return (Span(f"“{chosen}” is not among the first here; the right answer has {best}."),)
    return (Span(f"Not “{chosen}”. Look at the picture once more."),)


def _filled(
    text: tuple[Span, ...], posed: Posed, mine: str, chosen: str = ""
) -> tuple[Span, ...] | None:
    """A lesson's sentence with the numbers in it, None where this text lacks one of them."""
    facts = {"right": right_text(posed), "answer": posed.answer.shown} | dict(posed.answer.facts)
    facts |= {name: value for name, value in (("mine", mine), ("chosen", chosen)) if value}
    try:
        return filled(text, facts)
    except KeyError:
        return None
