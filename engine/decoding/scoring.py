"""How likely a model finds a given text, token by token.

In: logits at every position and the ids that were written there. Out: `Scored`. Pure: knows
nothing of models; who wrote the ids (a search, a person, a reference) makes no difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.decoding.beams import OPTIONS, predicted
from engine.values import Frozen


@dataclass(frozen=True, eq=False, slots=True)
class Scored(Frozen):
    """How likely a model finds a given target, token by token.

    `rank` 1 is the model's first choice, `entropy` is in bits. `best_ids` are the likeliest tokens
    at each position with their logits; `log_sum` is the logarithm of the softmax's sum, so that
    probability = exp(logit - log_sum).
    """

    ids: Int[np.ndarray, "token"]
    log: Float[np.ndarray, "token"]
    rank: Int[np.ndarray, "token"]
    entropy: Float[np.ndarray, "token"]
    log_sum: Float[np.ndarray, "token"]
    best_ids: Int[np.ndarray, "token option"]
    best_logits: Float[np.ndarray, "token option"]

    @property
    def probabilities(self) -> Float[np.ndarray, "token"]:
        """Probability of each token, given those before it."""
        return np.exp(self.log)

    @property
    def best_probabilities(self) -> Float[np.ndarray, "token option"]:
        """Probabilities of `best_ids`."""
        return np.exp(self.best_logits - self.log_sum[:, None])

    @property
    def perplexity(self) -> float:
        """The number of equally likely tokens that would have been as hard to choose among."""
        return float(np.exp(-self.log.mean()))


def score(logits: Float[np.ndarray, "token vocabulary"], ids: Int[np.ndarray, "token"]) -> Scored:
    """Score `ids[t]` by the logits of position t."""
    own, entropy = predicted(logits.astype(np.float32))
    log = np.take_along_axis(own, ids[:, None], axis=1)
    best = np.argsort(-logits, axis=1, kind="stable")[:, : min(OPTIONS, logits.shape[1])]
    best_logits = np.take_along_axis(logits, best, axis=1)
    return Scored(
        ids=ids,
        log=log[:, 0],
        rank=1 + (own > log).sum(axis=1),
        entropy=entropy,
        log_sum=(best_logits - np.take_along_axis(own, best, axis=1))[:, 0],
        best_ids=best,
        best_logits=best_logits,
    )
