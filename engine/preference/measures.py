"""What a completion is worth by other measures than the reward that chose it.

In: a text that a model wrote. Out: a number. A reward stands for what somebody wants; chosen hard
enough by it, what is wanted may fall while the reward rises (Gao et al. 2022, arXiv 2210.10760). A
measure is one declaration here; views, tables and tests read it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.decoding.generated import Generated

COURTEOUS = frozenset(
    "please thank thanks thankful grateful kind kindly pardon sorry pleasure dear welcome gladly "
    "honour obliged beg friend forgive".split()
)
INSULTING = frozenset(
    "fool foolish stupid lazy ugly wretch wretched thief rascal beggar idiot greedy silly rotten "
    "nasty rogue villain dolt donkey pest".split()
)


@dataclass(frozen=True)
class Measure:
    """A number for each completion: its name, its unit, what it means, how it is computed."""

    name: str
    unit: str
    about: str
    of: Callable[[Generated], float]


def fluency(text: Generated) -> float:
    """Mean log-probability of a token under the model, in nats: minus the mean surprise."""
    return text.log_probability / max(1, len(text.tokens))


def length(text: Generated) -> float:
    """New tokens."""
    return float(len(text.tokens))


def variety(text: Generated) -> float:
    """The share of different tokens among all."""
    return len(set(text.ids)) / max(1, len(text.ids))


def courtesy(text: Generated) -> float:
    """Courteous words minus insults, by two lists that no judge sees."""
    words = re.findall(r"[a-z]+", text.text.lower())
    return float(sum((word in COURTEOUS) - (word in INSULTING) for word in words))


MEASURES = {
    one.name: one
    for one in (
        Measure("length", "tokens", "how many tokens the completion has", length),
        Measure(
            "fluency", "nats per token", "how probable the model finds its own tokens", fluency
        ),
        Measure("variety", "share", "how many of its tokens are different ones", variety),
        Measure("courtesy", "words", "courteous words minus insults, by a list", courtesy),
    )
}
