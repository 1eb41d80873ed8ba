"""What an author may ask about a view: live answers, and what each may begin with.

In: a step's model, text and state. Out: suggestions, each of which an author may change. Nothing is
computed but the one answer that was chosen: some take seconds.

    live = offered("decoder", ("next_token",))[0]
    given = begun(live, at, {"text": "Once upon a"})
    question = posed(live, live(at, **given), given)
"""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, get_args, get_origin

from engine.decoding import sampling
from engine.errors import EngineError
from engine.learn.answers import ANSWERS, Answer, Asked, Live
from engine.learn.asking import OneOf
from engine.learn.drafts import DraftChoice, DraftQuestion
from engine.learn.lessons import Form, Question
from engine.learn.reader import LONGEST, shipped
from engine.learn.words import words_of
from engine.prompting.tasks import ready_tasks
from engine.space.passages import ready
from engine.values import Family, FrozenDict

WORDS = ("word", "a", "b", "c")
SETTINGS = ("greedy", "temperature 0.7", "top-k 10", "top-p 0.9", "min-p 0.1")
MOST = 60  # words of a text that are offered
COLUMNS = tuple(f"c{number}" for number in range(1, 7))
FIRST = {
    "examples": 2,
    "after": 1,
    "many": 16,
    "tokens": 16,
    "bigger": 70,
    "short": 300,
    "smaller": 7,
    "long": 2000,
}  # numbers that begin elsewhere than at 1
TWINS = {"than": "of"}  # what is compared with another begins as another


def offered(family: Family, topics: Sequence[str]) -> list[Live]:
    """Live answers of a family's models: those of the topics first, in the order of the topics."""
    able = [one for one in ANSWERS.values() if family in one.families]
    order = {topic: place for place, topic in enumerate(topics)}
    return sorted(able, key=lambda one: (order.get(one.topic, len(order)), one.name))


def options(live: Live, name: str, at: Asked, state: Mapping[str, object]) -> list[Any]:
    """What an argument may well be; empty where it is a number or anything."""
    legal = live.legal[name]
    if get_origin(legal) is Literal:
        return list(get_args(legal))
    for check in get_args(legal):
        if isinstance(check, OneOf):
            return list(check.names())
    if name in WORDS:
        return _words(at)
    if name == "adapter":
        return [one.name for one in at.engine.adapters()]
    if name == "setting":
        own = [str(state[key]) for key in COLUMNS if key in state]
        return [one for one in dict.fromkeys((*own, *SETTINGS)) if _is_setting(one)]
    if name == "maker":
        return [one.name for one in at.engine.models() if one.ready and one.name != at.model]
    if name == "task":
        return [one.id for one in ready_tasks()]
    return [one.name for one in ready()] if name == "passages" else []


def begun(live: Live, at: Asked, state: Mapping[str, object]) -> dict[str, Any]:
    """Arguments to begin with: those of the view, words of the text, defaults left out."""
    given: dict[str, Any] = {}
    words = _words(at)
    for name, one in live.arguments.items():
        if one.default is not inspect.Parameter.empty:
            continue
        listed = options(live, name, at, state)
        if name in WORDS and words:
            given[name] = words[len([key for key in given if key in WORDS]) % len(words)]
        elif listed:
            twin = given.get(TWINS.get(name, ""))
            given[name] = next((one for one in listed if one != twin), listed[0])
        elif name == "answer":
            given[name] = next((t.right for t in ready_tasks() if t.id == given.get("task")), "")
        elif name == "without":
            queries = (one.query for one in ready() if one.name == given.get("passages"))
            given[name] = next(queries, "").split(" ")[0]
        elif is_number(live, name):
            given[name] = _whole(state.get(name), FIRST.get(name, 1))
        else:
            given[name] = ""
    return given


def is_number(live: Live, name: str) -> bool:
    """Whether an argument is a whole number."""
    legal = live.legal[name]
    return legal is int or int in get_args(legal)


def forms(live: Live, answer: Answer) -> tuple[Form, ...]:
    """The forms that fit an answer, the most telling first."""
    order: tuple[Form, ...] = ("order",) if len(answer.candidates) >= 2 else ()
    if isinstance(answer.value, str):
        offers = len(answer.candidates) >= 2 or len(_choices(live.name, answer)) >= 2
        return ("choice", "word", *order) if offers else ("word", "choice")
    return ("choice", "number", "estimate", *order)


def posed(
    live: Live, answer: Answer, given: Mapping[str, Any], form: Form = "choice"
) -> DraftQuestion:
    """A question to begin with: what it offers fits the answer for this text."""
    question = DraftQuestion(live.name, FrozenDict(dict(given)), form)
    if form == "choice":
        choices = () if len(answer.candidates) >= 2 else tuple(_choices(live.name, answer))
        return DraftQuestion(live.name, question.given, form, choices=choices)
    if form == "estimate" and not isinstance(answer.value, str):
        high = _round_up(2 * abs(float(answer.value)))
        low = -high if float(answer.value) < 0 else 0.0
        return DraftQuestion(
            live.name, question.given, form, low=low, high=high, tolerance=high / 10
        )
    if form == "number" and not live.counts:
        return DraftQuestion(live.name, question.given, form, relative=0.1)
    return question


@cache
def example(name: str) -> str:
    """How a lesson of the course asks for a live answer; "" where none does."""
    return next(("".join(span.text for span in one.ask) for one in _in_course(name)), "")


def right_words(choice: DraftChoice) -> str:
    """Where a choice is right, as authors type it: `about 10`, `1 to 10`, `10`, `tea`.

    >>> right_words(DraftChoice(value=1.0, high=10.0)), right_words(DraftChoice(value="tea"))
    ('1 to 10', 'tea')
    """
    if isinstance(choice.value, str):
        return choice.value
    if choice.high is not None:
        return f"{choice.value:.12g} to {choice.high:.12g}"
    return f"{'about ' if choice.about else ''}{choice.value:.12g}"


def right_of(text: str, *, number: bool) -> dict[str, Any]:
    """What authors typed of where a choice is right, as parts of a `DraftChoice`.

    >>> right_of("about 10", number=True)
    {'value': 10.0, 'high': None, 'about': True}
    """
    bare = " ".join(text.split())[: LONGEST["choice"]]
    about = bare.casefold().startswith("about ")
    low, to, high = bare.casefold().removeprefix("about ").partition(" to ")
    first, last = _number(low), _number(high)
    if not number or first is None or (to and last is None):
        return {"value": bare, "high": None, "about": False}
    return {"value": first, "high": last if to else None, "about": about and not to}


def _words(at: Asked) -> list[str]:
    """The words of a text, those that come more than once first, marks of punctuation left out."""
    try:
        tokens = at.engine.tokens(at.reading)
    except EngineError:
        return []
    found = [one.name for one in words_of(tokens) if not tokens.special[one.tokens[0]]]
    counts = Counter(one for one in found if any(c.isalnum() for c in one))
    return sorted(counts, key=lambda one: -min(counts[one], 2))[:MOST]


def _in_course(name: str) -> list[Question]:
    """The course's questions that have this live answer."""
    steps = (step for lesson in shipped().values() for step in lesson.steps)
    return [one for step in steps if (one := step.question) is not None and one.answer == name]


def _choices(name: str, answer: Answer) -> list[DraftChoice]:
    if isinstance(answer.value, str):
        asked = (one.choices for one in _in_course(name))
        known = next((c for c in asked if answer.value in [one.value for one in c]), ())
        if known:
            return [DraftChoice(one.text, one.value) for one in known]
        names = ["yes", "no"] if answer.value in ("yes", "no") else [answer.value]
        return [DraftChoice(one.capitalize(), one) for one in names]
    value = float(answer.value)
    if value < 3:
        first = max(0.0, math.floor(value) - 1.0)
        three = (first, first + 1, first + 2)
        if value.is_integer():
            return [DraftChoice(f"{one:g}", one) for one in three]
        return [DraftChoice(f"{one:g} to {one + 1:g}", one, high=one + 1) for one in three]
    near = [float(f"{one:.2g}") for one in (value / 4, value, 4 * value)]
    return [DraftChoice(f"About {one:,.12g}", one, about=True) for one in near]


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, ... above a number."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * one for one in (1.0, 2.0, 5.0, 10.0) if power * one >= value)


def _number(text: str) -> float | None:
    try:
        found = float(text.replace(",", ""))
    except ValueError:
        return None
    return found if math.isfinite(found) and abs(found) < 1e9 else None


def _whole(value: object, otherwise: int) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else otherwise


def _is_setting(text: str) -> bool:
    try:
        sampling.parse(text)
    except ValueError:
        return False
    return True
