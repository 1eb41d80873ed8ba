"""How long models take here: measured in a job, and kept."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from engine import policy, store
from engine.errors import NotOffered
from engine.jobs import registry
from engine.jobs.registry import Job, Report
from engine.local.models import digest
from engine.local.predecessors import Predecessors, contents, table, weights
from engine.models.runtime import Bundle
from engine.predecessors.windows import Windows, windows
from engine.timing import measuring
from engine.timing.cache_size import CacheSize
from engine.timing.measuring import TURNS, Timings

KIND = "time"  # what `engine.policy` knows the jobs by
PATIENCE = 30.0  # seconds that it goes on when nobody looks
SHORTEST = 16  # tokens


class Clock(Predecessors):
    """The part of `engine.api.Engine` about times."""

    def lengths_timed(self, model: str) -> tuple[int, ...]:
        self._decoder(model)
        most = min(self.window(model), policy.steps_measured(TURNS + 1))
        found = tuple(count for count in measuring.powers(most) if count >= SHORTEST)
        return found or (max(1, measuring.powers(most)[-1]),)

    def cache_size(self, model: str) -> CacheSize:
        opened = self._decoder(model)
        stack = self.stack(model, "decoder")
        return CacheSize(stack.layers, stack.key_heads, stack.dim, _item(opened))

    def timed(self, model: str, longest: int) -> Timings | None:
        return store.store().peek(self._timed(model, longest))

    def measure(self, model: str, longest: int, *, viewer: str) -> Job:
        lengths = self.lengths_timed(model)
        if longest not in lengths:
            told = ", ".join(f"{count:,}" for count in lengths)
            raise NotOffered(f"{longest:,} tokens are not measured here. Choose {told}.")
        opened, kept = self._decoder(model), self._timed(model, longest)
        entry, card = self._predecessor(model, "recurrent")
        network = None if entry is None or card is None else weights(entry, card)

        def work(report: Report) -> Timings:
            def told(share: float, stage: str) -> None:
                report.progress(share)
                report.stage(stage)
                report.check()

            found = measuring.measure(opened, network, longest, told)
            store.store().put(kept, found)
            return found

        return registry.start(_key(kept), work, viewer=viewer, patience=PATIENCE)

    def measuring(self, model: str, longest: int) -> Job | None:
        return registry.find(_key(self._timed(model, longest)))

    def timings(self, model: str, longest: int) -> Timings:
        found = self.timed(model, longest)
        if found is not None:
            return found
        viewer = policy.served()
        job = self.measure(model, longest, viewer=viewer)
        return job.outcome(viewer, "The measurement was stopped.")

    def windows(self, model: str) -> Windows:
        entry, card = self._predecessor(model, "ngrams")
        if entry is None or card is None:
            raise NotOffered(self._missing(model, "ngrams").missing)
        key = ("windows", contents(card))
        return store.cached(key, lambda: windows(table(entry, card), entry.size))

    def _timed(self, model: str, longest: int) -> Hashable:
        """The key of what is kept: the model, the network beside it, how far it goes."""
        card = self._predecessor(model, "recurrent")[1]
        return ("timings", digest(model), contents(card) if card else None, longest)


def _item(opened: Bundle) -> int:
    session = opened.session("model")
    name = next(name for name in sorted(session.inputs) if name.startswith("past."))
    return np.dtype(session.dtype(name)).itemsize


def _key(kept: Hashable) -> str:
    return f"{KIND}:{kept}"
