"""What each layer would say at one place, were it the last (the logit lens).

In: the logits that `tracing.lens` makes of a place's hidden states, what enters layer 1 first. Out:
a `Lens`, the likeliest ids of each layer, what each layer raised and lowered, and since when the
word that is said in the end was the first choice. Runs no model, knows no texts.

nostalgebraist 2020, "interpreting GPT: the logit lens".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.values import Frozen

BEST = 5


@dataclass(frozen=True, eq=False, slots=True)
class Lens(Frozen):
    """Row 0 is what enters layer 1, row k what leaves layer k.

    `best` are the likeliest ids of each row with their `probabilities`. `raised` and `lowered` are
    the ids whose probability each layer changed most. `ranks` is the place (from 1) of the last
    row's first choice in every row; from layer `settled` on that is 1, 0 if it always was.
    """

    best: Int[np.ndarray, "layers_plus_1 best"]
    probabilities: Float[np.ndarray, "layers_plus_1 best"]
    raised: Int[np.ndarray, "layers"]
    lowered: Int[np.ndarray, "layers"]
    ranks: Int[np.ndarray, "layers_plus_1"]
    settled: int


def read(logits: Float[np.ndarray, "layers_plus_1 vocabulary"], best: int = BEST) -> Lens:
    """Look at the logits of each layer at one place."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    count = min(best, shares.shape[1])
    some = np.argpartition(-shares, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(shares, some, axis=1), axis=1, kind="stable")
    ids = np.take_along_axis(some, order, axis=1)
    change = np.diff(shares, axis=0)
    word = int(logits[-1].argmax())
    ranks = (logits > logits[:, [word]]).sum(axis=1) + 1
    others = np.flatnonzero(ranks != 1)
    return Lens(
        best=ids,
        probabilities=np.take_along_axis(shares, ids, axis=1),
        raised=change.argmax(axis=1),
        lowered=change.argmin(axis=1),
        ranks=ranks,
        settled=int(others[-1]) + 1 if len(others) else 0,
    )


def followed(
    logits: Float[np.ndarray, "layers_plus_1 vocabulary"], ids: Sequence[int]
) -> tuple[Int[np.ndarray, "layers_plus_1 word"], Float[np.ndarray, "layers_plus_1 word"]]:
    """Place (from 1) and probability of chosen ids in each row."""
    chosen = list(ids)
    ranks = (logits[:, None, :] > logits[:, chosen, None]).sum(axis=-1) + 1
    top = logits.max(axis=1, keepdims=True)
    total = np.exp(logits - top).sum(axis=1, keepdims=True)
    return ranks, np.exp(logits[:, chosen] - top) / total
