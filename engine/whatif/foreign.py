"""A text's ids made by one model's tokenizer and read by another model.

In: the reading model, the ids, what gives its logits and what it writes. Out: `Foreign`: which
tokens the ids are to the reader, which it does not have, how surprising it finds them beside its
own ids of the same text, and what it writes after each. Ids are places in a list: the list of
another tokenizer has other tokens there. Knows nothing of bundles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.values import Frozen, Tokens

MOST = 64  # tokens that are read
WRITTEN = 16  # tokens that are written after them


@dataclass(frozen=True, eq=False, slots=True)
class Foreign(Frozen):
    """The tokens that `maker` made of a text, as `reader` takes them.

    `outside` are ids that the reader has no vector for: they are left out of what it reads.
    `taken_for` is what each other id is to the reader, "" for those outside. `bits` is the surprise
    of each token, NaN where none is told (the first of a decoder's, all of an encoder-decoder's
    source); `own_bits` that of the reader's own ids of the same text. `written` and `own_written`
    are texts that it wrote after each, None where the model does not write. `left_out` tokens at
    the end were not read, as there were too many.
    """

    reader: str
    maker: str
    made: Tokens
    outside: Bool[np.ndarray, "token"]
    taken_for: tuple[str, ...]
    bits: Float[np.ndarray, "token"]
    own_bits: Float[np.ndarray, "own_token"]
    written: str | None
    own_written: str | None
    left_out: int

    @property
    def mean(self) -> float:
        """Bits per token of the foreign ids, NaN where none is told."""
        return _mean(self.bits)

    @property
    def own_mean(self) -> float:
        """Bits per token of the reader's own ids, NaN where none is told."""
        return _mean(self.own_bits)


def outside(ids: Int[np.ndarray, "token"], vocabulary: int) -> Bool[np.ndarray, "token"]:
    """Which ids a model of so many tokens has no vector for."""
    return (ids < 0) | (ids >= vocabulary)


def spread(
    bits: Float[np.ndarray, "read"], gone: Bool[np.ndarray, "token"]
) -> Float[np.ndarray, "token"]:
    """Numbers of the tokens that were read, put back among those that were left out (NaN)."""
    found = np.full(len(gone), np.nan, dtype=np.float32)
    found[~gone] = bits
    return found


def surprise(
    logits: Float[np.ndarray, "token vocabulary"], ids: Int[np.ndarray, "token"]
) -> Float[np.ndarray, "token"]:
    """−log2 of the probability of each id by its row of logits."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    own = np.take_along_axis(wide, ids[:, None], axis=-1)[:, 0]
    return ((np.log(np.exp(wide).sum(axis=-1)) - own) / math.log(2)).astype(np.float32)


def by_masking(
    ids: tuple[int, ...],
    mask: int,
    special: Bool[np.ndarray, "token"],
    logits: Callable[[tuple[int, ...], int], Float[np.ndarray, "vocabulary"]],
) -> Float[np.ndarray, "token"]:
    """Surprise of each token of an encoder, itself masked (Salazar et al. 2020, section 2.1).

    `logits(ids, at)` predicts the token at a place; marks are not asked for (NaN).
    """
    found = np.full(len(ids), np.nan, dtype=np.float32)
    for at in np.flatnonzero(~special).tolist():
        hidden = (*ids[:at], mask, *ids[at + 1 :])
        found[at] = surprise(logits(hidden, at)[None], np.array([ids[at]]))[0]
    return found


def _mean(bits: Float[np.ndarray, "token"]) -> float:
    told = bits[np.isfinite(bits)]
    return float(told.mean()) if len(told) else math.nan
