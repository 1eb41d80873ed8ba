"""The best of n completions by a reward: how it is distributed, and how far from the model.

In: the rewards of N completions that were drawn independently, their log-probabilities, n up to N.
Out: with which chance each is the best of n, and the Kullback-Leibler divergence of the best of n
from one draw, in nats: the bound, an estimate, and for a distribution that is known whole the exact
value. No weights are changed: this is no reinforcement learning. Pure.

The best is taken of all n among the N, not only of the first n: an estimate without bias that uses
every completion (Nakano et al. 2021, arXiv 2112.09332, appendix I).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from jaxtyping import Float


def best(rewards: Sequence[float] | np.ndarray, n: int) -> int:
    """The place of the best of the first n; of equals the first."""
    return int(np.argmax(np.asarray(rewards)[:n]))


def chances(rewards: Float[np.ndarray, "completion"], n: int) -> Float[np.ndarray, "completion"]:
    """The chance of each completion to be the best of n drawn from all without replacement.

    Equal rewards share theirs.

    >>> chances(np.array([0.0, 2.0, 1.0]), 2).round(3).tolist()
    [0.0, 0.667, 0.333]
    """
    total = len(rewards)
    if not 1 <= n <= total:
        raise ValueError(f"n must be in [1, {total}], got {n}")
    found = np.zeros(total)
    every = math.comb(total, n)
    below = 0
    for level in _levels(rewards):
        upto = below + len(level)
        found[level] = (math.comb(upto, n) - math.comb(below, n)) / every / len(level)
        below = upto
    return found


def kl_bound(n: int) -> float:
    """log n - (n - 1) / n nats: no best of n is farther from the model.

    Exact where no two completions are alike; an upper bound always (Beirami et al. 2024, arXiv
    2401.01879, theorem 1).

    >>> kl_bound(1), round(kl_bound(64), 3)
    (0.0, 3.175)
    """
    return math.log(n) - (n - 1) / n


def kl_exact(
    probabilities: Float[np.ndarray, "text"], rewards: Float[np.ndarray, "text"], n: int
) -> float:
    """The divergence where every possible text is known: their probabilities sum to 1.

    Among texts of equal reward the best of n is distributed as the model is, so that the sum goes
    over rewards: P(best has this one) log(P(best has this one) / P(one draw has it)).
    """
    total, below = 0.0, 0.0
    for level in _levels(rewards):
        mass = float(probabilities[level].sum())
        chance = (below + mass) ** n - below**n
        if chance > 0 and mass > 0:
            total += chance * math.log(chance / mass)
        below = min(1.0, below + mass)
    return total


def kl_measured(
    log_probabilities: Float[np.ndarray, "completion"],
    rewards: Float[np.ndarray, "completion"],
    n: int,
    texts: Sequence[object],
) -> float:
    """The divergence as the drawn completions and the model's own probabilities tell it.

    A text that was drawn counts with the probability p that the model gives it: the best of n is
    it with (F + p)^n - F^n, F being the probability of a lower reward. What was not drawn is taken
    to be spread over rewards as what was drawn, each text of it improbable: there the best of n is
    n F^(n - 1) times as probable as one draw. So it is exact where all texts were drawn, and the
    bound where each is improbable. `texts` tell which completions are one.
    """
    levels, count = _levels(rewards), len(rewards)
    known = [{texts[place]: math.exp(log_probabilities[place]) for place in one} for one in levels]
    rest = max(0.0, 1 - sum(sum(one.values()) for one in known))
    total, below = 0.0, 0.0
    for level, of in zip(levels, known, strict=True):
        atom, around = sum(of.values()), rest * len(level) / count
        if len(of) > 1:  # different texts of one reward: those that were not drawn have it too
            atom, around = atom + around, 0.0
        middle = below + around / 2
        total += _spread(middle, n) - _spread(below, n) + _atom(middle, atom, n)
        below = min(1.0, middle + atom + around / 2)
        total += _spread(below, n) - _spread(min(1.0, middle + atom), n)
    return max(0.0, total)


def _atom(below: float, mass: float, n: int) -> float:
    """q log(q / p) of one text of probability p = `mass`, where lower rewards have `below`."""
    if mass <= 0:
        return 0.0
    high = math.log(below + mass)
    lower = math.log(below) if below > 0 else -math.inf
    chance = math.exp(n * high) * -math.expm1(n * (lower - high))
    return chance * math.log(chance / mass) if chance > 0 else 0.0


def _spread(upto: float, n: int) -> float:
    """The integral of n F^(n - 1) log(n F^(n - 1)) for F from 0: improbable texts together."""
    if upto <= 0:
        return 0.0
    return upto**n * (math.log(n) + (n - 1) * (math.log(upto) - 1 / n))


def _levels(rewards: Sequence[float] | np.ndarray) -> list[list[int]]:
    """Places of equal reward together, the lowest first."""
    given = np.asarray(rewards)
    order = np.argsort(given, kind="stable").tolist()
    return [list(level) for _, level in groupby(order, key=lambda place: float(given[place]))]
