"""What somebody answered, graded against a live answer: right or not, and why, in one sentence.

In: a question, its live answer, what was chosen or typed. Out: a `Verdict`. Grading forgives case,
spaces around a word and the mark of a leading space. What was typed is bounded and never read as
markup.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.learn.answers import ANSWERS, Answer, Asked, NoQuestion
from engine.learn.lessons import Choice, Question
from engine.learn.markup import Span, filled
from engine.learn.words import plain_word

LONGEST = 200  # characters of an answer that are looked at
MOST = 4  # candidates offered
NEAR = 2.5
"""How many times as large as the nearest choice the answer may be, and the other way round."""


@dataclass(frozen=True, slots=True)
class Posed:
    """A question as it is put for one model and text: what is offered and what is right."""

    question: Question
    asked: Asked
    answer: Answer
    choices: tuple[Choice, ...]  # of a choice or an order, as they are offered
    right: int  # the right one's place among them, -1 where there are none


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer is right, and the sentence about it."""

    right: bool
    sentence: tuple[Span, ...]


def pose(question: Question, asked: Asked) -> Posed:
    """Put a question for a model and a text. Raises `NoQuestion` where it has no single answer."""
    answer = ANSWERS[question.answer](asked, **question.given)
    if question.form == "order":
        return Posed(question, asked, answer, _candidates(answer, asked.text), -1)
    if question.form != "choice":
        return Posed(question, asked, answer, (), -1)
    choices = question.choices or _candidates(answer, asked.text)
    return Posed(question, asked, answer, choices, _right(choices, answer))


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
    """What the lesson says when the answer is known; empty where it says nothing."""
    return _filled(posed.question.reveal, posed, "") or ()


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


def _right(choices: Sequence[Choice], answer: Answer) -> int:
    """The place of the right choice: the same word, or the nearest number."""
    if isinstance(answer.value, str):
        wanted = plain_word(answer.value)
        for place, one in enumerate(choices):
            if isinstance(one.value, str) and plain_word(one.value) == wanted:
                return place
        raise NoQuestion(f"The answer for this text, “{answer.shown}”, is not among the choices.")
    value = float(answer.value)
    for place, one in enumerate(choices):
        if one.high is not None and isinstance(one.value, float) and one.value <= value <= one.high:
            return place
    if any(one.high is not None for one in choices):
        raise NoQuestion(f"The answer for this text is {answer.shown}: no choice says that.")
    off = [abs(one.value - value) if isinstance(one.value, float) else math.inf for one in choices]
    nearest = min(off)
    if not math.isfinite(nearest) or off.count(nearest) > 1:
        raise NoQuestion(f"The answer for this text is {answer.shown}, between two choices.")
    place = off.index(nearest)
    small, large = sorted((abs(float(choices[place].value)), abs(value)))
    if large > NEAR * small:
        raise NoQuestion(f"The answer for this text is {answer.shown}, far from every choice.")
    return place


def _graded_choice(posed: Posed, given: str) -> Verdict:
    place = next((i for i, one in enumerate(posed.choices) if one.text == given), -1)
    if place == posed.right:
        return Verdict(True, because(posed))
    if place < 0:
        return Verdict(False, (Span("That is none of the choices."),))
    chosen = posed.choices[place]
    mine = _mine(posed.answer, str(chosen.value))
    own = _filled(chosen.because, posed, mine, chosen.text) if chosen.because else None
    return Verdict(False, own or _plain_reason(posed, chosen.text, mine))


def _graded_word(posed: Posed, given: str) -> Verdict:
    if not plain_word(given):
        return Verdict(False, (Span("Type a word first."),))
    if plain_word(given) == plain_word(str(posed.answer.value)):
        return Verdict(True, because(posed))
    return Verdict(False, _plain_reason(posed, given[:40], _mine(posed.answer, given)))


def _graded_number(posed: Posed, given: object) -> Verdict:
    try:
        number = float(str(given)[:LONGEST].strip().rstrip("%").replace(",", ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        return Verdict(False, (Span("Type a number, such as 12."),))
    right = float(posed.answer.value)
    allowed = max(posed.question.tolerance, posed.question.relative * abs(right), 1e-9)
    if abs(number - right) <= allowed:
        return Verdict(True, because(posed))
    where = "too low" if number < right else "too high"
    off = abs(number - right)
    far = f"{off:,.0f}" if off >= 10 or off.is_integer() else f"{off:.2g}"
    return Verdict(False, (Span(f"{number:g} is {where}, by {far}{_unit(posed)}."),))


def _graded_order(posed: Posed, given: list[str]) -> Verdict:
    right = [one.name for one in posed.answer.candidates[:MOST]]
    if given == right:
        told = ", ".join(f"“{one.name}” {one.shown}" for one in posed.answer.candidates[:MOST])
        return Verdict(True, (Span(f"{told}."),))
    if sorted(given) != sorted(right):
        return Verdict(False, (Span(f"Put all {len(right)} in order first."),))
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
    facts = {"right": right_text(posed), "chosen": chosen, "best": "", "mine": mine}
    facts |= {"answer": posed.answer.shown} | dict(posed.answer.facts)
    try:
        return filled(text, facts)
    except KeyError:
        return None
