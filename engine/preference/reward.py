"""A reward learnt from choices between two completions, and how sure it is.

    reward = fit(vectors, [(3, 2), (4, 5)])      # completion 3 was preferred to 2, 4 to 5
    reward.values(vectors)                       # in natural-log odds
    reward.doubt(vectors[0] - vectors[1])        # probability that 0 is preferred, and its spread

In: a vector for each completion, pairs (winner, loser). Out: a frozen `Reward`. The model is that
of Bradley and Terry (1952): P(a is preferred to b) = 1 / (1 + exp(r(b) - r(a))), with a reward that
is linear in the vector, as reward models are trained (Ouyang et al. 2022, arXiv 2203.02155,
equation 1). That is a logistic regression on differences without intercept, which scikit-learn
fits; its penalty is the prior that without any choice all rewards are equal. Knows nothing of texts
or models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from jaxtyping import Float

from engine.errors import NotOffered
from engine.values import Frozen

PRIOR = 0.5  # precision of each weight, where vectors have variance 1 in all


@dataclass(frozen=True, slots=True)
class Doubt:
    """How probable it is that one completion is preferred to another.

    `low` and `high` are one standard deviation of the difference of rewards away: two thirds of
    the reward models that fit the choices lie between.
    """

    probability: float
    low: float
    high: float


@dataclass(frozen=True, eq=False, slots=True)
class Reward(Frozen):
    """A linear reward: `weights` for vectors that were centred and divided by `scale`.

    `differences` are winner - loser of every choice, `curvature` is s(1 - s) at each, s being the
    probability that the reward gives to the choice: both make up the posterior's precision.
    """

    weights: Float[np.ndarray, "width"]
    centre: Float[np.ndarray, "width"]
    scale: float
    differences: Float[np.ndarray, "choice width"]
    curvature: Float[np.ndarray, "choice"]

    def values(
        self, vectors: Float[np.ndarray, "completion width"]
    ) -> Float[np.ndarray, "completion"]:
        """The reward of each vector, in natural-log odds; 0 is that of their centre."""
        return (vectors - self.centre) @ self.weights / self.scale

    def doubt(self, difference: Float[np.ndarray, "width"]) -> Doubt:
        """The probability that the first of two is preferred, from first - second.

        Laplace's approximation: the weights are normal around their best value, with the inverse
        Hessian as covariance; the probability is averaged over them by MacKay's formula,
        s(m / sqrt(1 + pi v / 8)) (Bishop 2006, Pattern Recognition, section 4.5.2).
        """
        asked = difference.astype(np.float64) / self.scale
        mean, spread = float(asked @ self.weights), math.sqrt(self._variance(asked))
        moderated = mean / math.sqrt(1 + math.pi * spread**2 / 8)
        return Doubt(sigmoid(moderated), sigmoid(mean - spread), sigmoid(mean + spread))

    def _variance(self, asked: Float[np.ndarray, "width"]) -> float:
        """Of a difference of rewards, by Woodbury's identity: a matrix as large as the choices."""
        if not len(self.differences):
            return float(asked @ asked) / PRIOR
        root = np.sqrt(self.curvature)[:, None] * self.differences
        inner = PRIOR * np.eye(len(root)) + root @ root.T
        seen = root @ asked
        return max(0.0, float(asked @ asked - seen @ np.linalg.solve(inner, seen)) / PRIOR)


def fit(vectors: Float[np.ndarray, "completion width"], won: Sequence[tuple[int, int]]) -> Reward:
    """Learn from (winner, loser) pairs of places; without any, every reward is 0.

    Raises `NotOffered` where scikit-learn is not installed.
    """
    wide = vectors.astype(np.float64)
    centre = wide.mean(axis=0)
    scale = float(np.sqrt(np.square(wide - centre).sum(axis=1).mean())) or 1.0
    differences = np.array([wide[a] - wide[b] for a, b in won]).reshape(-1, wide.shape[1]) / scale
    weights = _fitted(differences) if len(won) else np.zeros(wide.shape[1])
    chance = 1 / (1 + np.exp(-differences @ weights))
    return Reward(weights, centre, scale, differences, chance * (1 - chance))


def sigmoid(odds: float) -> float:
    """Natural-log odds as a probability.

    >>> sigmoid(0.0)
    0.5
    """
    return 1 / (1 + math.exp(-min(max(odds, -700.0), 700.0)))


def _fitted(differences: Float[np.ndarray, "choice width"]) -> Float[np.ndarray, "width"]:
    if find_spec("sklearn") is None:
        raise NotOffered(
            "A reward is learnt by scikit-learn, which is not installed here. `make exporter` "
            "brings it; the ready judge needs nothing."
        )
    from sklearn.linear_model import LogisticRegression  # late: two seconds

    # Each choice once as it is and once turned round, at half the weight each: scikit-learn wants
    # both classes, and the two say the same.
    both = np.concatenate([differences, -differences])
    said = np.repeat([1, 0], len(differences))
    model = LogisticRegression(C=1 / PRIOR, fit_intercept=False, tol=1e-8, max_iter=1000)
    model.fit(both, said, sample_weight=np.full(len(both), 0.5))
    return model.coef_[0].astype(np.float64)
