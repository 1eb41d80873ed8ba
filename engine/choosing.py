"""Choosing one token: what the model offered, what a line's setting left of it, what it took.

In: the logits of a position, of one row or of all rows of a step, a `Line`, the ids before. Out:
`Written`, the token with its probabilities, rank, entropy and the best that it was chosen from.
Knows nothing of models, texts or how long a text grows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Int8

from engine import filters
from engine import sampling as draws
from engine.lines import Line
from engine.values import Frozen

CANDIDATES = 8  # best tokens kept of each step and line, whatever was cut of them

End = Literal["", "end", "limit", "window", "stop"]


@dataclass(frozen=True, eq=False, slots=True)
class Written(Frozen):
    """Token `place` (from 0) of one line, and what it was chosen from.

    `probability` and `rank` (1 is the likeliest) are the model's own, `after` is the probability
    once penalties, temperature and filters are applied (0 for a forced token that they cut).
    `entropy` in bits and `best`, the model's likeliest ids, are of its own distribution; `kept`
    counts the tokens left after the filters. `best_cut` says which of `sampling.STAGES` cut a
    token, -1 for none. `end` says why the line ends here, "" while it goes on.
    """

    line: int
    place: int
    id: int
    probability: float
    after: float
    rank: int
    entropy: float
    kept: int
    forced: bool
    end: End
    best: Int[np.ndarray, "candidate"]
    best_probability: Float[np.ndarray, "candidate"]
    best_after: Float[np.ndarray, "candidate"]
    best_cut: Int8[np.ndarray, "candidate"]

    def __post_init__(self) -> None:
        """Lock the arrays, by name: six a step are made, and looking for them took longer."""
        for array in (self.best, self.best_probability, self.best_after, self.best_cut):
            array.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Ending:
    """When a line is over: an end id, a number of tokens (and why that number), a test of ids."""

    ids: frozenset[int]
    limit: int
    reason: End
    test: Callable[[Sequence[int]], bool] | None = None

    def of(self, new: Sequence[int]) -> End:
        """Why a line with these new ids ends, "" if it does not."""
        if new[-1] in self.ids:
            return "end"
        if self.test and self.test(new):
            return "stop"
        return self.reason if len(new) >= self.limit else ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the model says at one position: logits, probabilities, the likeliest ids, entropy.

    `best` are the `CANDIDATES` likeliest ids, the likeliest first; `entropy` is in bits.
    """

    logits: Float[np.ndarray, "vocabulary"]
    own: Float[np.ndarray, "vocabulary"]
    best: Int[np.ndarray, "candidate"]
    entropy: float


def offers(logits: Float[np.ndarray, "row vocabulary"]) -> list[Offer]:
    """What the model says in each row of a step: all rows at once cost little more than one."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers @ np.ones((logits.shape[1], 1), dtype=np.float32)
    own = powers / sums
    best = filters.likeliest_of(own, CANDIDATES)
    found = zip(logits, own, best, powers, shifted, sums[:, 0].tolist(), strict=True)
    return [Offer(row, p, ids, _entropy(e, z, total)) for row, p, ids, e, z, total in found]


def _entropy(powers: filters.Row, shifted: filters.Row, total: float) -> float:
    """-sum p log2 p, with log p = shifted - log(total): no logarithm of each probability."""
    mean = float(powers @ shifted)
    if math.isnan(mean):  # 0 x infinity, where a model rules tokens out by itself
        mean = float(powers @ np.maximum(shifted, np.float32(-1e4)))
    return max(0.0, (math.log(total) - mean / total) / math.log(2))


def choose(
    logits: Float[np.ndarray, "vocabulary"],
    line: Line,
    ids: Sequence[int],
    *,
    start: int,
    seed: int,
    ban: Sequence[int] = (),
    number: int = 0,
    ending: Ending | None = None,
) -> Written:
    """Take the token after `ids`, of which the first `start` are the prompt.

    `number` is the line's, `ending` says whether the line is over with this token.
    """
    (offer,) = offers(logits[None])
    return taken(offer, line, ids, start=start, seed=seed, ban=ban, number=number, ending=ending)


def taken(
    offer: Offer,
    line: Line,
    ids: Sequence[int],
    *,
    start: int,
    seed: int,
    ban: Sequence[int] = (),
    number: int = 0,
    ending: Ending | None = None,
) -> Written:
    """`choose` from what `offers` found in a row."""
    logits, own, best = offer.logits, offer.own, offer.best

    # 1) what the setting leaves, and which stage cut the best ones
    changed, cut = logits, np.full(len(best), -1, dtype=np.int8)
    for name, now in draws.stages(logits, line.sampling, ids, start=start, ban=ban):
        gone = np.isneginf(now[best]) & ~np.isneginf(changed[best])
        cut[gone], changed = draws.STAGES.index(name), now
    kept = np.flatnonzero(changed > -np.inf)
    after = own if changed is logits else filters.probabilities(changed, kept)

    # 2) the token: forced, the likeliest, or drawn
    forced = dict(line.forced).get(len(ids) - start) if line.forced else None
    if forced is not None and forced < len(logits):
        chosen = forced
    elif len(kept) == 1:
        chosen, forced = int(kept[0]), None
    else:
        chance = draws.noise(seed, line.run, len(ids), len(logits))
        few = kept if len(kept) < len(logits) // 4 else slice(None)
        spot = draws.draw(changed[few], chance[few])
        chosen, forced = int(kept[spot]) if few is kept else spot, None
    return Written(
        line=number,
        place=len(ids) - start,
        id=chosen,
        probability=float(own[chosen]),
        after=float(after[chosen]),
        rank=1 + int(np.count_nonzero(own > own[chosen])),
        entropy=offer.entropy,
        kept=len(kept),
        forced=forced is not None,
        end=ending.of([*ids[start:], chosen]) if ending else "",
        best=best,
        best_probability=own[best],
        best_after=after[best],
        best_cut=cut,
    )
