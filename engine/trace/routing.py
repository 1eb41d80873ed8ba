"""Which experts of a mixture each token is sent to, block by block.

In: a bundle, a `Reading`, a side. Out: a `Routing` from one run of the graph. A graph gives the
weight of every expert; kept are the few that are not 0, so that the value stays small however many
experts there are. `used` counts them. Knows nothing of who asks.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from engine.errors import NotOffered
from engine.models.bundle import Card
from engine.models.runtime import Bundle
from engine.trace import quantities, sides
from engine.trace.outputs import rows
from engine.trace.running import run, tokens
from engine.values import Reading, Routing, Side

EXPERTS = quantities.find("experts", "router")


def routing(bundle: Bundle, reading: Reading, side: Side = "encoder") -> Routing:
    """The experts of every token of a side. Raises `NotOffered` for models without any."""
    card = bundle.card
    check(card)
    offered = bundle.session(sides.graph(card, side)).outputs
    layers = [k for k in range(sides.stack(card, side).layers) if EXPERTS.output(k) in offered]
    if not layers:
        raise NotOffered(f"No block of this side of {card.title} has experts.")
    cut = tokens(bundle, reading, side)
    found = run(bundle, reading, side, cut, [EXPERTS.output(k) for k in layers])
    chosen = [strongest(rows(found.pop(EXPERTS.output(k)), len(cut))) for k in layers]
    most = max(one.shape[1] for one, _ in chosen)
    return Routing(
        tokens=cut,
        layers=np.array(layers, dtype=np.int64),
        experts=np.stack([_widened(one, most, -1) for one, _ in chosen]),
        weights=np.stack([_widened(one, most, 0) for _, one in chosen]),
        count=card.experts,
    )


def check(card: Card) -> None:
    """Refuse a model without experts, or one that was exported before its routing was kept."""
    if not card.experts:
        raise NotOffered(
            f"{card.title} has no experts that tokens are sent to, or was exported before they "
            "were kept: export it again, if it is a mixture of experts."
        )


def strongest(
    weights: Float[np.ndarray, "token expert"],
) -> tuple[Int[np.ndarray, "token chosen"], Float[np.ndarray, "token chosen"]]:
    """The experts of each token by their weight, largest first; -1 and 0 where there are fewer.

    `strongest([[0, 0.3, 0.7], [0, 0, 1]])` is ([[2, 1], [2, -1]], [[0.7, 0.3], [1, 0]]).
    """
    most = max(1, int((weights > 0).sum(axis=1).max(initial=0)))
    order = np.argsort(-weights, axis=1, kind="stable")[:, :most]
    shares = np.take_along_axis(weights, order, axis=1)
    return np.where(shares > 0, order, -1), np.maximum(shares, 0).astype(np.float32)


def used(found: Routing, place: int) -> Int[np.ndarray, "expert"]:
    """How many tokens each expert takes in the block at `place` of `found.layers`."""
    chosen = found.experts[place]
    return np.bincount(chosen[chosen >= 0], minlength=found.count)


def _widened(part: np.ndarray, most: int, filler: int) -> np.ndarray:
    return np.pad(part, ((0, 0), (0, most - part.shape[1])), constant_values=filler)
