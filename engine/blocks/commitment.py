"""From which layer on each place of a text holds to its answer.

In: a way to read hidden states as predictions (the lens), and the states of a text. Out: for each
place the token that is first in the end, and the layer at which it became first and stayed first.
The logit lens at every place at once; of the logits nothing is kept.

nostalgebraist 2020, "interpreting GPT: the logit lens".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.values import Frozen

# Products of a whole answer at most, about 2 s of two cores: a vocabulary of 50,257 x 768 is read
# at 60 places after 12 layers. And numbers of logits that are held at a time: 32 MB.
PRODUCTS = 30 * 10**9
HELD = 8 * 10**6

Lens = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False, slots=True)
class Commitment(Frozen):
    """At places of a text, 0-based: what is first in the end, how likely, since which layer.

    `settled` is the layer after which the token of `ids` is first and stays first, 0 where it is
    first before layer 1. `places` are not all places of a text whose answer would cost too much.
    """

    places: Int[np.ndarray, "place"]
    ids: Int[np.ndarray, "place"]
    probabilities: Float[np.ndarray, "place"]
    settled: Int[np.ndarray, "place"]
    layers: int


def room(layers: int, width: int, vocabulary: int) -> int:
    """How many places are answered at once: `room(12, 768, 50257)` is 59."""
    return max(1, PRODUCTS // ((layers + 1) * width * vocabulary))


def window(place: int, tokens: int, most: int) -> tuple[int, int]:
    """The places, from and up to, that are answered together with one: `window(7, 20, 6)` is 6, 12.

    Neighbors share their window, so that going from one to the next asks nothing anew.
    """
    start = place // most * most
    return start, min(tokens, start + most)


def commitment(
    lens: Lens, states: Float[np.ndarray, "layers_plus_1 token width"], start: int, end: int
) -> Commitment:
    """Read the places from `start` up to `end`."""
    layers = len(states) - 1
    ids, probabilities, settled = [], [], []
    one = lens(states[:, start])  # says how large a vocabulary is
    step = max(1, HELD // one.size)
    for first in range(start, end, step):
        some = states[:, first : min(end, first + step)]
        logits = lens(some.reshape(-1, some.shape[-1])).reshape(layers + 1, some.shape[1], -1)
        tops = logits.argmax(axis=-1)
        ids.append(tops[-1])
        probabilities.append(_likely(logits[-1]))
        settled.append(since(tops))
    return Commitment(
        np.arange(start, end),
        np.concatenate(ids),
        np.concatenate(probabilities),
        np.concatenate(settled),
        layers,
    )


def since(tops: Int[np.ndarray, "layers_plus_1 place"]) -> Int[np.ndarray, "place"]:
    """The row from which on the last row's ids stand: `since([[3], [5], [5]])` is [1]."""
    others = np.asarray(tops)[:-1] != np.asarray(tops)[-1]
    last = others.shape[0] - others[::-1].argmax(axis=0)
    return np.where(others.any(axis=0), last, 0)


def _likely(logits: Float[np.ndarray, "place vocabulary"]) -> Float[np.ndarray, "place"]:
    """The probability of the first token."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (1 / powers.sum(axis=-1)).astype(np.float32)
