"""How far one model's predictions are from another's, token by token.

In: logits of both at the same positions of the same tokens. Out: `Divergence`. Pure: how the two
came to differ (a precision, another training) makes no difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.values import Frozen


@dataclass(frozen=True, eq=False, slots=True)
class Divergence(Frozen):
    """Two models on one text.

    `bits` is KL(first || second) at each position, in bits: what the second's predictions cost who
    takes them for the first's. `best` are the likeliest next tokens of both, `sure` their
    probabilities.
    """

    bits: Float[np.ndarray, "position"]
    best: Int[np.ndarray, "two position"]
    sure: Float[np.ndarray, "two position"]

    @property
    def differing(self) -> list[int]:
        """Positions after which the two find another token likeliest."""
        return np.flatnonzero(self.best[0] != self.best[1]).tolist()


def divergence(
    first: Float[np.ndarray, "position vocabulary"],
    second: Float[np.ndarray, "position vocabulary"],
) -> Divergence:
    """Compare the logits of two models.

    >>> found = divergence(np.log([[0.5, 0.5]]), np.log([[0.25, 0.75]]))
    >>> found.bits.round(3).tolist()
    [0.208]
    """
    if first.shape != second.shape:
        raise ValueError(f"logits of shapes {first.shape} and {second.shape}")
    ours, theirs = _logarithms(first), _logarithms(second)
    shares = np.exp(ours)
    # What has no probability adds nothing, also where both say so with -inf.
    gaps = np.subtract(ours, theirs, out=np.zeros_like(ours), where=shares > 0)
    best = np.stack([ours.argmax(axis=1), theirs.argmax(axis=1)])
    rows = np.arange(len(ours))
    sure = np.exp(np.stack([ours[rows, best[0]], theirs[rows, best[1]]]))
    bits = np.maximum((shares * gaps).sum(axis=1), 0.0) / np.log(2)
    return Divergence(bits, best, sure)


def _logarithms(logits: np.ndarray) -> np.ndarray:
    exact = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):
        shifted = exact - exact.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
