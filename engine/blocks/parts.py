"""One block, opened: hidden units, what each sub-layer adds to the residual stream, and to what.

In: a bundle, a `Reading`, a layer and the hidden states that enter and leave it. Out: `Parts` of
every token, from one run of that block alone: the finished graph is cut where `anatomy` says that
the parts are, so models that were exported before anybody asked for them have them too. `updates`
walks through all blocks and keeps lengths and angles only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.blocks.anatomy import Anatomy, Sublayer, anatomy
from engine.errors import NotOffered
from engine.models.runtime import Bundle
from engine.trace import sides
from engine.trace.outputs import rows
from engine.trace.running import run, tokens
from engine.values import Frozen, Reading, Side

ORDER: tuple[Sublayer, ...] = ("attention", "cross-attention", "feed-forward")


@dataclass(frozen=True, eq=False, slots=True)
class Update(Frozen):
    """What a sub-layer adds to each token's vector, and what it is added to."""

    sublayer: Sublayer
    vector: Float[np.ndarray, "token width"]
    into: Float[np.ndarray, "token width"]


@dataclass(frozen=True, eq=False, slots=True)
class Parts(Frozen):
    """A block of one side, 0-based `index`, opened.

    `units` are the hidden units of the feed-forward network after its nonlinearity (of gated ones
    the product), `reads` is what enters the network, after the norm where the norm comes before.
    Both are None for a mixture of experts. `parallel`: the network reads the stream that the
    attention reads. `normed_after`: every sum is normalized, so what leaves is no plain sum.
    """

    index: int
    updates: tuple[Update, ...]
    units: Float[np.ndarray, "token unit"] | None
    reads: Float[np.ndarray, "token width"] | None
    leaving: Float[np.ndarray, "token width"]
    parallel: bool
    normed_after: bool

    def of(self, sublayer: Sublayer) -> Update | None:
        """What a sub-layer adds; None where the block has none or hides it."""
        return next((one for one in self.updates if one.sublayer == sublayer), None)

    def sizes(self, position: int) -> Float[np.ndarray, "3 update"]:
        """At a token: lengths of all that is added, of what it is added to, and their cosines."""
        added = np.stack([one.vector[position] for one in self.updates])
        into = np.stack([one.into[position] for one in self.updates])
        norms, there = _lengths(added), _lengths(into)
        cosines = (added * into).sum(axis=-1) / np.maximum(norms * there, 1e-30)
        return np.stack([norms, there, cosines])


@dataclass(frozen=True, eq=False, slots=True)
class Updates(Frozen):
    """Lengths and angles of what every sub-layer adds, for every token.

    `norms` are the lengths of what is added, `into` of what it is added to, `cosines` the cosine of
    the two; NaN where a block could not be opened. `stream` is the length of what enters layer 1
    and of what leaves every layer.
    """

    sublayers: tuple[Sublayer, ...]
    norms: Float[np.ndarray, "layer sublayer token"]
    into: Float[np.ndarray, "layer sublayer token"]
    cosines: Float[np.ndarray, "layer sublayer token"]
    stream: Float[np.ndarray, "layers_plus_1 token"]

    def largest(self, token: int) -> tuple[int, Sublayer]:
        """The layer (0-based) and the sub-layer that add the longest vector to a token."""
        here = self.norms[:, :, token]
        if not np.isfinite(here).any():
            raise NotOffered("What the parts of these blocks add cannot be told apart.")
        layer, which = np.unravel_index(int(np.nanargmax(here)), here.shape)
        return int(layer), self.sublayers[int(which)]


def parts(
    bundle: Bundle,
    reading: Reading,
    side: Side,
    index: int,
    states: Float[np.ndarray, "layers_plus_1 token width"],
) -> Parts:
    """Open one block; `states` is the residual stream of this reading. The price of one layer."""
    found = where(bundle, side, index)
    cut = tokens(bundle, reading, side)
    names = _names(found)
    leaving, entering = states[index + 1], states[index]
    if not names:
        return Parts(index, (), None, None, leaving, False, False)
    with bundle.used():
        part = bundle.part(sides.graph(bundle.card, side), [found.start], names)
        given = {found.start: entering}
        got = run(bundle, reading, side, cut, names, part=part, given=given)
    flat = {name: rows(got[name], len(cut)) for name in names}
    return Parts(
        index=index,
        updates=_updates(found, flat, entering),
        units=flat[found.units] if found.units else None,
        reads=flat[found.entering] if found.entering else None,
        leaving=leaving,
        parallel=found.parallel,
        normed_after=found.normed_after,
    )


def weight(states: int, tokens: int, width: int) -> int:
    """About how many bytes all opened blocks of a text hold: units are four times the width."""
    return 4 * (states - 1) * tokens * width * 9


def where(bundle: Bundle, side: Side, index: int) -> Anatomy:
    """Where the graph of a side keeps the parts of a block."""
    count = sides.stack(bundle.card, side).layers
    if not 0 <= index < count:
        raise NotOffered(f"{bundle.card.title} has layers 1 to {count}, not {index + 1}.")
    whole = bundle.whole(sides.graph(bundle.card, side))
    return Anatomy(f"hidden.{index}") if whole is None else anatomy(whole, index)


def updates(
    every: Iterable[Parts], stream: Float[np.ndarray, "layers_plus_1 token width"]
) -> Updates:
    """Lengths and cosines of what all blocks add, one block after another."""
    shape = (len(stream) - 1, len(ORDER), stream.shape[1])
    norms, into, cosines = (np.full(shape, np.nan, np.float32) for _ in range(3))
    for block in every:
        for one in block.updates:
            at = block.index, ORDER.index(one.sublayer)
            norms[at], into[at] = _lengths(one.vector), _lengths(one.into)
            products = (one.vector * one.into).sum(axis=-1)
            cosines[at] = products / np.maximum(norms[at] * into[at], 1e-30)
    kept = [at for at in range(len(ORDER)) if np.isfinite(norms[:, at]).any()]
    return Updates(
        tuple(ORDER[at] for at in kept),
        norms[:, kept],
        into[:, kept],
        cosines[:, kept],
        _lengths(stream),
    )


def _updates(
    found: Anatomy, flat: dict[str, np.ndarray], entering: Float[np.ndarray, "token width"]
) -> tuple[Update, ...]:
    given, stream = [], entering
    for one in found.added:
        vector = np.asarray(sum(flat[name] for name in one.values), dtype=np.float32)
        into = flat[one.into] if one.into else entering if found.parallel else stream
        given.append(Update(one.sublayer, vector, into))
        stream = stream + vector
    return tuple(given)


def _names(found: Anatomy) -> list[str]:
    names = [name for one in found.added for name in (*one.values, one.into)]
    return [name for name in dict.fromkeys([found.units, found.entering, *names]) if name]


def _lengths(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=-1)
