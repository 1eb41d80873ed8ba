"""What a model computed on the way: embeddings, layers, residual stream, logits, and long texts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from engine.decoding import batch, generation
from engine.jobs import registry
from engine.jobs.registry import Job, Report
from engine.local.models import bundle, digest, of
from engine.local.texts import Texts
from engine.store import cached, store
from engine.trace import blockwise, tracing
from engine.trace import routing as experts
from engine.values import (
    Embedded,
    Hidden,
    Kind,
    Layer,
    Logits,
    Overview,
    Reading,
    Routing,
    Side,
    Tokens,
)

PATIENCE = 20.0  # seconds without a look after which the reading of a long text stops by itself


@dataclass(frozen=True)
class SoFar:
    """Every head of the layers that were read (the rest is 0), and the job while it goes on."""

    overview: Overview
    layers: int
    job: Job | None = None

    @property
    def whole(self) -> bool:
        """Whether every layer was read."""
        return self.layers == len(self.overview.weights)

    def reaches(self, layer: int) -> bool:
        """Whether a layer (from 0) was read; where nobody goes on reading, it may be asked for."""
        return layer < self.layers or self.job is None or self.job.done


class Traces(Texts):
    """The part of `engine.api.Engine` about traces."""

    def sides(self, reading: Reading, kind: Kind) -> tuple[Tokens, Tokens]:
        queries = self.tokens(reading, _side(kind))
        return queries, self.tokens(reading, "encoder") if kind == "cross" else queries

    def embedded(self, reading: Reading, side: Side = "encoder") -> Embedded:
        return cached(
            ("embedded", of(reading), side),
            lambda: tracing.embedded(bundle(reading.model), reading, side),
        )

    def layer(self, reading: Reading, side: Side, index: int) -> Layer:
        opened = bundle(reading.model)
        count = len(self.tokens(reading, side))
        if tracing.together(opened.card, count, side) and index >= 0:
            key = ("layers", of(reading), side)
            every = cached(key, lambda: tracing.layers(opened, reading, side))
            if index < len(every):
                return every[index]
        below = _entering(reading, side, index)

        def make() -> Layer:
            # A changed model reads a text as a whole, never block by block.
            if (index and below is None) or reading.change is not None:
                return tracing.layer(opened, reading, side, index)
            return tracing.block(opened, reading, side, index, below)

        return cached(("layer", of(reading), side, index), make)

    def hidden(self, reading: Reading, side: Side = "encoder") -> Hidden:
        return cached(
            ("hidden", of(reading), side),
            lambda: tracing.hidden(bundle(reading.model), reading, side),
        )

    def routing(self, reading: Reading, side: Side = "encoder") -> Routing:
        return cached(
            ("routing", of(reading), side),
            lambda: experts.routing(bundle(reading.model), reading, side),
        )

    def logits(self, reading: Reading, positions: tuple[int, ...]) -> Logits:
        return cached(
            ("logits", of(reading), positions),
            lambda: tracing.logits(bundle(reading.model), reading, positions),
        )

    def logit_lens(self, reading: Reading, side: Side, position: int) -> np.ndarray:
        return cached(
            ("lens", of(reading), side, position),
            lambda: tracing.lens(
                bundle(reading.model), self.hidden(reading, side).states[:, position]
            ),
        )

    def following(
        self, model: str, ids: tuple[int, ...], source: tuple[int, ...] = ()
    ) -> np.ndarray:
        def make() -> np.ndarray:
            opened = bundle(model)
            read = batch.encode(opened, np.array([source])) if source else None
            return generation.following(opened, ids, source=read)

        return cached(("following", digest(model), ids, source), make)

    # --- all heads at a glance, and texts so long that they are read block by block ---

    def is_long(self, reading: Reading, kind: Kind) -> bool:
        side = _side(kind)
        count = len(self.tokens(reading, side))
        return not tracing.together(self.card(reading.model), count, side)

    def overview(self, reading: Reading, kind: Kind) -> Overview:
        def make() -> Overview:
            every: tuple[Layer, ...] | None = store().peek(("layers", of(reading), _side(kind)))
            if every is None:
                return blockwise.overview(bundle(reading.model), reading, kind, blockwise.CELLS)
            # Where all layers of a short text are kept the model is not asked again.
            weights = (tracing.of_kind(one, kind).weights for one in every)
            return blockwise.gathered(weights, kind, self._block(reading, kind))

        return cached(_overview(reading, kind), make)

    def overview_so_far(self, reading: Reading, kind: Kind, *, viewer: str) -> SoFar:
        here = store().peek(_overview(reading, kind)) is not None
        if here or not self.is_long(reading, kind):
            if not here:
                # The head that is shown beside needs its layer: a short text's come in one run.
                self.layer(reading, _side(kind), 0)
            found = self.overview(reading, kind)
            return SoFar(found, len(found.weights))
        job = registry.find(_walk(reading, kind))
        if job is None or (job.stopped and not job.cancelled):
            job = self.read_on(reading, kind, viewer=viewer)  # it had stopped unwatched
        if job.error is not None and not job.stopped:
            raise job.error
        job.watch(viewer)
        return self._so_far(reading, kind, job)

    def read_on(self, reading: Reading, kind: Kind, *, viewer: str) -> Job:
        before = registry.find(_walk(reading, kind))
        done: tuple[np.ndarray, ...] = (before.partial or ()) if before is not None else ()
        entering = _entering(reading, _side(kind), len(done))
        done = done if entering is not None else ()

        def work(report: Report) -> None:
            pictures = done
            report.show(pictures)
            steps = blockwise.walk(
                bundle(reading.model), reading, kind, start=len(done), entering=entering
            )
            for found in steps:
                _keep(reading, kind, found)
                pictures = (*pictures, found.pictures)
                report.show(pictures)
                report.check()
            block = self._block(reading, kind)
            cached(_overview(reading, kind), lambda: Overview(kind, block, np.stack(pictures)))
            report.show(())  # the store has them now: a finished job would hold them once more

        return registry.start(_walk(reading, kind), work, viewer=viewer, patience=PATIENCE)

    def _so_far(self, reading: Reading, kind: Kind, job: Job) -> SoFar:
        pictures: tuple[np.ndarray, ...] = job.partial or ()
        if job.done and not job.stopped:
            found = self.overview(reading, kind)
            return SoFar(found, len(found.weights))
        stack, block = self.stack(reading.model, kind), self._block(reading, kind)
        queries, keys = (len(side) for side in self.sides(reading, kind))
        shape = (stack.layers, stack.heads, -(-queries // block), -(-keys // block))
        weights = np.zeros(shape, dtype=np.float32)
        for index, found in enumerate(pictures):
            weights[index] = found
        return SoFar(Overview(kind, block, weights), len(pictures), job)

    def _block(self, reading: Reading, kind: Kind) -> int:
        queries, keys = self.sides(reading, kind)
        return blockwise.block_size(len(queries), len(keys), blockwise.CELLS)


def _side(kind: Kind) -> Side:
    return "encoder" if kind == "encoder" else "decoder"


def _overview(reading: Reading, kind: Kind) -> Hashable:
    return ("overview", of(reading), kind, blockwise.CELLS)


def _walk(reading: Reading, kind: Kind) -> str:
    return f"blockwise:{kind}:{digest(reading.model)}:{reading}"


def _entering(reading: Reading, side: Side, index: int) -> np.ndarray | None:
    """What enters a block (0-based), where reading a long text block by block has left it."""
    return store().peek(("entering", of(reading), side, index))


def _keep(reading: Reading, kind: Kind, block: blockwise.Passed) -> None:
    cached(("entering", of(reading), _side(kind), block.index + 1), lambda: block.hidden)
    cached(("measures", of(reading), kind, block.index), lambda: block.measures)
