"""What the engine answers about vector spaces: the part of `engine.api.Engine` of that name.

A protocol, as the whole is; `engine.local.spaces` answers in this process.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from engine.jobs.registry import Job
from engine.space.projection import Prepared, Projection, Quality
from engine.space.retrieval import Pooling, Ranking
from engine.space.vocabulary_layout import Method
from engine.values import Reading


class VectorSpaces(Protocol):
    """Vocabularies, texts and positions as points in space, and passages ranked by nearness."""

    def vocabulary_map(self, model: str, unit: bool) -> Projection:
        """Main directions of a vocabulary's vectors; with `unit`, all at length 1."""
        ...

    def vocabulary_space(self, model: str) -> Prepared:
        """A vocabulary's vectors, ready for questions about neighbours."""
        ...

    def vocabulary_quality(self, model: str, unit: bool, axes: int) -> Quality | None:
        """How far the map of a vocabulary can be trusted."""
        ...

    def axis_map(self, model: str, unit: bool, plus: int, minus: int) -> Projection:
        """A vocabulary along the direction from one of its tokens to another."""
        ...

    def layout(self, model: str, method: Method, unit: bool) -> np.ndarray | None:
        """Coordinates [token, 3] by UMAP or t-SNE, if they came with it or were made before."""
        ...

    def lay_out(self, model: str, method: Method, unit: bool, *, viewer: str) -> Job:
        """The process that makes them, started or joined."""
        ...

    def layout_job(self, model: str, method: Method, unit: bool) -> Job | None:
        """That process, if it was started and was not canceled."""
        ...

    def layout_quality(self, model: str, method: Method, unit: bool, axes: int) -> Quality | None:
        """How far such a layout can be trusted, once it is there."""
        ...

    def crowd_map(
        self, readings: tuple[Reading, ...], unit: bool, basis: int | None = None
    ) -> Projection:
        """One map of the tokens of several texts after every layer: all of `states[0]` first.

        With a `basis` the directions are those of that layer alone.
        """
        ...

    def position_map(self, model: str) -> Projection:
        """The main directions of a model's position vectors."""
        ...

    def passages(
        self, model: str, query: str, passages: tuple[str, ...], layer: int, pooling: Pooling
    ) -> Ranking:
        """Passages by the nearness of their vectors after a layer (0 is its input) to a query's."""
        ...
