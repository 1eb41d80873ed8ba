"""What can be asked about training objectives: a part of `engine.api.Engine`.

A protocol, as the whole is; `engine.local.teaching.objectives` answers in this process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from engine.objectives.example import Example, Exercise, Shown, Target
from engine.objectives.losses import Losses


class Learning(Protocol):
    """One text as a training example of several objectives, and what it costs a model."""

    def objectives(self, model: str) -> Mapping[Target, str]:
        """Why a model cannot be asked for each objective, as a sentence; "" where it can."""
        ...

    def training_example(self, case: Exercise) -> Example:
        """What the model sees and what it must say; no model is run.

        Raises `EmptyText`, `TextTooLong`, `NotOffered`.
        """
        ...

    def example_losses(self, case: Exercise) -> Losses:
        """The loss of each of the example's answers; row i is `Example.says[i]`.

        Raises as `training_example` does, and `NotOffered` where the model lacks the head.
        """
        ...

    def answer_logits(self, case: Exercise, place: int) -> np.ndarray:
        """Logits [choice] at one of `Example.says`, by its place there. Raises as above."""
        ...

    def guessed(self, case: Exercise, place: int, guess: str) -> Shown | None:
        """The token by which a guessed word would begin at one of `Example.says`.

        None where nothing was guessed.
        """
        ...
