"""Vocabularies, texts and positions as points in space."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from engine import installing
from engine.errors import EngineError, NotOffered
from engine.jobs import registry
from engine.jobs.registry import Job
from engine.local.models import bundle, digest, of
from engine.local.writings import Writings
from engine.space import projection, retrieval, vocabulary_layout
from engine.space.projection import Prepared, Projection, Quality
from engine.space.retrieval import Pooling, Ranking
from engine.space.vocabulary_layout import Method
from engine.store import cached, store
from engine.values import Reading

TRUSTED_BY = 300  # points from which the quality of a map is judged


class Spaces(Writings):
    """The part of `engine.api.Engine` about vector spaces."""

    def vocabulary_map(self, model: str, unit: bool) -> Projection:
        def make() -> Projection:
            vectors = projection.finite(self.vectors(model, "token"))
            points = projection.unit(vectors) if unit else vectors
            folder = bundle(model).folder
            came = vocabulary_layout.packed_pca(folder, points) if unit else None
            return came or projection.pca(points, axes=vocabulary_layout.DIRECTIONS)

        return cached(("vocabulary map", digest(model), unit), make)

    def vocabulary_space(self, model: str) -> Prepared:
        vectors = self.vectors(model, "token")
        norms = cached(
            ("vocabulary norms", digest(model)), lambda: projection.prepared(vectors).norms
        )
        return Prepared(vectors, norms)

    def vocabulary_quality(self, model: str, unit: bool, axes: int) -> Quality | None:
        def make() -> Quality | None:
            places = self.vocabulary_map(model, unit).coordinates
            return self._quality(model, unit, places[:, :axes])

        return cached(("vocabulary quality", digest(model), unit, axes), make)

    def axis_map(self, model: str, unit: bool, plus: int, minus: int) -> Projection:
        def make() -> Projection:
            vectors = projection.finite(self.vectors(model, "token"))
            points = projection.unit(vectors) if unit else vectors
            return projection.axis_map(points, points[plus] - points[minus])

        return cached(("axis map", digest(model), unit, plus, minus), make)

    def layout(self, model: str, method: Method, unit: bool) -> np.ndarray | None:
        made = vocabulary_layout.read(self._kept(model, method, unit))
        if made is None:
            return vocabulary_layout.packed(bundle(model).folder, method, unit=unit)
        return made

    def lay_out(self, model: str, method: Method, unit: bool, *, viewer: str) -> Job:
        if lacking := installing.told("maps"):
            raise NotOffered(lacking)
        out = self._kept(model, method, unit)
        argv = vocabulary_layout.command(method, bundle(model).folder, out, unit=unit)
        return registry.start_process(f"map:{out}", argv, viewer=viewer, fails_as=EngineError)

    def layout_job(self, model: str, method: Method, unit: bool) -> Job | None:
        job = registry.find(f"map:{self._kept(model, method, unit)}")
        return None if job is None or job.stopped else job

    def layout_quality(self, model: str, method: Method, unit: bool, axes: int) -> Quality | None:
        key = ("layout quality", digest(model), method, unit, axes)
        kept = store().peek(key)
        if kept is not None:
            return kept
        places = self.layout(model, method, unit)
        if places is None:
            return None  # which is not kept: the map may be made meanwhile
        return cached(key, lambda: self._quality(model, unit, places[:, :axes]))

    def crowd_map(
        self, readings: tuple[Reading, ...], unit: bool, basis: int | None = None
    ) -> Projection:
        def make() -> Projection:
            states = np.concatenate([self.hidden(reading).states for reading in readings], axis=1)
            points = states.reshape(-1, states.shape[-1])
            points = projection.unit(points) if unit else points
            if basis is None:
                return projection.pca(points, axes=10)
            fitted = projection.pca(points.reshape(states.shape)[basis], axes=10)
            return replace(fitted, coordinates=projection.place(fitted, points))

        return cached(("crowd map", tuple(of(one) for one in readings), unit, basis), make)

    def position_map(self, model: str) -> Projection:
        return cached(
            ("position map", digest(model)),
            lambda: projection.pca(self.vectors(model, "position"), axes=10),
        )

    def passages(
        self, model: str, query: str, passages: tuple[str, ...], layer: int, pooling: Pooling
    ) -> Ranking:
        if len(passages) > retrieval.MOST:
            raise NotOffered(f"{len(passages)} passages: at most {retrieval.MOST} are ranked.")
        if any(len(text) > retrieval.LONGEST for text in (query, *passages)):
            raise NotOffered(f"A query or passage has at most {retrieval.LONGEST:,} characters.")

        def vector(text: str) -> np.ndarray:
            reading = Reading(model, text)
            return cached(
                ("pooled", of(reading), layer, pooling),
                lambda: retrieval.pooled(self.hidden(reading).states[layer], pooling),
            )

        found = [vector(text) for text in passages]
        return retrieval.by_vectors(vector(query), np.array(found))

    def _quality(self, model: str, unit: bool, places: np.ndarray) -> Quality | None:
        vectors = self.vectors(model, "token")
        rows = np.linspace(0, len(vectors) - 1, min(TRUSTED_BY, len(vectors))).astype(int)
        whole = projection.unit(vectors) if unit else vectors
        return projection.quality(whole, places, rows=np.unique(rows))

    def _kept(self, model: str, method: Method, unit: bool) -> Path:
        return vocabulary_layout.kept(bundle(model).folder, digest(model), method, unit=unit)
