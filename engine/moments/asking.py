"""What can be asked about the moments of a training: a part of `engine.api.Engine`.

A protocol, as the whole is; `engine.local.teaching.moments` answers in this process. Everything is
asked of all moments at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float

from engine.decoding.continuation import Line
from engine.moments.course import Course
from engine.moments.places import Places
from engine.values import Frozen, Tokens


@dataclass(frozen=True, slots=True)
class Written:
    """What a moment wrote: its tokens' text, the share of its words that are words."""

    text: str
    spelled: float
    words: tuple[tuple[int, int, bool], ...]


@dataclass(frozen=True, eq=False, slots=True)
class Surprise(Frozen):
    """What each token of a text but the first costs at each moment, in nats."""

    tokens: Tokens
    nats: Float[np.ndarray, "moment token_minus_1"]
    chance: float


@dataclass(frozen=True, eq=False, slots=True)
class Grown(Frozen):
    """One head's weights at each moment."""

    tokens: Tokens
    weights: Float[np.ndarray, "moment query key"]


class Growing(Protocol):
    """The moments of one training; each raises `NotOffered` where they are not here."""

    def training_course(self) -> Course:
        """The moments and the loss between them."""
        ...

    def moments_written(
        self, prompt: str, line: Line, *, length: int, seed: int
    ) -> tuple[Written, ...]:
        """The prompt continued by every moment, with the same noise.

        Raises `EmptyText`, `TextTooLong`, `NotAllowed`.
        """
        ...

    def moments_surprise(self, text: str) -> Surprise:
        """How much each moment is surprised by each token of a text."""
        ...

    def moments_attention(self, text: str, layer: int, head: int) -> Grown:
        """A head (both from 0) at every moment."""
        ...

    def moments_places(self, words: Sequence[str]) -> Places:
        """Where words lie at every moment, as token embeddings.

        Words that are not one token are left out. Raises `NotOffered` for fewer than three others.
        """
        ...
