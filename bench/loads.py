"""What visitors of a cluster do: acts at their moments, for the model and for real runs alike.

In: how many there are and a seed. Out: a list of `Act`. A picture of a new text asks three
questions, one after the other, as the page Attention does; what a visitor moves then asks for
another head, what they turn to for the next token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bench.simulation import Act

GPT = "tales-gpt"
PUPILS = 100
PICTURE = ("names", "map", "measures")  # what a page of a text that is new asks
EVERY = 8.0  # seconds between two acts of a visitor, as in bench.hosting
SAMPLES = 40  # texts that the app offers
OFFERED = 0.3  # share of new texts that are one of them

Ask = Callable[[Any, str], Any]


def questions() -> dict[str, Ask]:
    """What is asked of an engine about a text, by the name of its cost."""
    from engine.api import Reading, Scene

    def scene(text: str, head: int) -> Scene:
        return Scene(Reading(GPT, text), "decoder", 2, head)

    return {
        "names": lambda engine, text: engine.token_names(Reading(GPT, text), "decoder"),
        "map": lambda engine, text: engine.attention_map(scene(text, 1)),
        "measures": lambda engine, text: engine.measures(Reading(GPT, text), "decoder", 2),
        "head": lambda engine, text: engine.attention_map(scene(text, 3)),
        "logits": lambda engine, text: engine.logits(Reading(GPT, text), (3,)),
    }


def sentence(label: str) -> str:
    """A text of its own for each label, about as long as what pupils type."""
    return f"Turn {label}: the kings came home."


def one_link(_seed: int = 0) -> list[Act]:
    """A class that opens one link at one moment."""
    return [Act(0.0, pupil, "one link", PICTURE) for pupil in range(PUPILS)]


def own_texts(_seed: int = 0) -> list[Act]:
    """A class of which each types another text, sent at one moment."""
    return [Act(0.0, pupil, f"text {pupil}", PICTURE) for pupil in range(PUPILS)]


def stream(seed: int, each: float, seconds: float) -> list[Act]:
    """New texts, `each` seconds apart on average, at random."""
    random = np.random.default_rng(seed)
    at = np.cumsum(random.exponential(each, int(3 * seconds / each) + 10))
    return [Act(float(t), k, f"text {k}", PICTURE) for k, t in enumerate(at) if t < seconds]


def school(seed: int) -> list[Act]:
    """Ten classes of 100: five open a link each within 10 seconds, in five each types a text."""
    random = np.random.default_rng(seed)
    return [
        Act(
            float(random.uniform(0, 10)),
            visitor,
            f"link {visitor // PUPILS}" if visitor < 500 else f"text {visitor}",
            PICTURE,
        )
        for visitor in range(1000)
    ]


def public(visitors: int, seconds: float) -> Callable[[int], list[Act]]:
    """Visitors who act every 8 seconds: a third of it a new text, the rest on the one they have."""

    def load(seed: int) -> list[Act]:
        random = np.random.default_rng(seed)
        return sorted(
            (act for visitor in range(visitors) for act in visit(random, visitor, seconds)),
            key=lambda act: act.at,
        )

    return load


def visit(random: np.random.Generator, visitor: int, seconds: float) -> Iterator[Act]:
    """The acts of one visitor, who has been here for a while."""
    mine = f"text {visitor} before"
    at = float(random.exponential(EVERY))
    number = 0
    while at < seconds:
        drawn = random.random()
        number += 1
        if drawn < 1 / 3:
            sample = random.random() < OFFERED
            mine = f"sample {random.zipf(1.5) % SAMPLES}" if sample else f"{visitor} wrote {number}"
            yield Act(at, visitor, mine, PICTURE)
        elif drawn < 1 / 3 + 1 / 4:
            yield Act(at, visitor, mine, ("names", f"logits {random.integers(8)}"))
        else:
            yield Act(at, visitor, mine, ("names", f"head {random.integers(48)}"))
        at += float(random.exponential(EVERY))
