"""A long text read block by block, so that the first heads are on the screen at once.

In: a bundle and a reading. Out: one `Passed` after another: small pictures of a block's heads,
their measures, and what leaves it. A whole walk costs what one run costs, may be stopped between
blocks, and lets other people's runs in between. With what entered a block (kept by who calls),
`tracing.block` gives that block exactly for the price of one layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.attention import notable
from engine.attention.notable import Measured
from engine.models.runtime import Bundle
from engine.trace import tracing
from engine.values import Frozen, Kind, Overview, Reading, Side

CELLS = 64  # of a small picture's side, at most


@dataclass(frozen=True, eq=False, slots=True)
class Passed(Frozen):
    """One block: its heads averaged in blocks of tokens, and what leaves it."""

    index: int
    pictures: Float[np.ndarray, "head row column"]
    hidden: Float[np.ndarray, "token width"]
    measures: Measured


def walk(
    bundle: Bundle,
    reading: Reading,
    kind: Kind,
    cells: int = CELLS,
    *,
    start: int = 0,
    entering: Float[np.ndarray, "token width"] | None = None,
) -> Iterator[Passed]:
    """Every block in turn; in each measure the last number is an even head's.

    A walk that was stopped goes on at block `start` with what enters it.
    """
    side: Side = "encoder" if kind == "encoder" else "decoder"
    queries = tracing.tokens(bundle, reading, side)
    keys = tracing.tokens(bundle, reading, "encoder") if kind == "cross" else queries
    size = block_size(len(queries), len(keys), cells)
    for layer in tracing.passing(bundle, reading, side, start, entering):
        found = tracing.of_kind(layer, kind)
        yield Passed(
            index=layer.index,
            pictures=in_blocks(found.weights, size),
            hidden=layer.hidden,
            measures=notable.measured(found, kind=kind, queries=queries, keys=keys),
        )


def overview(bundle: Bundle, reading: Reading, kind: Kind, cells: int = CELLS) -> Overview:
    """Every head of a kind, averaged in blocks so that no picture has more than `cells` a side.

    A long text is read block by block, so that little is held at a time.
    """
    side: Side = "encoder" if kind == "encoder" else "decoder"
    n_query = len(tracing.tokens(bundle, reading, side))
    n_key = len(tracing.tokens(bundle, reading, "encoder")) if kind == "cross" else n_query
    size = block_size(n_query, n_key, cells)
    if tracing.together(bundle.card, n_query, side):
        every = tracing.weights(bundle, reading, kind)
    else:
        passed = tracing.passing(bundle, reading, side)
        every = (tracing.of_kind(layer, kind).weights for layer in passed)
    return gathered(every, kind, size)


def gathered(
    every: Iterable[Float[np.ndarray, "head query key"]], kind: Kind, size: int
) -> Overview:
    """The weights of every layer in blocks of `size` x `size` tokens."""
    return Overview(kind=kind, block=size, weights=np.stack([in_blocks(w, size) for w in every]))


def block_size(n_query: int, n_key: int, cells: int) -> int:
    """Tokens in a block of a picture that has at most `cells` a side."""
    return max(1, -(-max(n_query, n_key) // cells))


def in_blocks(
    weights: Float[np.ndarray, "head query key"], size: int
) -> Float[np.ndarray, "head row column"]:
    """Averages of size x size cells; blocks at the edge average the cells they have."""
    if size == 1:
        return weights
    # Rows first: sums of whole rows are quick, and leave little for the columns.
    return _means(_means(weights, size).swapaxes(1, 2), size).swapaxes(1, 2)


def _means(values: Float[np.ndarray, "head n m"], size: int) -> Float[np.ndarray, "head block m"]:
    """Means of `size` neighbours along the middle axis; the last of them may have fewer."""
    heads, n, m = values.shape
    whole = n - n % size
    found = values[:, :whole].reshape(heads, -1, size, m).mean(axis=2)
    if whole == n:
        return found
    return np.concatenate([found, values[:, whole:].mean(axis=1, keepdims=True)], axis=1)
