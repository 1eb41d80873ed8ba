"""How much a token d places back matters to what comes next.

In: a predictor and a text. Out: for every distance the Kullback-Leibler divergence, in bits, of the
next token's distribution from what it is when that token is replaced by another one. A table of
n-grams gives exactly 0 beyond its window; how far a network looks back is something to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.predecessors.predictors import Predictor
from engine.values import Frozen

FARTHEST = 64  # places back, at most
DRAWS = 2  # replacements of every token


@dataclass(frozen=True, eq=False, slots=True)
class Influence(Frozen):
    """What replacing a token changes; distance 1 (the last token of the text) comes first.

    `bits[p, k, d]` belongs to predictor p, replacement k and distance d + 1; `tokens` are what was
    put in the place of the text's own.
    """

    predictors: tuple[str, ...]
    tokens: Int[np.ndarray, "draw distance"]
    bits: Float[np.ndarray, "predictor draw distance"]

    @property
    def mean(self) -> Float[np.ndarray, "predictor distance"]:
        """The mean of the replacements."""
        return self.bits.mean(axis=1)


def draw(
    ids: Int[np.ndarray, "token"], candidates: Int[np.ndarray, "candidate"], *, seed: int
) -> Int[np.ndarray, "draw distance"]:
    """Replacements for the last tokens of a text, each another token than the text's own."""
    if len(candidates) < 2:
        raise ValueError("two tokens at least are needed to replace others with")
    distances = min(len(ids), FARTHEST)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(candidates), (DRAWS, distances))
    own = ids[::-1][:distances]
    chosen = np.where(candidates[chosen] == own, (chosen + 1) % len(candidates), chosen)
    return candidates[chosen]


def influence(
    predictor: Predictor,
    ids: Int[np.ndarray, "token"],
    tokens: Int[np.ndarray, "draw distance"],
) -> Float[np.ndarray, "draw distance"]:
    """KL(as it is || with the token replaced), in bits."""
    draws, distances = tokens.shape
    places = np.tile(len(ids) - 1 - np.arange(distances), draws)
    own = predictor.along(ids)[-1]
    other = predictor.replaced(ids, places, tokens.ravel())
    return divergences(own, other).reshape(draws, distances)


def divergences(
    own: Float[np.ndarray, "vocabulary"], other: Float[np.ndarray, "row vocabulary"]
) -> Float[np.ndarray, "row"]:
    """KL(own || each other), in bits, from logarithms of probabilities.

    >>> divergences(np.log([0.5, 0.5]), np.log([[0.25, 0.75]])).round(3).tolist()
    [0.208]
    """
    # Not less than 0: rounding may give a hair below it where both are the same.
    return np.maximum(((own - other) * np.exp(own)).sum(axis=1), 0.0) / np.log(2)
