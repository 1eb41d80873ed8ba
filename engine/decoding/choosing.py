"""Choosing one token: what the model offered, what a line's setting left of it, what it took.

In: the logits of a position, of one row or of all rows of a step, a `Line`, the ids before. Out:
`Written`, the token with its probabilities, rank, entropy and the best that it was chosen from.
Who writes many tokens keeps a `Chooser`: it counts in memory of its own, as taking fresh memory of
a vocabulary's size at every step took longer than the counting. Knows nothing of models, texts or
how long a text grows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from engine.decoding import sampling as draws
from engine.decoding.continuation import Line
from engine.decoding.filters import Known
from engine.decoding.ranking import heads_of
from engine.values import Frozen

STAGE = {name: number for number, name in enumerate(draws.STAGES)}
CANDIDATES = 8  # best tokens kept of each step and line, whatever was cut of them
HEAD = 48  # likeliest tokens put in order for all rows at once; few settings look further

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
        return self.after(len(new), new[-1], lambda: new)

    def after(self, count: int, last: int, new: Callable[[], Sequence[int]]) -> End:
        """The same of `count` ids with the `last` known; all are gathered for a test alone."""
        if last in self.ids:
            return "end"
        if self.test and self.test(new()):
            return "stop"
        return self.reason if count >= self.limit else ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Which line needs a token, with its number and its ids, the first `start` being the prompt's.

    `ending` says whether the line is over with this token.
    """

    line: Line
    ids: Sequence[int]
    start: int
    number: int = 0
    ending: Ending | None = None

    @property
    def place(self) -> int:
        """How many tokens the line has written."""
        return len(self.ids) - self.start

    def end(self, chosen: int) -> End:
        """Why the line ends with this token, "" if it does not."""
        if self.ending is None:
            return ""
        return self.ending.after(self.place + 1, chosen, lambda: [*self.ids[self.start :], chosen])


class Selection(NamedTuple):
    """One row's token, and what its setting left of the model's best: see `Written`."""

    id: int
    after: float
    kept: int
    forced: bool
    best_after: Float[np.ndarray, "candidate"]
    best_cut: Int8[np.ndarray, "candidate"]


def choose(
    logits: Float[np.ndarray, "vocabulary"],
    line: Line,
    ids: Sequence[int],
    *,
    start: int,
    seed: int,
    ban: Sequence[int] = (),
) -> Written:
    """Select the token after `ids`, of which the first `start` are the prompt."""
    return choose_all(logits[None], [Ask(line, ids, start)], seed=seed, ban=ban)[0]


def choose_all(
    logits: Float[np.ndarray, "row vocabulary"],
    asks: Sequence[Ask],
    *,
    seed: int,
    ban: Sequence[int] = (),
) -> list[Written]:
    """Select a token in each row of one step."""
    return Chooser(seed=seed, ban=ban).choose(logits, asks)


class Chooser:
    """Chooses the tokens of one writing, step by step. For one thread."""

    def __init__(self, *, seed: int, ban: Sequence[int] = ()) -> None:
        """Prepare to draw with a seed; `ban` are ids that are never written."""
        self._seed, self._ban = seed, ban
        self._memory = np.empty((3, 0, 0), np.float32)

    def choose(
        self, logits: Float[np.ndarray, "row vocabulary"], asks: Sequence[Ask]
    ) -> list[Written]:
        """Select a token in each row of a step; what no setting changes is counted for all rows."""
        # 1) what the model says: probabilities, its best, how sure it is
        places = np.arange(len(asks))
        shifted, powers, own = self._taken(logits)
        tops = logits.argmax(axis=1)
        np.subtract(logits, logits[places, tops, None], out=shifted)
        np.exp(shifted, out=powers)
        sums = powers.sum(axis=1, keepdims=True)
        np.divide(powers, sums, out=own)
        drawn = any(not ask.line.sampling.plain for ask in asks)
        heads = heads_of(own, HEAD if drawn else CANDIDATES)
        best = np.array([head[:CANDIDATES] for head in heads])
        entropies = _entropies(powers, shifted, sums[:, 0])
        shares, held = own[places[:, None], best], logits[places[:, None], best] > -np.inf

        # 2) each line's token
        known = map(Known, logits, own, heads)
        rows = zip(asks, known, best, shares, held, tops.tolist(), strict=True)
        found = [self._selection(*row) for row in rows]

        # 3) how likely the model found it
        chosen = own[places, [selected.id for selected in found]]
        ranks = [1 + int(np.count_nonzero(likelier)) for likelier in own > chosen[:, None]]
        for array in (best, shares):
            array.setflags(write=False)  # the rows of what is locked are locked
        return [
            Written(
                line=ask.number,
                place=ask.place,
                id=selected.id,
                probability=probability,
                after=selected.after,
                rank=rank,
                entropy=entropy,
                kept=selected.kept,
                forced=selected.forced,
                end=ask.end(selected.id),
                best=ids,
                best_probability=share,
                best_after=selected.best_after,
                best_cut=selected.best_cut,
            )
            for ask, selected, probability, rank, entropy, ids, share in zip(
                asks, found, chosen.tolist(), ranks, entropies, best, shares, strict=True
            )
        ]

    def _taken(self, logits: Float[np.ndarray, "row vocabulary"]) -> np.ndarray:
        """Room for three arrays of the shape of some logits."""
        memory, (rows, size) = self._memory, logits.shape
        if memory.shape[1] < rows or memory.shape[2] != size or memory.dtype != logits.dtype:
            memory = self._memory = np.empty((3, rows, size), logits.dtype)
        return memory[:, :rows]

    def _selection(
        self,
        ask: Ask,
        known: Known,
        best: Int[np.ndarray, "candidate"],
        shares: Float[np.ndarray, "candidate"],
        held: Bool[np.ndarray, "candidate"],
        top: int,
    ) -> Selection:
        """One row's token: forced, the likeliest, or drawn from what the setting leaves."""
        logits = known.logits
        forced = dict(ask.line.forced).get(ask.place) if ask.line.forced else None
        if forced is not None and forced >= len(logits):
            forced = None
        sampling = ask.line.sampling
        if sampling.plain and not self._ban:
            return _likeliest(top, best, held, forced)

        # 1) what the setting leaves, and which stage cut the best ones
        changed, cut = logits, np.full(len(best), -1, dtype=np.int8)
        for name, now in draws.stages(
            logits, sampling, ask.ids, start=ask.start, ban=self._ban, known=known
        ):
            still = now[best] > -np.inf
            cut[held & ~still] = STAGE[name]
            changed, held = now, still
        alive = changed > -np.inf
        count = int(np.count_nonzero(alive))
        few = np.flatnonzero(alive) if count < len(logits) // 4 else None
        left = changed if few is None else changed[few]

        # 2) the token among them
        if forced is not None:
            chosen = forced
        elif count == 1:
            chosen = int(alive.argmax())
        else:
            chance = draws.noise(self._seed, ask.line.run, len(ask.ids), len(logits))
            spot = draws.draw(left, chance if few is None else chance[few])
            chosen = spot if few is None else int(few[spot])

        # 3) how likely it was then
        if changed is logits:
            return Selection(
                chosen, float(known.shares[chosen]), count, forced is not None, shares, cut
            )
        highest = left.max()
        powers = np.subtract(left, highest)
        total = np.exp(powers, out=powers).sum()
        spots = np.empty(len(best) + 1, dtype=np.int64)
        spots[:-1], spots[-1] = best, chosen
        after = np.exp(changed[spots] - highest) / total
        return Selection(chosen, float(after[-1]), count, forced is not None, after[:-1], cut)


def _entropies(
    powers: Float[np.ndarray, "row vocabulary"],
    shifted: Float[np.ndarray, "row vocabulary"],
    totals: Float[np.ndarray, "row"],
) -> list[float]:
    """-sum p log2 p, with log p = shifted - log(total): no logarithm of each probability."""
    means = powers[:, None] @ shifted[..., None]
    if np.isnan(means).any():  # 0 x infinity, where a model rules tokens out by itself
        means = powers[:, None] @ np.maximum(shifted, np.float32(-1e4))[..., None]
    return [
        max(0.0, (math.log(total) - mean / total) / math.log(2))
        for mean, total in zip(means.ravel().tolist(), totals.tolist(), strict=True)
    ]


def _likeliest(
    top: int,
    best: Int[np.ndarray, "candidate"],
    held: Bool[np.ndarray, "candidate"],
    forced: int | None,
) -> Selection:
    """Greedy and nothing else: the likeliest token is all that is left."""
    first = best == top
    cut = np.full(len(best), -1, dtype=np.int8)
    cut[held & ~first] = STAGE["temperature"]  # the stage that leaves the likeliest token alone
    chosen = top if forced is None else forced
    return Selection(
        chosen, float(chosen == top), 1, forced is not None, first.astype(np.float32), cut
    )
