"""Whether a model can tell the words of a text in another order, layer by layer.

In: what gives the hidden states of a changed model, the tokens, an order. Out: `Orders`: at each
layer the largest difference to the same words in another order, once that order is undone. An
encoder without positions gives the same numbers, permuted: attention is a sum over a set (Vaswani
et al. 2017, section 3.5). A decoder does not: its mask alone tells order (Haviv et al. 2022,
"Transformer Language Models without Positional Encodings Still Learn Positional Information").
Knows nothing of graphs and bundles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from engine.errors import NotOffered
from engine.values import Change, Frozen, Side, Tokens

Positions = Literal["off", "shuffled"]
States = Float[np.ndarray, "layers_plus_1 token width"]
SAME = 1e-4  # of the largest number: below it only the order of additions differs


@dataclass(frozen=True, eq=False, slots=True)
class Orders(Frozen):
    """One text and the same tokens in another order: there token i stands at `order[i]`.

    `as_made` and `changed` are the largest absolute differences of any number of any token's vector
    after each layer (0: what enters layer 1), with the order undone; `scale` is the largest number
    of the changed run there.
    """

    tokens: Tokens
    positions: Positions
    order: Int[np.ndarray, "token"]
    as_made: Float[np.ndarray, "layers_plus_1"]
    changed: Float[np.ndarray, "layers_plus_1"]
    scale: Float[np.ndarray, "layers_plus_1"]

    @property
    def same(self) -> bool:
        """Whether the changed model gives the same numbers, permuted: all but rounding."""
        return bool((self.changed <= SAME * np.maximum(self.scale, 1)).all())


def compared(
    states: Callable[[Change | None], States],
    tokens: Tokens,
    order: tuple[int, ...],
    side: Side,
    positions: Positions,
) -> Orders:
    """Read the words as they are and in another order, as made and changed.

    With positions "off" both readings are without; with "shuffled" the words stay and only their
    positions are put in that order, which is compared with the intact model on the moved words.
    """
    if int(tokens.own.sum()) < 2:
        raise NotOffered("There is one token only, which can stand in one order: type two words.")
    there = Change(side, order=order, moved=True)
    moved = states(there)
    if positions == "off":
        own = states(Change(side, positions="off"))
        other = states(Change(side, positions="off", order=order, moved=True))
    else:
        own, other = states(Change(side, positions="shuffled", order=order)), moved
    undone = list(order)
    return Orders(
        tokens=tokens,
        positions=positions,
        order=np.array(order, dtype=np.int64),
        as_made=_largest(states(None) - moved[:, undone]),
        changed=_largest(own - other[:, undone]),
        scale=_largest(own),
    )


def _largest(numbers: States) -> Float[np.ndarray, "layers_plus_1"]:
    return np.abs(numbers).max(axis=(1, 2))
