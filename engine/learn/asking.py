"""What a question is asked of, what an answer is, and the registry of all live answers.

    @live(families=("decoder",))
    def rank_of(at: Asked, word: str) -> Answer:
        "The place of a word among all next tokens, 1 for the likeliest."

declares one: its arguments are those of the function, so that a lesson file is checked against the
same line that computes. `at` holds the engine, the model and the text; an answer says what is right
and what it was compared with. Where a text gives no single answer (two heads tie, a word is not in
it) `NoQuestion` says why in one sentence.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.api import Engine
from engine.errors import EngineError
from engine.values import Family, Reading

ALL: tuple[Family, ...] = ("decoder", "encoder", "encoder-decoder")


class NoQuestion(EngineError):
    """This text or model gives the question no single answer; the sentence says why."""


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
    families: tuple[Family, ...]
    compute: Callable[..., Answer]

    def __call__(self, at: Asked, **given: Any) -> Answer:
        """Compute it. Raises `NoQuestion` and whatever else the engine refuses."""
        if at.family not in self.families:
            raise NoQuestion(
                f"This question needs {_families(self.families)}, and "
                f"{at.engine.card(at.model).title} is {_families((at.family,))}."
            )
        return self.compute(at, **given)

    def problem(self, given: Mapping[str, Any]) -> str:
        """What is wrong with a file's arguments, "" where nothing is."""
        for name, value in given.items():
            if name not in self.arguments:
                return (
                    f"`{self.name}` takes no `{name}`, only {', '.join(self.arguments) or 'none'}"
                )
            wanted = _TYPES[str(self.arguments[name].annotation)]
            if type(value) not in wanted:
                return f"`{name}` of `{self.name}` must be {wanted[0].__name__}"
        for name, one in self.arguments.items():
            if one.default is inspect.Parameter.empty and name not in given:
                return f"`{self.name}` needs `{name}`"
        return ""


ANSWERS: dict[str, Live] = {}
"""Every live answer by name; filled by the modules that `engine.learn.answers` imports."""
_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int)}


def live(
    *, families: tuple[Family, ...] = ALL
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Enter a function in the registry; `families` are the models that can give the answer."""

    def enter(compute: Callable[..., Answer]) -> Callable[..., Answer]:
        name = compute.__name__
        assert name not in ANSWERS, f"two live answers are called {name}"
        _, *others = inspect.signature(compute).parameters.values()
        arguments = {one.name: one for one in others}
        about = (compute.__doc__ or "").strip().splitlines()[0]
        ANSWERS[name] = Live(name, about, arguments, families, compute)
        return compute

    return enter


def percent(share: float) -> str:
    """A probability as people read it: two digits, and small ones said to be small.

    >>> percent(0.4312), percent(0.0123), percent(0.00001)
    ('43%', '1.2%', 'less than 0.01%')
    """
    if share >= 0.1:
        return f"{share:.0%}"
    if share >= 0.01:
        return f"{share:.1%}"
    return f"{share:.2%}" if share >= 0.0001 else "less than 0.01%"


def counted(count: int, name: str) -> str:
    """A number and its noun: "1 token", "3 tokens"."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def first_of(candidates: list[Candidate], because: str, **facts: str) -> Answer:
    """The best candidate as the answer; `NoQuestion` where two are equal as they are written."""
    ranked = sorted(candidates, key=lambda one: -one.score)
    if len(ranked) > 1 and ranked[0].shown == ranked[1].shown:
        raise NoQuestion(
            f"“{ranked[0].name}” and “{ranked[1].name}” tie here at {ranked[0].shown}, so there is "
            "no single answer."
        )
    best = ranked[0]
    return Answer(best.name, best.name, because, tuple(ranked[:8]), {"best": best.shown, **facts})


def _families(families: tuple[Family, ...]) -> str:
    article = {"decoder": "a decoder", "encoder": "an encoder"}
    return " or ".join(article.get(family, "an encoder-decoder") for family in families)
