"""Attention: one head ready to be drawn, and what every head does with a text."""

from __future__ import annotations

import numpy as np

from engine.attention import baselines, heads, maps, notable
from engine.attention.baselines import Links
from engine.attention.notable import Best, Measured
from engine.errors import NotOffered
from engine.local.models import of
from engine.local.traces import Traces
from engine.store import cached
from engine.values import Attention, Kind, Reading


class Heads(Traces):
    """The part of `engine.api.Engine` about attention."""

    def attention(self, reading: Reading, kind: Kind, index: int) -> Attention:
        found = self.layer(reading, "encoder" if kind == "encoder" else "decoder", index)
        if kind != "cross":
            return found.attention
        if found.cross is None:
            raise NotOffered("This model has one tower, so no attention from one to the other.")
        return found.cross

    def attention_map(self, scene: maps.Scene) -> maps.Map:
        reading, kind = scene.reading, scene.kind
        queries, keys = self.sides(reading, kind)
        return maps.prepared(
            self.attention(reading, kind, scene.layer),
            scene.head,
            kind=kind,
            queries=queries,
            keys=keys,
            options=scene.options,
            below=lambda: np.stack(
                [self.attention(reading, kind, below).weights for below in range(scene.layer + 1)]
            ),
            several=lambda: np.stack(
                [
                    self.attention(reading, kind, at).weights[head]
                    for at, head in scene.options.several
                ]
            ),
        )

    def token_names(self, reading: Reading, kind: Kind) -> tuple[tuple[str, ...], tuple[str, ...]]:
        queries, keys = self.sides(reading, kind)
        return maps.labels(queries), maps.labels(keys)

    def measures(self, reading: Reading, kind: Kind, index: int) -> Measured:
        def make() -> Measured:
            queries, keys = self.sides(reading, kind)
            found = self.attention(reading, kind, index)
            return notable.measured(found, kind=kind, queries=queries, keys=keys)

        return cached(("measures", of(reading), kind, index), make)

    def notable_heads(self, reading: Reading, kind: Kind, layers: int) -> tuple[Best, ...]:
        found = [self.measures(reading, kind, index) for index in range(layers)]
        return tuple(notable.standing_out(found))

    def most_notable_head(self, reading: Reading, kind: Kind, layers: int) -> Best | None:
        return notable.most_notable([self.measures(reading, kind, at) for at in range(layers)])

    def links(
        self,
        reading: Reading,
        kind: Kind,
        index: int,
        queries: tuple[int, ...],
        keys: tuple[int, ...],
    ) -> Links:
        def make() -> Links:
            found = self.attention(reading, kind, index)
            n_query, n_key = found.weights.shape[-2:]
            open_cells = heads.allowed(kind, n_query, n_key, found)
            return baselines.links(found.weights, open_cells, queries, keys)

        return cached(("links", of(reading), kind, index, queries, keys), make)
