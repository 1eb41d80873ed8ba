"""Rewards that are ready: coefficients over a model's hidden states, with a card.

    judge = judges()["manners"]
    judge.values(vectors)        # in natural-log odds: above 0 is `positive`

A judge is a small JSON file in `assets/judges`, made by a recipe (`engine/training/judges`), read
strictly: it names the files of the model whose states it was trained on, how it did with sentences
that it was not trained on, and sentences that are hard for it. Knows nothing of pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.errors import BrokenBundle
from engine.models.bundle import Card
from engine.values import Frozen

FOLDER = Path(__file__).parents[2] / "assets" / "judges"
NAMED = ("weights.bin", "tokenizer.json")  # files of a bundle that hidden states depend on
LARGEST = 64_000  # bytes of a file


@dataclass(frozen=True, slots=True)
class Tricky:
    """A sentence that is hard to judge, what most readers would say of it, and why it is hard."""

    text: str
    positive: bool
    why: str


@dataclass(frozen=True, eq=False, slots=True)
class Judge(Frozen):
    """A linear reward for the states of one model.

    `context` stands before a sentence that is judged alone. `right` of `measured` sentences that
    it was not trained on got the right sign; `trained` were trained on.
    """

    name: str
    title: str
    positive: str
    negative: str
    model: str
    files: Mapping[str, str]
    recipe: str
    context: str
    trained: int
    measured: int
    right: int
    tricky: tuple[Tricky, ...]
    intercept: float
    weights: Float[np.ndarray, "width"]

    def fits(self, card: Card) -> bool:
        """Whether it was trained on the states of this very model."""
        return all(card.files.get(name) == digest for name, digest in self.files.items())

    def values(
        self, vectors: Float[np.ndarray, "completion width"]
    ) -> Float[np.ndarray, "completion"]:
        """The reward of each vector, in natural-log odds of `positive`."""
        return vectors.astype(np.float64) @ self.weights + self.intercept


@cache
def judges() -> Mapping[str, Judge]:
    """Every judge that came along, by name."""
    return {path.stem: read(path) for path in sorted(FOLDER.glob("*.json"))}


def read(path: Path) -> Judge:
    """A judge's file. Raises `BrokenBundle` where it is none."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"more than {LARGEST:,} bytes")
        given = json.loads(path.read_text(encoding="utf-8"))
        return _judge(path.stem, given)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BrokenBundle(f"The judge {path.name} cannot be read: {error}.") from error


def _judge(name: str, given: Mapping[str, Any]) -> Judge:
    weights = np.array(given["weights"], dtype=np.float64)
    if weights.ndim != 1 or not np.isfinite(weights).all():
        raise ValueError("its weights are no list of numbers")
    return Judge(
        name=name,
        title=str(given["title"]),
        positive=str(given["positive"]),
        negative=str(given["negative"]),
        model=str(given["model"]),
        files={str(key): str(value) for key, value in given["files"].items()},
        recipe=str(given["recipe"]),
        context=str(given["context"]),
        trained=int(given["trained"]),
        measured=int(given["measured"]),
        right=int(given["right"]),
        tricky=tuple(
            Tricky(str(one["text"]), bool(one["positive"]), str(one["why"]))
            for one in given["tricky"]
        ),
        intercept=float(given["intercept"]),
        weights=weights,
    )
