"""Heads that stand out in a text: measured, and compared with two baselines.

In: the attention of a layer and its tokens. Out: every measure of every head, with what a uniform
head scores and what the head would score if it treated every query alike; the heads that exceed
both. Runs no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.attention.baselines import Sink, column_baseline, sink, uniform_baseline
from engine.attention.heads import MEASURES, Measure, allowed, measure
from engine.values import Attention, Frozen, Kind, Tokens

LEAST = 0.1
"""By how much a head must exceed its baselines to be called notable."""
PLAIN = ("same", "local")
"""Patterns that come after all others: a token itself, and a window of neighbours, which contains
the previous and the next token."""


@dataclass(frozen=True, eq=False, slots=True)
class Measured(Frozen):
    """Every measure of every head of a layer; names and formulas are those of `MEASURES`.

    `uniform` is what a head scores that attends to every open key alike, `columns` what the same
    head would score if it gave each column its mean whatever the query. `sinks` has for each head
    the key to which nearly every query attends.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "measure head"]
    uniform: Float[np.ndarray, "measure"]
    columns: Float[np.ndarray, "measure head"]
    sinks: tuple[Sink | None, ...]

    def of(self, name: str) -> Float[np.ndarray, "head"]:
        """One measure of every head."""
        return self.values[self.names.index(name)]

    def baseline(self, name: str) -> Float[np.ndarray, "head"]:
        """What a head has to exceed in a measure: the higher one of the two baselines."""
        place = self.names.index(name)
        return np.fmax(self.columns[place], self.uniform[place])


def measured(attention: Attention, *, kind: Kind, queries: Tokens, keys: Tokens) -> Measured:
    """Every measure of every head of a layer, with its baselines."""
    open_cells = allowed(kind, len(queries), len(keys), attention)
    given = {"kind": kind, "queries": queries, "keys": keys, "open_cells": open_cells}
    found = measure(attention.weights, **given)
    level = measure(uniform_baseline(open_cells), **given)
    columns = measure(column_baseline(attention.weights, open_cells), **given)
    return Measured(
        names=tuple(found),
        values=np.stack(list(found.values())).astype(np.float32),
        uniform=np.array([float(level[name]) for name in found], dtype=np.float32),
        columns=np.stack([columns[name] for name in found]).astype(np.float32),
        sinks=tuple(sink(one, open_cells) for one in attention.weights),
    )


@dataclass(frozen=True, slots=True)
class Best:
    """The head of a model that a measure singles out in a text; layer and head from 0.

    `uniform` and `columns` are the baselines: a uniform head, and this head blind to the query.
    """

    measure: Measure
    layer: int
    head: int
    value: float
    uniform: float
    columns: float

    @property
    def lift(self) -> float:
        """How far the head exceeds the higher one of its baselines."""
        return self.value - max(self.uniform, self.columns)


def strongest(values: Float[np.ndarray, "layer head"]) -> tuple[int, int]:
    """Layer and head (from 0) of the largest of these numbers; what is not finite is left out."""
    known = np.where(np.isfinite(values), values, -np.inf)
    layer, head = np.unravel_index(int(known.argmax()), known.shape)
    return int(layer), int(head)


def standing_out(layers: Sequence[Measured], *, least: float = LEAST) -> list[Best]:
    """For each measure the head that exceeds its baselines most, the clearest first.

    Heads that relate a token to another come before `PLAIN` ones. What exceeds its baselines by
    less than `least` is left out, as is the entropy: any head may be uniform.
    """
    found = []
    for one in MEASURES:
        if one.name == "broad" or not layers or one.name not in layers[0].names:
            continue
        values = np.stack([layer.of(one.name) for layer in layers])
        lifts = values - np.stack([layer.baseline(one.name) for layer in layers])
        layer, head = strongest(lifts)
        if lifts[layer, head] >= least:
            at = layers[layer].names.index(one.name)
            level = float(layers[layer].uniform[at])
            columns = float(np.nan_to_num(layers[layer].columns[at, head], nan=level))
            found.append(Best(one, layer, head, float(values[layer, head]), level, columns))
    return sorted(found, key=lambda best: (best.measure.name in PLAIN, -best.lift))


def most_notable(layers: Sequence[Measured]) -> Best | None:
    """The head to show before anybody chooses: the clearest that relates a token to another."""
    return next(iter(standing_out(layers)), None)


def role(found: Measured, head: int) -> Measure | None:
    """The measure of shares that stands out most from a uniform head, or None when none does.

    `local` is chosen only when no single neighbour explains it, as it contains both of them;
    `induction` needs more than the rest, as few tokens of a short text come back.
    """
    lift = {
        one.name: float(found.of(one.name)[head] - found.uniform[found.names.index(one.name)])
        for one in MEASURES
        if one.share and one.name in found.names and np.isfinite(found.of(one.name)[head])
    }
    for name in ("local", "induction"):
        if name in lift:
            lift[name] -= 0.1
    best = max(lift, key=lambda name: lift[name], default=None)
    if best is None or lift[best] < LEAST:
        return None
    return next(one for one in MEASURES if one.name == best)
