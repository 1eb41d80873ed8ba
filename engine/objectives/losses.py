"""What a prediction costs: the negative logarithm of the right answer's probability, in nats.

In: logits and the right answers. Out: `Losses`. The mean of such losses over a batch is what every
language model is trained to make small. Knows nothing of models and texts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.values import Frozen

BEST = 5  # likeliest answers that are kept of each


@dataclass(frozen=True, eq=False, slots=True)
class Losses(Frozen):
    """How probable the right answer was at each hidden place.

    `ids` are the right answers, `log` natural logarithms of their probabilities, `rank` 1 the
    model's first choice. `best` are the likeliest answers of each place. `choices` is the number
    of answers there are: who guesses evenly among them pays `chance` at every place.
    """

    ids: Int[np.ndarray, "hidden"]
    log: Float[np.ndarray, "hidden"]
    rank: Int[np.ndarray, "hidden"]
    best: Int[np.ndarray, "hidden option"]
    best_log: Float[np.ndarray, "hidden option"]
    choices: int

    @property
    def nats(self) -> Float[np.ndarray, "hidden"]:
        """The loss at each place."""
        return -self.log

    @property
    def probabilities(self) -> Float[np.ndarray, "hidden"]:
        """Of the right answers."""
        return np.exp(self.log)

    @property
    def mean(self) -> float:
        """The loss of the example: the mean over its hidden places."""
        return float(-self.log.mean())

    @property
    def chance(self) -> float:
        """The loss of a guess that is even among all answers: `log(choices)`."""
        return math.log(self.choices)


def losses(logits: Float[np.ndarray, "hidden choice"], ids: Sequence[int]) -> Losses:
    """Score `ids[i]` by row i of the logits.

    >>> losses(np.zeros((1, 4), dtype=np.float32), [2]).mean == math.log(4)
    True
    """
    right = np.asarray(ids, dtype=np.int64)
    log = log_softmax(logits)
    own = np.take_along_axis(log, right[:, None], axis=1)
    best = np.argsort(-log, axis=1, kind="stable")[:, :BEST]
    return Losses(
        ids=right,
        log=own[:, 0],
        rank=1 + (log > own).sum(axis=1),
        best=best,
        best_log=np.take_along_axis(log, best, axis=1),
        choices=logits.shape[1],
    )


def joined(parts: Sequence[Losses]) -> Losses:
    """The losses of further places, one after the other."""
    names = ("ids", "log", "rank", "best", "best_log")
    whole = {name: np.concatenate([getattr(one, name) for one in parts]) for name in names}
    return Losses(**whole, choices=parts[0].choices)


def log_softmax(logits: Float[np.ndarray, "row choice"]) -> Float[np.ndarray, "row choice"]:
    """Natural logarithms of the probabilities, in float64."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    return wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
