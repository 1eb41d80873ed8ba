"""A model that computes otherwise than it was made: without positions, without its mask.

In: a bundle and a `Change`. Out: where in its graph positions and mask enter (`Places`), the arrays
that are put there instead, and tokens in another order. Nothing in a bundle's files is changed:
the graph is opened once more, with those tensors as inputs (`models.altered`).

Where positions enter is read from the graph: vectors that are added are its output
`embedded.position`; angles of rotary positions are what its cosines are taken of; a bias of
distances, learned or ALiBi's, is added to the scores, as the mask is, and unlike it is no choice
between two numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
from jaxtyping import Int

from engine.errors import NotOffered, TextTooLong
from engine.models.bundle import Card
from engine.models.runtime import Bundle
from engine.models.slicing import Node, Whole
from engine.trace import sides
from engine.values import Change, Side, Tokens

MOST = 256  # tokens: all of a changed run is computed anew, nothing of it block by block
ADDED = "embedded.position"
THROUGH = ("Cast", "Expand", "Identity", "Slice", "Unsqueeze")  # a mask stays one in these
Kind = Literal["added", "rotary", "bias", ""]
OF_CARDS: dict[Kind, tuple[str, ...]] = {
    "added": ("learned", "sinusoidal"),
    "rotary": ("rotary",),
    "bias": ("relative", "alibi"),
}
"""What a card calls the positions that enter a graph in each way."""
SHUT = -1e4  # of a score: what is added there shuts a token out, as no bias of a distance does


@dataclass(frozen=True, slots=True)
class Places:
    """Names of the tensors by which positions and mask enter a graph; `kind` is how positions do.

    Empty where the graph does not show it.
    """

    kind: Kind
    positions: tuple[str, ...]
    masks: tuple[str, ...]


def of(change: Change | None, card: Card, side: Side) -> Change | None:
    """The change that holds for a side of a model, if any."""
    if change is None or (sides.two(card) and change.side != side):
        return None
    return change


def places(whole: Whole, layers: int) -> Places:
    """Where positions and mask enter a graph of so many layers."""
    producers = {name: node for node in whole.nodes for name in node.outputs}
    biases, masks = _addends(producers, layers)
    angles = dict.fromkeys(_needed(node)[0] for node in whole.nodes if node.operation == "Cos")
    if ADDED in whole.outputs:
        return Places("added", (ADDED,), masks)
    for kind, names in (("rotary", tuple(angles)), ("bias", biases)):
        if names:
            return Places(kind, names, masks)  # type: ignore[arg-type]
    return Places("", (), masks)


def offered(bundle: Bundle, side: Side) -> Places:
    """`places` of the graph of a side; empty what it does not show as its card says it."""
    whole = bundle.whole(sides.graph(bundle.card, side))
    if whole is None:
        return Places("", (), ())
    found = places(whole, sides.stack(bundle.card, side).layers)
    if bundle.card.positions not in OF_CARDS.get(found.kind, ()):
        return Places("", (), found.masks)
    return found


def names(bundle: Bundle, side: Side, change: Change) -> tuple[str, ...]:
    """The tensors that a change gives. Raises `NotOffered` where the graph does not show them."""
    found, chosen = offered(bundle, side), list[str]()
    title = bundle.card.title
    if change.positions != "kept":
        if not found.positions:
            raise NotOffered(
                f"{title} has {bundle.card.positions} positions that cannot be told apart in its "
                "graph, so they cannot be changed here."
            )
        chosen += found.positions
    if not change.masked:
        if bundle.card.decoder is None or (sides.two(bundle.card) and side == "encoder"):
            raise NotOffered(f"{title} has no mask here: each token attends to all others anyway.")
        if not found.masks:
            raise NotOffered(f"The graph of {title} does not show its mask, so it stays on.")
        chosen += found.masks
    return tuple(dict.fromkeys(chosen))


def given(
    change: Change, as_made: Mapping[str, np.ndarray], masks: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """What stands in place of tensors, by name, out of what the model would have computed.

    Raises `NotOffered` where a mask is none, or a bias of distances shuts tokens out.
    """
    found = {}
    for name, made in as_made.items():
        shuts = bool(made.min(initial=0.0) <= SHUT)
        if (name in masks and made.min(initial=0.0) < 0 and not shuts) or (
            name not in masks and shuts
        ):
            raise NotOffered("The graph of this model is built otherwise: it cannot be changed.")
        if name in masks or change.positions == "off":
            found[name] = np.zeros_like(made)
        else:
            found[name] = _shuffled(made, change.order, bias=made.ndim == 4)
    return found


def ordered(found: Tokens, change: Change | None) -> Tokens:
    """The tokens, token i at the place `order[i]` where the change moves them."""
    if change is None or not change.moved:
        return found
    _check_order(change.order, len(found))
    first = np.argsort(np.array(change.order, dtype=np.int64))
    return replace(
        found,
        ids=found.ids[first],
        pieces=tuple(found.pieces[i] for i in first),
        spans=found.spans[first],
        special=found.special[first],
        unknown=found.unknown[first],
        segments=found.segments[first],
        data=tuple(found.data[i] for i in first),
    )


def check_length(card: Card, count: int) -> None:
    """Refuse a text that is too long to be read by a changed model."""
    if count > MOST:
        raise TextTooLong(
            f"The text is {count:,} tokens long; a changed {card.title} reads at most {MOST}. "
            f"Shorten it by about {count - MOST:,} tokens."
        )


def shuffle(tokens: Tokens, seed: int) -> tuple[int, ...]:
    """An order in which every token of the text, but no mark, stands at another's place.

    The same seed gives the same order; with one token of its own there is none but its own.
    """
    own = np.flatnonzero(tokens.own)
    order = np.arange(len(tokens))
    rng = np.random.default_rng(seed)
    # Where each goes to the place of the one after it in a random ring, nobody stays.
    ring = rng.permutation(own)
    order[ring] = np.roll(ring, -1)
    return tuple(order.tolist())


def _check_order(order: tuple[int, ...], count: int) -> None:
    if sorted(order) != list(range(count)):
        raise ValueError(f"order must be a permutation of {count} places, got {len(order)}")


def _shuffled(made: np.ndarray, order: tuple[int, ...], *, bias: bool) -> np.ndarray:
    """Rows by token in another order; of a bias [batch, head, query, key] both, if it has both."""
    places: Int[np.ndarray, "token"] = np.array(order, dtype=np.int64)
    if not bias:
        _check_order(order, made.shape[-2])
        return np.ascontiguousarray(np.take(made, places, axis=-2))
    _check_order(order, made.shape[-1])
    moved = np.take(made, places, axis=-1)
    if made.shape[-2] == len(places):
        moved = np.take(moved, places, axis=-2)
    return np.ascontiguousarray(moved)


# --- Reading a graph ---------------------------------------------------------------------------


def _addends(producers: Mapping[str, Node], layers: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is added to the scores of any layer: biases of distances, masks."""
    biases, masks = dict[str, None](), dict[str, None]()

    for layer in range(layers):
        query = {f"layer.{layer}.query", f"layer.{layer}.query.whole"}

        @cache
        def follows(name: str, query: frozenset[str] = frozenset(query)) -> bool:
            """Whether a tensor is computed from this layer's queries."""
            if name in query:
                return True
            node = producers.get(name)
            if node is None or name.startswith("hidden."):
                return False
            return any(follows(one) for one in _needed(node))

        name = f"layer.{layer}.scores"
        while (node := producers.get(name)) is not None and node.operation != "MatMul":
            needed = _needed(node)
            onward = [one for one in needed if follows(one)]
            if len(onward) != 1:
                break
            if node.operation == "Add":
                for one in needed:
                    if one not in onward and one in producers:
                        (masks if _chosen(one, producers) else biases)[one] = None
            name = onward[0]
    return tuple(biases), tuple(masks)


def _needed(node: Node) -> tuple[str, ...]:
    return tuple(name for name in node.inputs if name)


def _chosen(name: str, producers: Mapping[str, Node]) -> bool:
    """Whether a tensor is a choice between two numbers, as a mask is, be it cut or cast."""
    node = producers.get(name)
    while node is not None and node.operation in (
        "Slice",
        "Cast",
        "Expand",
        "Unsqueeze",
        "Identity",
    ):
        node = producers.get(node.inputs[0])
    return node is not None and node.operation == "Where"
