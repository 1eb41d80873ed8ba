"""The doorway's part about vocabularies and their maps; see `cache` for what all of it promises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.errors import EngineError
from engine.jobs import registry
from engine.space import projection, vocabulary_layout
from engine.store import cached
from engine.tokenizers import vocabulary as words
from engine.values import Reading, Side
from pages.shell import cache

ROOT = Path(__file__).parents[2]


def vocabulary(model: str, side: Side = "encoder") -> words.Vocabulary:
    """Every token of a model's vocabulary: text, kind, length, score."""
    size_of = cache.card(model).vocabulary
    return cached(
        ("vocabulary", cache.stamp(model), side),
        lambda: words.vocabulary(cache.bundle(model).reader(side), size_of),
    )


def vocabulary_map(model: str, unit: bool) -> projection.Projection:
    """The ten main directions of a vocabulary's vectors; with `unit`, all at length 1."""

    def make() -> projection.Projection:
        held = cache.bundle(model)
        vectors = projection.finite(held.vectors("token"))
        points = projection.unit(vectors) if unit else vectors
        came = vocabulary_layout.packed_pca(held.folder, points) if unit else None
        return came or projection.pca(points, axes=vocabulary_layout.DIRECTIONS)

    return cached(("vocabulary map", cache.stamp(model), unit), make)


def vocabulary_space(model: str) -> projection.Prepared:
    """A vocabulary's vectors, ready for questions about neighbours; their lengths are kept."""
    vectors = cache.bundle(model).vectors("token")
    norms = cached(
        ("vocabulary norms", cache.stamp(model)), lambda: projection.prepared(vectors).norms
    )
    return projection.Prepared(vectors, norms)


def vocabulary_quality(model: str, unit: bool, axes: int) -> projection.Quality | None:
    """How far the map of a vocabulary can be trusted, from at most 300 of its points."""

    def make() -> projection.Quality | None:
        vectors = cache.bundle(model).vectors("token")
        places = vocabulary_map(model, unit).coordinates[:, :axes]
        rows = np.linspace(0, len(vectors) - 1, min(300, len(vectors))).astype(int)
        whole = projection.unit(vectors) if unit else vectors
        return projection.quality(whole, places, rows=np.unique(rows))

    return cached(("vocabulary quality", cache.stamp(model), unit, axes), make)


def axis_map(model: str, unit: bool, plus: int, minus: int) -> projection.Projection:
    """A vocabulary drawn along the direction from one of its tokens to another."""

    def make() -> projection.Projection:
        vectors = projection.finite(cache.bundle(model).vectors("token"))
        points = projection.unit(vectors) if unit else vectors
        return projection.axis_map(points, points[plus] - points[minus])

    return cached(("axis map", cache.stamp(model), unit, plus, minus), make)


def layout(model: str, method: vocabulary_layout.Method, unit: bool) -> np.ndarray | None:
    """Coordinates of a vocabulary by UMAP or t-SNE, if they came with it or were made before."""
    folder = cache.bundle(model).folder
    made = vocabulary_layout.read(
        vocabulary_layout.kept(folder, cache.stamp(model), method, unit=unit)
    )
    return vocabulary_layout.packed(folder, method, unit=unit) if made is None else made


def laying_out(
    model: str, method: vocabulary_layout.Method, unit: bool, viewer: str
) -> registry.Job:
    """The process that makes them, started or joined."""
    folder = cache.bundle(model).folder
    out = vocabulary_layout.kept(folder, cache.stamp(model), method, unit=unit)
    argv = vocabulary_layout.command(method, folder, out, unit=unit)
    return registry.start_process(str(out), argv, viewer=viewer, cwd=ROOT, fails_as=EngineError)


def laying_out_now(model: str, method: vocabulary_layout.Method, unit: bool) -> registry.Job | None:
    """That process, if it was started and did not end well yet."""
    folder = cache.bundle(model).folder
    job = registry.find(str(vocabulary_layout.kept(folder, cache.stamp(model), method, unit=unit)))
    return None if job is None or job.stopped else job


def layout_quality(
    model: str, method: vocabulary_layout.Method, unit: bool, axes: int
) -> projection.Quality | None:
    """How far a UMAP or t-SNE map can be trusted, from at most 300 of its points."""

    def make() -> projection.Quality | None:
        places = layout(model, method, unit)
        if places is None:
            return None
        vectors = cache.bundle(model).vectors("token")
        rows = np.unique(np.linspace(0, len(vectors) - 1, min(300, len(vectors))).astype(int))
        whole = projection.unit(vectors) if unit else vectors
        return projection.quality(whole, places[:, :axes], rows=rows)

    return cached(("layout quality", cache.stamp(model), method, unit, axes), make)


def crowd_map(
    readings: tuple[Reading, ...], unit: bool, basis: int | None = None
) -> projection.Projection:
    """One map of the tokens of several texts after every layer, so that nothing jumps.

    Its points are the tokens of all texts in `states[0]`, then in `states[1]`, and so on. With a
    `basis` the directions are those of that layer alone, and all points are put on them.
    """

    def make() -> projection.Projection:
        states = np.concatenate([cache.hidden(reading).states for reading in readings], axis=1)
        points = states.reshape(-1, states.shape[-1])
        points = projection.unit(points) if unit else points
        if basis is None:
            return projection.pca(points, axes=10)
        fitted = projection.pca(points.reshape(states.shape)[basis], axes=10)
        return replace(fitted, coordinates=projection.place(fitted, points))

    key = ("crowd map", tuple(cache._of(reading) for reading in readings), unit, basis)
    return cached(key, make)


def position_map(model: str) -> projection.Projection:
    """The main directions of a model's position vectors."""
    return cached(
        ("position map", cache.stamp(model)),
        lambda: projection.pca(cache.bundle(model).vectors("position"), axes=10),
    )
