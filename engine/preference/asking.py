"""What can be asked about preferences: a part of `engine.api.Engine`.

A protocol, as the whole is; `engine.local.teaching.preferences` answers in this process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from engine.preference.choices import Pair
from engine.preference.judges import Judge
from engine.preference.reward import Reward


class Preferring(Protocol):
    """Completions as vectors, rewards that are learnt from choices, judges that are ready."""

    def representations(
        self, model: str, prompt: Sequence[int], completions: Sequence[Sequence[int]]
    ) -> np.ndarray:
        """A vector for each completion of a prompt, [completion, width]: what rewards read.

        Raises `NotOffered` for a model that is no decoder, `NotAllowed`, `TextTooLong`.
        """
        ...

    def learned_reward(
        self,
        model: str,
        prompt: Sequence[int],
        completions: Sequence[Sequence[int]],
        won: Sequence[Pair],
    ) -> Reward:
        """The reward that explains who won (winner, loser), in natural-log odds."""
        ...

    def judges(self, model: str) -> tuple[Judge, ...]:
        """The ready judges that were trained on the states of this very model."""
        ...

    def judged(self, model: str, judge: str, texts: Sequence[str]) -> np.ndarray:
        """A judge's reward for each sentence, as it stands behind the judge's own context.

        Raises `NotOffered` where there is no such judge for the model.
        """
        ...
