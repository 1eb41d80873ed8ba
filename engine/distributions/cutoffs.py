"""What filters keep of a distribution, drawn over its ranking, and what temperature does to it.

In: the logits of one place, settings. Out: `Ranked`: how much the likeliest tokens hold together,
rank by rank; `Cut`: where a filter stops; probabilities of the ranks at several temperatures. A
ranking of 50,000 tokens is kept at some 300 ranks: all of the first, then evenly on a logarithmic
scale. What a filter keeps is decided by the filter itself (`sampling`), on the whole vocabulary.
Pure: runs no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.decoding import sampling as draws
from engine.decoding.ranking import Row, descending, probabilities
from engine.decoding.sampling import Sampling
from engine.values import Frozen

WHOLE = 120  # ranks kept one by one
BEYOND = 200  # and of those after
NAMED = 8  # tokens that are named


@dataclass(frozen=True, slots=True)
class Cut:
    """A filter alone: how many tokens it keeps, and the probability that they hold together."""

    name: str
    value: float
    kept: int
    mass: float


@dataclass(frozen=True, eq=False, slots=True)
class Ranked(Frozen):
    """A distribution from its likeliest token down.

    `ranks` (from 1) are those kept of the ranking, `share` their probabilities and `total` the sum
    of all down to them. `best` are the ids of the first. `entropy` is in bits.
    """

    ranks: Int[np.ndarray, "rank"]
    share: Float[np.ndarray, "rank"]
    total: Float[np.ndarray, "rank"]
    best: Int[np.ndarray, "named"]
    entropy: float
    vocabulary: int
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Heated(Frozen):
    """One distribution at several temperatures: probabilities [temperature, rank] of `ranks`.

    The ranking is the same at every temperature; `entropy` in bits.
    """

    temperatures: Float[np.ndarray, "temperature"]
    ranks: Int[np.ndarray, "rank"]
    share: Float[np.ndarray, "temperature rank"]
    entropy: Float[np.ndarray, "temperature"]


def ranked(logits: Row, settings: Sequence[tuple[str, float]]) -> Ranked:
    """The distribution of these logits, cut by each setting alone: `[("top_p", 0.9)]`."""
    shares = probabilities(logits)
    order = descending(logits, len(logits))
    sorted_shares = shares[order].astype(np.float64)
    total = np.cumsum(sorted_shares)
    ranks = shown_ranks(len(logits))
    return Ranked(
        ranks=ranks,
        share=sorted_shares[ranks - 1],
        total=total[ranks - 1],
        best=order[:NAMED],
        entropy=draws.entropy(shares),
        vocabulary=len(logits),
        cuts=tuple(_cut(logits, shares, name, value) for name, value in settings),
    )


def heated(logits: Row, temperatures: Sequence[float]) -> Heated:
    """Probabilities of the ranks at each temperature, all above 0 (Hinton et al. 2015, eq. 1)."""
    ranks = shown_ranks(len(logits))
    order = descending(logits, len(logits))
    rows, entropies = [], []
    for heat in temperatures:
        shares = probabilities(draws.filtered(logits, Sampling(temperature=heat), ()))
        rows.append(shares[order][ranks - 1].astype(np.float64))
        entropies.append(draws.entropy(shares))
    return Heated(
        temperatures=np.array(temperatures, dtype=np.float64),
        ranks=ranks,
        share=np.stack(rows),
        entropy=np.array(entropies, dtype=np.float64),
    )


def shown_ranks(vocabulary: int) -> Int[np.ndarray, "rank"]:
    """The ranks that are kept, from 1 to the last."""
    first = np.arange(1, min(WHOLE, vocabulary) + 1)
    if vocabulary <= WHOLE:
        return first
    beyond = np.geomspace(WHOLE, vocabulary, BEYOND).round().astype(np.int64)
    return np.unique(np.concatenate([first, beyond]))


def sharp_and_flat(entropies: Float[np.ndarray, "place"]) -> tuple[int, int]:
    """The places (from 0) where a text is most and least certain; the first of equals."""
    return int(entropies.argmin()), int(entropies.argmax())


def _cut(logits: Row, shares: Row, name: str, value: float) -> Cut:
    kept = ~np.isneginf(draws.filtered(logits, Sampling(**{name: value}), ()))
    return Cut(name, value, int(kept.sum()), float(shares[kept].sum(dtype=np.float64)))
