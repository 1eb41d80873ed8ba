"""Exports and trainings as tasks of a cluster: asked for at a front as ever, run at a worker.

    lend(link)          # from now on they are a worker's, where the cluster has one

In: the command and the environment of a process, as `engine.jobs.registry` is given them. Out: the
work of its job, which follows the process at the worker: progress, the end, its result. Files lie
in the folder that front and workers share, wherever each has it: models, texts of trainings, the
file that ends one. A folder of a front's machine that others cannot see is exported at the front.
A worker is a deployment of its own, with its own cores; its machine needs what exports need, and
the way out to the Hub. It runs the programs listed here and no other, each by the rule that the
front found for who asked; the process checks it again. In public mode no worker trains.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import installing, policy
from engine.cluster.link import Link
from engine.cluster.questions import PROGRAM, Question, version
from engine.cluster.replicas import QUEUE, Replica, deployed
from engine.cluster.tasks import persistent
from engine.errors import NotAllowed
from engine.installing import Part
from engine.jobs import registry
from engine.jobs.registry import Job, Report, Work
from engine.settings import settings
from engine.tuning.running import ONE_CORE

if TYPE_CHECKING:
    from ray.serve import Application  # pyright: ignore[reportMissingImports]

MODULES = {
    "engine.export": ("export", "look"),
    "engine.training.tune": ("train",),
    "engine.training.own": ("train",),
}
"""The programs that a worker runs, and the kinds of their jobs."""

KINDS = sorted({kind for kinds in MODULES.values() for kind in kinds})
PARTS: dict[Part, str] = {"models": "worker", "training": "worker", "maps": "mapper"}
"""Which application has the packages that a part needs."""

HANDED_ON = {"ATLAS_ADD_MODELS", "ATLAS_ADMIN_KEY", "ATLAS_MODE", "HF_HUB_CACHE"}
ENVIRONMENT = HANDED_ON | set(policy.WITHOUT_TOKEN) | set(ONE_CORE)
"""Variables that a front may set for a program."""

SHARED = "{shared}"  # in the place of the folder that all share


def lend(link: Link) -> None:
    """Let the programs of this process run at the workers of a cluster."""

    def work(key: str, argv: Sequence[str], environment: Mapping[str, str]) -> Work | None:
        question = asked(key, argv, environment)
        if question is None or not link.has("worker"):
            return None
        return lambda report: _followed(link, question, report)

    for kind in KINDS:
        registry.run_elsewhere(kind, work)
    installing.ELSEWHERE[:] = [lambda part: link.has(PARTS[part])]


def asked(key: str, argv: Sequence[str], environment: Mapping[str, str]) -> Question | None:
    """What a worker is asked for a command; None where only this machine can do it."""
    _, _, module, *options = argv
    hidden = [one for one in options if os.path.isabs(one) and not _inside(one)]
    if module not in MODULES or hidden or any(SHARED in one for one in options):
        return None
    given = {
        "key": key,
        "module": module,
        "options": tuple(map(_sent, options)),
        "environment": {name: _sent(value) for name, value in environment.items()},
        "viewer": "",
    }
    return Question(version(), PROGRAM, given)


def _root() -> Path:
    return settings().models.parent


def _inside(path: str) -> bool:
    return path.startswith(f"{_root()}{os.sep}")


def _sent(text: str) -> str:
    return f"{SHARED}{text.removeprefix(str(_root()))}" if _inside(text) else text


def _followed(link: Link, question: Question, report: Report) -> Any:
    ours = replace(question, viewer=policy.served())

    def stream(turn: int) -> Iterator[Any]:
        return link.stream("follow", ours, turn=turn)

    result = None
    for update in persistent(report, stream):
        report.progress(update.progress)
        report.stage(update.stage)
        if update.shown is not None:
            report.show(update.shown)
        result = update.result
    return result


# --- At the worker ---


def here(text: str) -> str:
    """A path of the shared folder as this process has it: what `asked` has made of it, undone."""
    head, _, inside = text.partition(SHARED)
    return text if head or not inside else f"{_root()}{inside}"


class Programs:
    """In the place of an engine: begins the programs that a worker is asked for."""

    def program(
        self,
        key: str,
        module: str,
        options: tuple[str, ...],
        environment: Mapping[str, str],
        viewer: str,
    ) -> Job:
        """Begin one or join who does; raises `NotAllowed` for what is not a worker's."""
        kind = key.partition(":")[0]
        if kind not in MODULES.get(module, ()) or not environment.keys() <= ENVIRONMENT:
            raise NotAllowed("That is no program of a worker.")
        if kind == "train" and settings().mode == "public":
            raise NotAllowed(policy.NO_TRAINING)
        argv = [sys.executable, "-m", module, *map(here, options)]
        given = {name: here(value) for name, value in environment.items()}
        return registry.start_process(key, argv, viewer=viewer, environment=given)


class Worker(Replica):
    """Runs exports and trainings, each in a process of its own."""

    tasks = frozenset({PROGRAM})

    def __init__(self, workers: int = 1, queue: int = QUEUE) -> None:
        """Answer nothing but what all replicas answer."""
        super().__init__(workers, queue)
        self._engine = Programs()


def worker(given: dict[str, Any]) -> Application:
    """The application that Serve runs for exports and trainings, as `replicas.reader`."""
    return deployed(Worker, **given)
