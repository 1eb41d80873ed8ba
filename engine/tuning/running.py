"""Trainings started at somebody's wish: rules first, then a process, its text and its stop file.

A training is a job of the kind "train": it goes on when the page is closed and is found again by
its key. A file that appears beside its text tells it to end and keep the best.
"""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path

from engine import installing, policy
from engine.errors import NotAllowed, NotOffered
from engine.jobs import registry
from engine.jobs.registry import Job
from engine.models import catalog
from engine.policy import Visitor
from engine.settings import settings
from engine.tuning import folders
from engine.tuning.plans import Own, Tuning, checked_text

KIND = "train"
OLD = 24 * 3600.0  # seconds after which what a lost process left is swept
ONE_CORE = {"ATLAS_THREADS": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


def tune(plan: Tuning, visitor: Visitor) -> Job:
    """Begin a tuning; its result names the adapter."""
    _check(visitor)
    if len(folders.own()) >= folders.AT_MOST:
        raise NotAllowed(
            f"{folders.AT_MOST} tunings are kept here, no more. Delete one of them first."
        )
    stem = f"{plan.dataset}-{f'r{plan.rank}' if plan.method == 'low-rank' else 'all'}"
    name = _free(stem, {*folders.names(), *_under_way()})
    options = [plan.dataset, "--method", plan.method, "--rank", str(plan.rank)]
    options += ["--matrices", plan.matrices, "--steps", str(plan.steps), "--seed", str(plan.seed)]
    options += ["--out", str(folders.OWN() / name)]
    return _start(name, "engine.training.tune", options, visitor)


def train_own(text: str, plan: Own, name: str, visitor: Visitor) -> Job:
    """Begin a training on a text; its result names the model."""
    _check(visitor)
    found = checked_text(text)
    title = " ".join(name.split())[:60] or "My model"
    here = {entry.name for entry in catalog.entries()} | _under_way()
    name = catalog.check_name(_free(catalog.slug(title), here))
    path = _work() / f"{name}-{uuid.uuid4().hex[:8]}.txt"
    path.write_text(found, encoding="utf-8")
    options = ["--text", str(path), "--name", name, "--title", title, "--forget"]
    options += ["--layers", str(plan.layers), "--width", str(plan.width)]
    options += ["--steps", str(plan.steps), "--seed", str(plan.seed)]
    return _start(name, "engine.training.own", options, visitor)


def trainings(visitor: Visitor) -> tuple[Job, ...]:
    """All of them, for who may train."""
    return registry.of_kind(KIND) if policy.may_train(visitor) else ()


def finish(job: Job, visitor: Visitor) -> None:
    """Ask a training to end, keeping the best."""
    policy.check_training(visitor)
    if job.kind == KIND and not job.done:
        _stop_file(job.key.partition(":")[2]).touch()


def _check(visitor: Visitor) -> None:
    policy.check_training(visitor)
    if lacking := installing.told("training"):
        raise NotOffered(lacking)


def _start(name: str, module: str, options: list[str], visitor: Visitor) -> Job:
    stop = _stop_file(name)
    stop.unlink(missing_ok=True)
    argv = [sys.executable, "-m", module, *options, "--stop", str(stop), "--json"]
    return registry.start_process(
        f"{KIND}:{name}",
        argv,
        viewer=visitor.viewer,
        environment=policy.handed_on(visitor) | ONE_CORE,
    )


def _under_way() -> set[str]:
    return {job.key.partition(":")[2] for job in registry.of_kind(KIND) if not job.done}


def _free(stem: str, taken: set[str]) -> str:
    """A name that nothing has: `_free("a", {"a"})` is `"a-2"`."""
    names = (stem, *(f"{stem}-{k}" for k in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _stop_file(name: str) -> Path:
    return _work() / f"{name}.stop"


def _work() -> Path:
    """The folder of texts and stop files; what is old is swept."""
    found = settings().models.parent / "training"
    found.mkdir(parents=True, exist_ok=True)
    for path in found.glob("*"):
        if path.is_file() and time.time() - path.stat().st_mtime > OLD:
            path.unlink(missing_ok=True)
    return found
