"""What can be asked about activation patching: a part of `engine.api.Engine`.

A protocol, as the whole is; `engine.local.patches` answers in this process.
"""

from __future__ import annotations

from typing import Protocol

from engine.jobs.registry import Job
from engine.patching.contrast import Contrast, Experiment
from engine.patching.restoring import Patched


class Patching(Protocol):
    """A clean and a corrupted text, and what of the clean run brings its answer back."""

    def contrast(self, experiment: Experiment) -> Contrast:
        """Both runs as they are, with the two answers compared; its part does not matter.

        Raises `EmptyText`, `TextTooLong` and `NotOffered`.
        """
        ...

    def patch(self, experiment: Experiment, *, viewer: str) -> Job:
        """Begin to restore each (layer, token), or join who does; `job.partial` is by now's.

        A job that is done at once where the result is kept. Raises as `contrast` does, and `Busy`.
        """
        ...

    def patching(self, experiment: Experiment) -> Job | None:
        """The patching of an experiment, under way or finished lately."""
        ...

    def patched(self, experiment: Experiment) -> Patched:
        """The whole result, computed here and now if it is not kept. Raises as `contrast` does."""
        ...
