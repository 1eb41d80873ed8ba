"""What can be asked about times: a part of `engine.api.Engine`.

A protocol, as the whole is; `engine.local.timings` answers in this process.
"""

from __future__ import annotations

from typing import Protocol

from engine.jobs.registry import Job
from engine.predecessors.windows import Windows
from engine.timing.cache_size import CacheSize
from engine.timing.measuring import Timings


class Clocking(Protocol):
    """How long a model takes on this machine, and what it keeps in memory."""

    def lengths_timed(self, model: str) -> tuple[int, ...]:
        """How far a measurement may go, in tokens: what the window and the host allow.

        Raises `NotOffered` for a model that is no decoder.
        """
        ...

    def cache_size(self, model: str) -> CacheSize:
        """The shape of a decoder's keys and values. Raises `NotOffered` as `lengths_timed`."""
        ...

    def timed(self, model: str, longest: int) -> Timings | None:
        """What was measured last, up to so many tokens; None where nothing is kept."""
        ...

    def measure(self, model: str, longest: int, *, viewer: str) -> Job:
        """Begin to measure, or join who does; the result replaces what was kept.

        Raises `NotOffered` for a length that is not in `lengths_timed`, `Busy` where another
        model is being measured.
        """
        ...

    def measuring(self, model: str, longest: int) -> Job | None:
        """The measurement under way, or the one that ended lately."""
        ...

    def timings(self, model: str, longest: int) -> Timings:
        """What was measured, now where it was not; seconds. Raises as `measure` does."""
        ...

    def windows(self, model: str) -> Windows:
        """What n-gram tables with longer windows need, next to the one that is here.

        Raises `NotOffered` where no table in the model's tokens is here.
        """
        ...
