"""What a head is compared with: a uniform one, and one that treats every query alike.

In: weights `[.., query, key]` and the cells that are open. Out: weights of the same shape, shares
of columns, attention sinks, links from word to word with what everybody else gives the same word.
Runs no model.

A head may put much weight on a word without any word choosing it: nearly every query attends to
that column. Uniform attention does not show this; the mean of the column does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.values import Frozen

SINK = 0.3
"""Mean weight of a column from which it is called a sink (Gu et al. 2025, "When attention sink
emerges in language models")."""
FEWEST = 4
"""Queries that must be able to attend to a column before it is called a sink."""


def uniform_baseline(
    open_cells: Bool[np.ndarray, "query key"],
) -> Float[np.ndarray, "query key"]:
    """The head that attends to every open key alike."""
    return (open_cells / np.maximum(open_cells.sum(axis=-1, keepdims=True), 1)).astype(np.float32)


def column_means(
    weights: Float[np.ndarray, "*stack query key"], open_cells: Bool[np.ndarray, "query key"]
) -> Float[np.ndarray, "*stack key"]:
    """What each key gets on average from the queries that may attend to it."""
    seen = np.where(open_cells, weights, np.float32(0)).sum(axis=-2)
    return (seen / np.maximum(open_cells.sum(axis=0), 1)).astype(np.float32)


def column_baseline(
    weights: Float[np.ndarray, "*stack query key"], open_cells: Bool[np.ndarray, "query key"]
) -> Float[np.ndarray, "*stack query key"]:
    """The head with the same columns that treats every query alike.

    Each row holds the means of the open columns, scaled to sum to 1.
    """
    means = column_means(weights, open_cells)[..., None, :]
    rows = np.where(open_cells, means, np.float32(0))
    sums = rows.sum(axis=-1, keepdims=True)
    return (rows / np.where(sums > 0, sums, 1.0)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Sink:
    """A key to which nearly every query attends: its place, its mean weight, the uniform mean."""

    key: int
    mean: float
    uniform: float


def sink(
    weights: Float[np.ndarray, "query key"], open_cells: Bool[np.ndarray, "query key"]
) -> Sink | None:
    """The attention sink of a head, if it has one.

    A key counts when its column has a mean of `SINK` or more, at least twice that of uniform
    attention, over `FEWEST` queries or more, and when half of them give it `SINK` each: one query
    that gives it everything makes no sink.
    """
    means = column_means(weights, open_cells)
    level = column_means(uniform_baseline(open_cells), open_cells)
    giving = ((weights >= SINK) & open_cells).sum(axis=0)
    count = open_cells.sum(axis=0)
    found = (means >= SINK) & (means >= 2 * level) & (count >= FEWEST) & (2 * giving >= count)
    if not found.any():
        return None
    key = int(np.where(found, means, -1.0).argmax())
    return Sink(key, float(means[key]), float(level[key]))


@dataclass(frozen=True, eq=False, slots=True)
class Links(Frozen):
    """From a word to a word in every head: its weight, and what all others give the same word.

    `others` is the mean over the other queries that may attend to it, NaN where there are none;
    `open` says whether the word may attend to the other at all; `uniform` is what a uniform head
    would give.
    """

    weight: Float[np.ndarray, "*stack"]
    others: Float[np.ndarray, "*stack"]
    uniform: float
    open: bool

    @property
    def excess(self) -> Float[np.ndarray, "*stack"]:
        """How far the link exceeds what everybody gives; uniform attention where nobody else is."""
        level = np.where(np.isfinite(self.others), self.others, self.uniform)
        return (self.weight - level).astype(np.float32)


def links(
    weights: Float[np.ndarray, "*stack query key"],
    open_cells: Bool[np.ndarray, "query key"],
    queries: Sequence[int],
    keys: Sequence[int],
) -> Links:
    """From some queries to some keys (the tokens of a word each) in every head of a stack.

    The mean over the queries of the sum over the keys, as when tokens are merged into words.
    """
    columns = list(keys)
    given = np.where(open_cells, weights, np.float32(0))[..., columns].sum(axis=-1)
    level = uniform_baseline(open_cells)[:, columns].sum(axis=-1)
    able = open_cells[:, columns].any(axis=-1)
    own = np.isin(np.arange(weights.shape[-2]), list(queries))
    others = able & ~own
    nobody = np.full(weights.shape[:-2], np.nan, dtype=np.float32)
    return Links(
        weight=given[..., own].mean(axis=-1).astype(np.float32),
        others=given[..., others].mean(axis=-1).astype(np.float32) if others.any() else nobody,
        uniform=float(level[own].mean()),
        open=bool((able & own).any()),
    )
