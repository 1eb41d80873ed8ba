"""Attention: one head ready to be drawn, and what every head does with a text."""

from __future__ import annotations

import numpy as np

from engine.attention import heads, maps
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
            treatment=scene.treatment,
            below=lambda: np.stack(
                [self.attention(reading, kind, below).weights for below in range(scene.layer + 1)]
            ),
            several=lambda: np.stack(
                [
                    self.attention(reading, kind, at).weights[head]
                    for at, head in scene.treatment.several
                ]
            ),
        )

    def measures(self, reading: Reading, kind: Kind, index: int) -> dict[str, np.ndarray]:
        def make() -> dict[str, np.ndarray]:
            queries, keys = self.sides(reading, kind)
            found = self.attention(reading, kind, index)
            return heads.measured(found, kind=kind, queries=queries, keys=keys)

        return cached(("measures", of(reading), kind, index), make)
