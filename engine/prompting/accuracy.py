"""How often a model answers rightly with no, one, a few examples, and how sure that figure is.

In: a `Trial` (a prompt without its question, the admissible answers, items that are not among the
examples) and a function that scores answers. Out: `Graded`, as far as it has come. An item is
answered by the most probable of the answers, of equals by the first; the same trial gives the same
figures. Knows nothing of models.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.prompting.answers import Scores
from engine.prompting.prompt import Example, Prompt
from engine.values import Frozen

Z = 1.96  # of a 95 % interval
ITEMS, COUNTS = 60, 8  # at most
OPEN = -1  # of an item that was not answered yet


@dataclass(frozen=True, slots=True)
class Trial:
    """What is measured: these items, each with so many examples before it."""

    model: str
    prompt: Prompt
    answers: tuple[str, ...]
    items: tuple[Example, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what could not be graded."""
        if not 0 < len(self.items) <= ITEMS or not 0 < len(self.counts) <= COUNTS:
            raise ValueError(
                f"a trial needs 1 to {ITEMS} items and 1 to {COUNTS} numbers of examples, "
                f"got {len(self.items)} and {len(self.counts)}"
            )
        if strange := [one.answer for one in self.items if one.answer not in self.answers]:
            raise ValueError(f"{strange[0]!r} is none of the answers")


@dataclass(frozen=True, eq=False, slots=True)
class Graded(Frozen):
    """Which answer each item got with each number of examples, `OPEN` where it got none yet.

    `right` is the index of the right one, `share` its probability among the answers (NaN: open).
    """

    counts: tuple[int, ...]
    right: Int[np.ndarray, "item"]
    picked: Int[np.ndarray, "count item"]
    share: Float[np.ndarray, "count item"]

    @property
    def done(self) -> Int[np.ndarray, "count"]:
        """How many items were answered."""
        return (self.picked != OPEN).sum(axis=1)

    @property
    def correct(self) -> Int[np.ndarray, "count"]:
        """How many of them rightly."""
        return (self.picked == self.right).sum(axis=1)


def wilson(correct: int, total: int, z: float = Z) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson 1927): `wilson(8, 10)` is (0.490, 0.943).

    Unlike share ± error it stays within 0 and 1, and is of use for few items.
    """
    if not total:
        return 0.0, 1.0
    share, square = correct / total, z * z
    middle = share + square / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    low, high = ((middle + sign * reach) / (1 + square / total) for sign in (-1, 1))
    return max(0.0, low) if correct else 0.0, min(1.0, high) if correct < total else 1.0


def balanced(items: Sequence[Example], size: int, seed: int) -> tuple[Example, ...]:
    """So many items by chance, each answer as often as any other, as far as `size` allows."""
    rng, by_answer = random.Random(f"items {seed}"), dict[str, list[Example]]()
    for item in items:
        by_answer.setdefault(item.answer, []).append(item)
    for group in by_answer.values():
        rng.shuffle(group)
    longest = max(map(len, by_answer.values()), default=0)
    dealt = [group[k] for k in range(longest) for group in by_answer.values() if k < len(group)]
    return tuple(dealt[:size])


def questions(trial: Trial) -> list[Prompt]:
    """The trial's prompt with each item for its question."""
    return [replace(trial.prompt, question=one.asked) for one in trial.items]


def graded(trial: Trial) -> Graded:
    """Nothing answered yet."""
    right = np.array([trial.answers.index(one.answer) for one in trial.items])
    shape = (len(trial.counts), len(trial.items))
    return Graded(trial.counts, right, np.full(shape, OPEN), np.full(shape, np.nan))


def grade(
    trial: Trial, score: Callable[[Sequence[Prompt], int], Scores], *, block: int = 8
) -> Iterator[Graded]:
    """Answer item after item, `block` of them in one batch; what there is after each batch.

    `score(prompts, n)` scores the answers after each prompt with its first n examples.
    """
    found, asked = graded(trial), questions(trial)
    yield found
    for number, count in enumerate(trial.counts):
        for start in range(0, len(trial.items), block):
            part = slice(start, start + block)
            scores = score(asked[part], count)
            picked, share = found.picked.copy(), found.share.copy()
            picked[number, part] = scores.best
            own = found.right[part]
            share[number, part] = scores.normalized[np.arange(len(own)), own]
            found = replace(found, picked=picked, share=share)
            yield found
