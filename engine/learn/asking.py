"""What a question is asked of, what an answer is, and the registry of all live answers.

    @live(families=("decoder",))
    def rank_of(at: Asked, word: str) -> Answer:
        "The place of a word among all next tokens, 1 for the likeliest."

declares one: its arguments are those of the function, so that a lesson file is checked against the
same line that computes. `at` holds the engine, the model and the text; an answer says what is right
and what it was compared with. Where a text gives no single answer (two heads tie, a word is not in
it) `NoQuestion` says why in one sentence. `facts` are the further numbers that an explanation may
name; `counts` says that the answer is a whole number, which is graded exactly.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from engine.api import Engine
from engine.decoding import sampling
from engine.errors import EngineError
from engine.values import Family, Reading

ALL: tuple[Family, ...] = ("decoder", "encoder", "encoder-decoder")


class NoQuestion(EngineError):
    """This text or model gives the question no single answer; the sentence says why."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A check of an argument that is one of some names, which authors are offered."""

    names: Callable[[], tuple[str, ...]]

    def __call__(self, value: Any) -> str:
        """What is wrong with a value, "" where nothing is."""
        names = self.names()
        return "" if value in names else f"one of {', '.join(names)}"


def _setting(value: Any) -> str:
    """What is wrong with a setting, "" where nothing is."""
    try:
        sampling.parse(value)
    except ValueError as error:
        return f"a setting that makes sense: {error}"
    return ""


def _number(value: Any) -> str:
    return "" if value >= 1 else "1 or more, as layers, heads and places count from 1"


Setting = Annotated[str, _setting]
"""A setting of decoding, as columns name it: `top-p 0.9`."""
Number = Annotated[int, _number]
"""A layer, head or place, from 1."""


@dataclass(frozen=True)
class Asked:
    """The engine, the model and the text that a question is about."""

    engine: Engine
    model: str
    text: str

    @property
    def reading(self) -> Reading:
        """The text as the model reads it."""
        return Reading(self.model, self.text)

    @property
    def family(self) -> Family:
        """Encoder, decoder or both."""
        return self.engine.card(self.model).family


@dataclass(frozen=True, slots=True)
class Candidate:
    """What might have been the answer: its name, its number, and the number as it is written."""

    name: str
    score: float
    shown: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is right, in words and numbers.

    `value` is a word or a number, `shown` how it is written, `because` a sentence with the numbers
    it was read from. `candidates` are what it was compared with, best first, the right one among
    them; `facts` are further numbers that an explanation may name.
    """

    value: str | float
    shown: str
    because: str
    candidates: tuple[Candidate, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Live:
    """One live answer: its name, what it needs, what it says, which models can give it."""

    name: str
    about: str
    arguments: Mapping[str, inspect.Parameter]
    legal: Mapping[str, Any]  # the type of each argument
    families: tuple[Family, ...]
    facts: frozenset[str]  # what an explanation may name besides the answer itself
    counts: bool
    compute: Callable[..., Answer]

    def __call__(self, at: Asked, **given: Any) -> Answer:
        """Compute it. Raises `NoQuestion` and whatever else the engine refuses."""
        if at.family not in self.families:
            raise NoQuestion(
                f"This question needs {_families(self.families)}, and "
                f"{at.engine.card(at.model).title} is {_families((at.family,))}."
            )
        return self.compute(at, **given)

    @property
    def topic(self) -> str:
        """What it is about: the name of the module that computes it, `attention`."""
        return self.compute.__module__.rpartition(".")[2]

    def problem(self, given: Mapping[str, Any]) -> str:
        """What is wrong with a file's arguments, "" where nothing is."""
        for name, value in given.items():
            if name not in self.arguments:
                return (
                    f"`{self.name}` takes no `{name}`, only {', '.join(self.arguments) or 'none'}"
                )
            wrong = _wrong(self.legal[name], value)
            if wrong:
                return f"`{name}` of `{self.name}` must be {wrong}"
        for name, one in self.arguments.items():
            if one.default is inspect.Parameter.empty and name not in given:
                return f"`{self.name}` needs `{name}`"
        return ""


ANSWERS: dict[str, Live] = {}
"""Every live answer by name; filled by the modules that `engine.learn.answers` imports."""


def live(
    *, families: tuple[Family, ...] = ALL, facts: tuple[str, ...] = (), counts: bool = False
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Enter a function in the registry; `families` are the models that can give the answer."""

    def enter(compute: Callable[..., Answer]) -> Callable[..., Answer]:
        name = compute.__name__
        assert name not in ANSWERS, f"two live answers are called {name}"
        _, *others = inspect.signature(compute).parameters.values()
        arguments = {one.name: one for one in others}
        legal = get_type_hints(compute, include_extras=True)
        about = (compute.__doc__ or "").strip().splitlines()[0]
        ANSWERS[name] = Live(
            name, about, arguments, legal, families, frozenset(facts), counts, compute
        )
        return compute

    return enter


def _wrong(legal: Any, value: Any) -> str:
    """What a value must be and is not: by its type, the literals it may have, a check."""
    if get_origin(legal) is Literal:
        return "" if value in get_args(legal) else f"one of {', '.join(map(repr, get_args(legal)))}"
    base, *checks = get_args(legal) if get_origin(legal) is Annotated else (legal,)
    if type(value) is not base:
        return str(base.__name__)
    if base is str and not value.strip():
        return "a word, not nothing"
    return next((wrong for check in checks if (wrong := check(value))), "")


def percent(share: float) -> str:
    """A probability as people read it: two digits, and small ones said to be small.

    >>> percent(0.4312), percent(0.0123), percent(0.00001), percent(0)
    ('43 %', '1.2 %', 'less than 0.01 %', '0 %')
    """
    if share >= 0.1 or share <= 0:
        return f"{100 * share:.0f} %"
    if share >= 0.01:
        return f"{100 * share:.1f} %"
    return f"{100 * share:.2f} %" if share >= 0.0001 else "less than 0.01 %"


def chance(share: float) -> str:
    """A probability that is compared with another: small ones are told apart.

    >>> chance(0.13), chance(2.4e-7), chance(0)
    ('13 %', '1 in 4,200,000', 'less than 1 in 1,000,000,000,000')
    """
    if share >= 0.001:
        return percent(share)
    if share < 1e-12:
        return "less than 1 in 1,000,000,000,000"
    odds = 1 / share
    return f"1 in {round(odds, 2 - len(f'{odds:.0f}')):,.0f}"


def counted(count: int, name: str) -> str:
    """A number and its noun: "1 token", "3 tokens"."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def first_of(
    candidates: list[Candidate], because: Callable[[Candidate], str], **facts: str
) -> Answer:
    """The best candidate as the answer, `because` a sentence about it.

    Raises `NoQuestion` where there is nothing to choose from, and where two are equal as they are
    written.
    """
    ranked = sorted(candidates, key=lambda one: -one.score)
    if len(ranked) < 2:
        raise NoQuestion("This text leaves only one thing to choose.")
    best, second = ranked[:2]
    if best.shown == second.shown:
        raise NoQuestion(
            f"“{best.name}” and “{second.name}” tie here at {best.shown}, so there is no single "
            "answer."
        )
    told = {"best": best.shown, **facts}
    return Answer(best.name, best.name, because(best), tuple(ranked[:8]), told)


def _families(families: tuple[Family, ...]) -> str:
    article = {"decoder": "a decoder", "encoder": "an encoder"}
    return " or ".join(article.get(family, "an encoder-decoder") for family in families)
