"""Activation patching: jobs whose results are kept like every other value."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import replace

from engine.jobs import registry
from engine.jobs.registry import Job, Report
from engine.local.models import bundle, digest
from engine.local.predecessors import Predecessors
from engine.patching import contrast as contrasts
from engine.patching import restoring
from engine.patching.contrast import Contrast, Experiment
from engine.patching.restoring import Patched
from engine.store import cached, store

KIND = "patch"  # what `engine.policy` knows the jobs by
PATIENCE = 20.0  # seconds that layers go on being restored when nobody looks


class Patches(Predecessors):
    """The part of `engine.api.Engine` about activation patching."""

    def contrast(self, experiment: Experiment) -> Contrast:
        asked = replace(experiment, part="residual")  # both runs are the same for every part
        words = self.vocabulary(asked.model)
        return cached(
            ("contrast", asked, digest(asked.model)),
            lambda: contrasts.contrast(bundle(asked.model), asked, words),
        )

    def patch(self, experiment: Experiment, *, viewer: str) -> Job:
        contrast = self.contrast(experiment)

        def work(report: Report) -> Patched:
            kept: Patched | None = store().peek(_kept(experiment))
            if kept is not None:
                return kept
            found = None
            for found in restoring.patched(bundle(experiment.model), experiment, contrast):
                rows = len(found.differences)
                report.show(found)
                report.progress(found.rows_done / rows)
                report.stage(f"{found.rows_done} of {rows} layers restored")
                report.check()
            assert found is not None
            return cached(_kept(experiment), lambda: found)

        return registry.start(_key(experiment), work, viewer=viewer, patience=PATIENCE)

    def patching(self, experiment: Experiment) -> Job | None:
        return registry.find(_key(experiment))

    def patched(self, experiment: Experiment) -> Patched:
        contrast = self.contrast(experiment)

        def make() -> Patched:
            *_, found = restoring.patched(bundle(experiment.model), experiment, contrast)
            return found

        return cached(_kept(experiment), make)


def _kept(experiment: Experiment) -> Hashable:
    return ("patched", experiment, digest(experiment.model))


def _key(experiment: Experiment) -> str:
    told = hashlib.blake2b(repr(experiment).encode("utf-8", "replace"), digest_size=16).hexdigest()
    return f"{KIND}:{digest(experiment.model)}:{told}"
