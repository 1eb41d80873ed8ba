"""What can be asked about prompts: the part of `engine.api.Engine` that the page Prompting uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.jobs.registry import Job
from engine.prompting.accuracy import Trial
from engine.prompting.answers import Scores
from engine.prompting.prompt import Prompt
from engine.prompting.sources import Sources


class Asking(Protocol):
    """Prompts: how many examples fit, how probable answers are, how often they are right."""

    def window(self, model: str) -> int:
        """How many positions a prompt and its answer may take together.

        The model's own number, or the host's (ATLAS_MAX_TOKENS) where that is smaller.
        """
        ...

    def examples_that_fit(self, model: str, prompt: Prompt, new_tokens: int) -> int:
        """How many examples fit beside so many new tokens; -1: not even the question does."""
        ...

    def answer_scores(
        self, model: str, prompts: Sequence[Prompt], counts: Sequence[int], answers: Sequence[str]
    ) -> Scores:
        """Each answer's probability after each prompt with so many of its examples, in one batch.

        `counts[i]` belongs to `prompts[i]`. Raises `EmptyText`, `TextTooLong`, `NotOffered`.
        """
        ...

    def grade(self, trial: Trial, *, viewer: str) -> Job:
        """Begin to grade, or join who does; `job.partial` is the `Graded` of by now."""
        ...

    def grading(self, trial: Trial) -> Job | None:
        """The grading of a trial, under way or finished lately."""
        ...

    def sources(self, model: str, prompt: Prompt, count: int) -> Sources:
        """What the token that predicts the answer attends to. Raises `NotOffered`."""
        ...
