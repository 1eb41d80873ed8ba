"""What can be asked about tuning and training: a part of `engine.api.Engine`.

A protocol, as the whole is; `engine.local.teaching.tuning` answers in this process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float

from engine.jobs.registry import Job
from engine.policy import Visitor
from engine.tuning.adapters import Card, Pair
from engine.tuning.plans import Own, Tuning
from engine.values import Frozen


@dataclass(frozen=True, slots=True)
class Written:
    """One prompt continued by a model before and after its tuning; the prompt is not repeated."""

    before: str
    after: str


@dataclass(frozen=True, eq=False, slots=True)
class Changed(Frozen):
    """The change of one matrix: itself, its singular values, and the length of what it changes.

    `of` is the Frobenius norm of the matrix before.
    """

    delta: Float[np.ndarray, "in out"]
    singular: Float[np.ndarray, "value"]
    of: float


class Tunings(Protocol):
    """Adapters of a shipped model, what they change, and trainings of one's own."""

    def adapters(self) -> tuple[Card, ...]:
        """Every adapter that fits a model here: those that come along, then one's own."""
        ...

    def comes_along(self, adapter: str) -> bool:
        """Whether an adapter ships with the app, so that it cannot be deleted."""
        ...

    def packed(self, model: str, visitor: Visitor) -> bytes:
        """A model that was trained here as one ZIP file, for who may train."""
        ...

    def tuned_matrices(self, adapter: str) -> tuple[str, ...]:
        """The matrices that an adapter changes. Raises `UnknownModel`, `BrokenBundle`."""
        ...

    def tuned_texts(
        self, adapter: str, prompt: str, *, count: int, temperature: float, seed: int
    ) -> Written:
        """A prompt continued by at most `count` tokens before and after the tuning."""
        ...

    def tuned_bits(self, adapter: str, text: str) -> Pair:
        """Bits per byte of a text before and after the tuning."""
        ...

    def tuned_change(self, adapter: str, matrix: str) -> Changed:
        """The change of one matrix. Raises `NotOffered` where the adapter leaves it as it is."""
        ...

    def save_tuned(self, adapter: str, visitor: Visitor) -> str:
        """Save a tuned model among the models, for who may; its name there."""
        ...

    def delete_adapter(self, adapter: str, visitor: Visitor) -> None:
        """Delete an adapter of one's own, for who may."""
        ...

    def tune(self, plan: Tuning, visitor: Visitor) -> Job:
        """Begin a tuning, or join the same one. Raises `NotAllowed`, `NotOffered`, `Busy`."""
        ...

    def train_own(self, text: str, plan: Own, name: str, visitor: Visitor) -> Job:
        """Begin the training of a small model of a text. Raises as `tune` does."""
        ...

    def trainings(self, visitor: Visitor) -> tuple[Job, ...]:
        """Trainings under way or ended lately, for who may train, whoever began them."""
        ...

    def finish_training(self, job: Job, visitor: Visitor) -> None:
        """Let a training end at its next look, the best so far kept."""
        ...
