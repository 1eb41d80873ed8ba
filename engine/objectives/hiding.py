"""How training examples are made of a text: which tokens are hidden, and what stands there instead.

In: numbers of tokens and a seed. Out: places. Two recipes, each drawn by `numpy`'s generator, so
that a seed gives the same everywhere:

    masked  15 % of the tokens are to be predicted; of these 80 % become the mask token, 10 % a
            random token, 10 % stay (Devlin et al. 2018, section 3.1)
    spans   15 % of the tokens are hidden in runs of 3 on average; each run becomes one sentinel,
            and the target lists each sentinel with what it hides (Raffel et al. 2019, 3.1.4)

Knows nothing of models and texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

How = Literal["mask", "random", "kept"]
SHARE = 0.15
TO_MASK, TO_RANDOM = 0.8, 0.1
SPAN = 3.0  # tokens of a hidden run, on average


@dataclass(frozen=True, slots=True)
class Masked:
    """Places of the tokens to be predicted, in order, and what happened to each.

    `random` holds for each place the token that stands there instead where `how` is "random".
    """

    places: tuple[int, ...]
    how: tuple[How, ...]
    random: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spans:
    """The two sides of a span example: places of the text, and -1 - k for the k-th sentinel.

    `target` ends with the sentinel after the last one that is used.
    """

    source: tuple[int, ...]
    target: tuple[int, ...]

    @property
    def sentinels(self) -> int:
        """How many runs are hidden."""
        return sum(one < 0 for one in self.source)


def masked(places: Sequence[int], pool: Sequence[int], seed: int, share: float = SHARE) -> Masked:
    """Choose `share` of the places, at least one, and draw what becomes of each.

    Random tokens are drawn from `pool`.
    """
    rng = np.random.default_rng(seed)
    count = max(1, round(share * len(places)))
    chosen = np.sort(rng.choice(np.asarray(places), size=count, replace=False)).tolist()
    dice = rng.random(count)
    others = rng.choice(np.asarray(pool), size=count).tolist()
    how: list[How] = [
        "mask" if die < TO_MASK else "random" if die < TO_MASK + TO_RANDOM else "kept"
        for die in dice.tolist()
    ]
    return Masked(tuple(chosen), tuple(how), tuple(others))


def spans(count: int, seed: int, share: float = SHARE, mean: float = SPAN) -> Spans:
    """Hide `share` of `count` tokens in runs of `mean` tokens on average; a text begins in sight.

    Needs two tokens at least: one hidden, one in sight.
    """
    if count < 2:
        raise ValueError(f"spans need at least 2 tokens, got {count}")
    rng = np.random.default_rng(seed)
    noise = min(max(1, round(share * count)), count - 1)
    runs = min(max(1, round(noise / mean)), count - noise)
    hidden = _parts(noise, runs, rng)
    *shown, rest = _parts(count - noise + 1, runs + 1, rng)
    source: list[int] = []
    target: list[int] = []
    at = 0
    for k, (seen, gone) in enumerate(zip(shown, hidden, strict=True)):
        source += [*range(at, at + seen), -1 - k]
        target += [-1 - k, *range(at + seen, at + seen + gone)]
        at += seen + gone
    source += range(at, at + rest - 1)
    return Spans(tuple(source), (*target, -1 - runs))


def _parts(total: int, parts: int, rng: np.random.Generator) -> list[int]:
    """`total` things in so many parts of at least one, every way equally likely."""
    cuts = np.sort(rng.choice(np.arange(1, total), size=parts - 1, replace=False))
    return np.diff([0, *cuts.tolist(), total]).tolist()
