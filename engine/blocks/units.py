"""What hidden units of a feed-forward network push up and down in the vocabulary.

In: an opened block, a position, units. Out: for each its activation, its output vector, and what
activation times vector adds to the logits of this position on the way straight to the output
matrix: through the final norm, divided by the length that the stream has there, then the output
matrix (Geva et al. 2022, "Transformer Feed-Forward Layers Build Predictions by Promoting Concepts
in the Vocabulary Space", section 2, with the final norm held as Elhage et al. 2021, "A Mathematical
Framework for Transformer Circuits"). Left out is what later layers make of it.

The numbers of a vector are read out of the graph itself: its second product is asked for one unit
at a time, whatever form its weights are kept in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from engine.blocks.parts import Parts, where
from engine.errors import NotOffered
from engine.models.runtime import Bundle
from engine.trace import sides
from engine.values import Frozen, Side

BEST = 5  # tokens pushed most, up and down
MOST = 16  # units asked for at once
STEP = 0.01  # of the stream's length, where a head is no product and its slope is measured
SAME = 1e-3  # relative difference of logits that still counts as none
BENT = 0.02  # share of an update that no multiple of the product explains

# How hidden states become logits: a norm and a product; a product alone; layers of its own.
Head = Literal["norm", "product", "own layers"]
Lens = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False, slots=True)
class Pushes(Frozen):
    """Units of a network at one position and what they do there to the logits.

    `raised` and `lowered` are ids, the one pushed most first, with logits that are added and taken;
    both are empty where the side predicts nothing. `lengths` are those of the units' vectors for an
    activation of 1. `normed`: a norm stands between the network and the stream, whose scale is
    not in the vectors.
    """

    units: Int[np.ndarray, "pushing"]
    activations: Float[np.ndarray, "pushing"]
    lengths: Float[np.ndarray, "pushing"]
    raised: Int[np.ndarray, "pushing best"]
    raised_by: Float[np.ndarray, "pushing best"]
    lowered: Int[np.ndarray, "pushing best"]
    lowered_by: Float[np.ndarray, "pushing best"]
    head: Head | None
    normed: bool


def strongest(parts: Parts, position: int, count: int) -> tuple[int, ...]:
    """The units (0-based) of largest activation at a position, whatever its sign."""
    if parts.units is None:
        raise NotOffered("The hidden units of this block cannot be told apart.")
    row = np.abs(parts.units[position])
    count = min(count, len(row))
    some = np.argpartition(-row, count - 1)[:count]
    return tuple(int(i) for i in some[np.argsort(-row[some], kind="stable")])


def pushes(
    bundle: Bundle,
    side: Side,
    parts: Parts,
    position: int,
    units: Sequence[int],
    last: Float[np.ndarray, "token width"],
    lens: Lens | None,
) -> Pushes:
    """What some units push; `last` leaves the last block, `lens` makes logits of such vectors."""
    activity = parts.units
    if activity is None:
        raise NotOffered("The hidden units of this block cannot be told apart.")
    if not 0 < len(units) <= MOST:
        raise NotOffered(f"{len(units)} units: 1 to {MOST} are looked at at once.")
    if not all(0 <= unit < activity.shape[1] for unit in units):
        raise NotOffered(f"This network has units 1 to {activity.shape[1]:,}.")
    vectors, normed = _vectors(bundle, side, parts, position, units)
    active = activity[position, list(units)]
    lengths = np.linalg.norm(vectors, axis=-1)
    found = np.zeros((len(units), 0), np.float32)
    head: Head | None = None
    if lens is not None:
        found, head = effects(lens, vectors, active, last[position])
    count = min(BEST, found.shape[1])
    up, down = _best(found, count), _best(-found, count)
    return Pushes(
        units=np.array(units),
        activations=active,
        lengths=lengths,
        raised=up,
        raised_by=np.take_along_axis(found, up, axis=1),
        lowered=down,
        lowered_by=np.take_along_axis(found, down, axis=1),
        head=head,
        normed=normed,
    )


def effects(
    lens: Lens,
    vectors: Float[np.ndarray, "unit width"],
    active: Float[np.ndarray, "unit"],
    stream: Float[np.ndarray, "width"],
) -> tuple[Float[np.ndarray, "unit vocabulary"], Head]:
    """Logits that each unit adds at a place whose stream leaves the last block as `stream`.

    A norm with gain g makes of x + a v, its scale s(x) held, g (x + a v) / s(x): the logits of
    a g v / s(x) are those of v alone times a s(v) / s(x), which needs nothing of the graph but what
    it answers. A head with layers of its own is measured by its slope at x along a v.
    """
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-30)
    size = max(float(np.linalg.norm(stream)), 1e-30)
    sized = (vectors / lengths * size).astype(np.float32)
    factor = active[:, None] * lengths / size
    head, scale = _kind(lens, sized[0])
    if head == "own layers":
        ways = factor * sized
        by = STEP * size / np.maximum(np.linalg.norm(ways, axis=-1, keepdims=True), 1e-30)
        ends = lens(np.concatenate([stream + by * ways, stream - by * ways]).astype(np.float32))
        return (ends[: len(ways)] - ends[len(ways) :]) / (2 * by), head
    read = lens(np.concatenate([sized, 0 * sized[:1]]))
    change = (read[:-1] - read[-1]) * factor
    return change * (scale(sized) / np.maximum(scale(stream[None]), 1e-30)), head


def _kind(
    lens: Lens, probe: Float[np.ndarray, "width"]
) -> tuple[Head, Callable[[np.ndarray], np.ndarray]]:
    """What kind of head this is, found by asking it, and the scale that its norm divides by."""
    other = np.roll(probe, 1)[::-1] * np.float32(0.5)
    shift = np.float32(np.sqrt((probe**2).mean()))
    asked = np.stack([0 * probe, probe, 2 * probe, probe + shift, other, probe + other])
    read = lens(asked)
    one, twice, shifted, beside, both = read[1:] - read[0]
    if not _alike(twice, one):
        scale, head = _none, "product"
    else:
        scale, head = (_deviation if _alike(shifted, one) else _length), "norm"
    sizes = scale(asked)[:, 0]
    # What is left must be a product: of a sum it gives the sum. A soft cap does not.
    plain = _alike(both * sizes[5], one * sizes[1] + beside * sizes[4])
    return (head if plain else "own layers"), scale


def _none(vectors: np.ndarray) -> np.ndarray:
    return np.ones((len(vectors), 1), np.float32)


def _deviation(vectors: np.ndarray) -> np.ndarray:
    return vectors.std(axis=-1, keepdims=True)


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors**2).mean(axis=-1, keepdims=True))


def _vectors(
    bundle: Bundle, side: Side, parts: Parts, position: int, units: Sequence[int]
) -> tuple[Float[np.ndarray, "unit width"], bool]:
    """What each unit adds to the stream for an activation of 1, and whether a norm is in between.

    Some models multiply what the network gives before it is added: how much is seen at two tokens.
    """
    found = where(bundle, side, parts.index)
    assert found.given and found.product and parts.units is not None
    count = parts.units.shape[1]
    other = 0 if position else min(1, len(parts.units) - 1)
    asked = np.zeros((len(units) + 3, count), np.float32)
    asked[np.arange(len(units)), list(units)] = 1
    asked[-2:] = parts.units[[position, other]]
    part = bundle.part(sides.graph(bundle.card, side), [found.given], [found.product])
    with bundle.opened(sides.graph(bundle.card, side), part) as session:
        feeds = {found.given: asked.astype(session.dtype(found.given))}
        for name, node in session.inputs.items():
            if name not in feeds:  # products of halves wait for a condition that is always true
                one = [size if isinstance(size, int) else 1 for size in node.shape]
                feeds[name] = np.ones(one, session.dtype(name))
        got = session.run(feeds, [found.product])[found.product].astype(np.float32)
    got = got.reshape(len(asked), -1)
    vectors = got[: len(units)] - got[len(units)]
    added = parts.of("feed-forward")
    if added is None or other == position:
        return vectors, False
    seen, made = added.vector[position] - added.vector[other], got[-2] - got[-1]
    factor = float(seen @ made) / max(float(made @ made), 1e-30)
    rest = np.linalg.norm(seen - factor * made) / max(float(np.linalg.norm(seen)), 1e-30)
    return (vectors, True) if rest > BENT else (vectors * np.float32(factor), False)


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    return float(np.abs(a - b).max()) <= SAME * max(float(np.abs(b).max()), 1e-30)


def _best(values: Float[np.ndarray, "unit vocabulary"], count: int) -> np.ndarray:
    if not count:
        return np.zeros((len(values), 0), np.int64)
    some = np.argpartition(-values, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(values, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)
