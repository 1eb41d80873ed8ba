"""The engine of a front: `engine.api.Engine` without weights and sessions, asked of a cluster.

    remote().tokens(Reading("tales-gpt", "Once upon a time")).pieces

What can be read from a model's card is answered here, from the folder that front and replicas
share; all else is asked of a replica, and kept where it depends on nothing but the models' files
and the question (`ATLAS_TRACE_MB`). Who asks cannot tell it from `Local`: values are equal to the
bit, errors the same sentences. `questions` says which method goes which way.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, cast

from engine import policy
from engine.api import Engine, local
from engine.cluster import programs, tasks
from engine.cluster.link import Link
from engine.cluster.origins import account
from engine.cluster.questions import (
    ASKED,
    HERE,
    KEPT,
    TASKS,
    Question,
    arguments,
    models_in,
    version,
)
from engine.cluster.writings import Shelf
from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.decoding.generation import longest, room_left
from engine.errors import BrokenBundle, ModelNotExported, UnknownModel
from engine.jobs import registry
from engine.jobs.registry import Job
from engine.local.models import bundle
from engine.local.traces import SoFar
from engine.settings import settings
from engine.store import cached, store
from engine.timing.measuring import Timings
from engine.values import Kind, Reading

FINDERS = {finder: name for name, (_, finder) in TASKS.items()}


class Remote:
    """Answers as `engine.api.Engine` promises; see `remote`, which gives it that type."""

    def __init__(self, link: Link) -> None:
        """Ask over `link`."""
        self._link = link
        self._here: Any = local()
        self._shelf = Shelf(link, lambda task, lines: self._question("write", task, lines))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """What is neither kept nor followed here, as the tables of `questions` have it."""
        if name in HERE:
            return getattr(self._here, name)
        if name in ASKED:
            return partial(self._asked, name)
        if name in TASKS:
            return partial(self._begun, name)
        if name in FINDERS:
            return partial(self._found, FINDERS[name])
        raise AttributeError(f"an engine has no {name!r}")

    # --- Values ---

    def _asked(self, name: str, *args: Any, **named: Any) -> Any:
        question = self._question(name, *args, **named)
        if name not in KEPT:
            return self._link.ask(question)
        asked: list[bool] = []

        def ask() -> _Kept:
            asked.append(True)
            return _Kept(self._link.ask(question))

        key = ("cluster", name, question.models, *question.arguments.items())
        kept = cached(key, ask).value
        if not asked:
            account().note(name, "front")
        # What `Local` makes anew at each call is the caller's to change.
        return copy.copy(kept) if type(kept) in (list, dict) else kept

    def _question(self, name: str, *args: Any, **named: Any) -> Question:
        given = arguments(name, args, named)
        models = tuple((one, _digest(one)) for one in models_in(given))
        return Question(version(), name, given, models, policy.served())

    # --- Tasks ---

    def _begun(self, name: str, *args: Any, **named: Any) -> Job:
        question = self._question(name, *args, **named)
        return tasks.begin(self._link, question, viewer=question.arguments["viewer"])

    def _found(self, name: str, *args: Any, **named: Any) -> Job | None:
        job = tasks.find(self._question(name, *args, **named, viewer=""))
        # A map that was stopped is none: its page begins anew.
        return None if job is not None and name == "lay_out" and job.stopped else job

    def measure(self, model: str, longest: int, *, viewer: str) -> Job:
        """Begin to measure a replica; what is found is kept here."""
        question = self._question("measure", model, longest, viewer=viewer)

        def keep(found: Any) -> None:
            store().put(self._timed(model, longest), found)

        return tasks.begin(self._link, question, viewer=viewer, kept=keep)

    def timed(self, model: str, longest: int) -> Timings | None:
        """What was measured last."""
        return store().peek(self._timed(model, longest))

    def timings(self, model: str, longest: int) -> Timings:
        """What was measured, now where it was not."""
        found = self.timed(model, longest)
        if found is not None:
            return found
        viewer = policy.served()
        job = self.measure(model, longest, viewer=viewer)
        return job.outcome(viewer, "The measurement was stopped.")

    def _timed(self, model: str, longest: int) -> tuple[str, str, int]:
        return ("cluster timings", _digest(model), longest)

    # --- Long texts ---

    def overview_so_far(self, reading: Reading, kind: Kind, *, viewer: str) -> SoFar:
        """All heads of the layers read so far."""
        engine = cast(Engine, self)
        if not engine.is_long(reading, kind):
            found = engine.overview(reading, kind)
            return SoFar(found, len(found.weights))
        job = tasks.find(self._question("read_on", reading, kind, viewer=viewer))
        if job is None or (job.stopped and not job.cancelled):
            job = self.read_on(reading, kind, viewer=viewer)  # it had stopped unwatched
        if job.error is not None and not job.stopped:
            raise job.error
        job.watch(viewer)
        shown: SoFar | None = job.partial
        if shown is None or shown.whole:
            found = engine.overview(reading, kind)
            return SoFar(found, len(found.weights))
        return SoFar(shown.overview, shown.layers, job)

    def read_on(self, reading: Reading, kind: Kind, *, viewer: str) -> Job:
        """Begin to read a long text block by block, or go on where it was stopped."""
        question = self._question("read_on", reading, kind, viewer=viewer)
        return tasks.read_on(self._link, question, viewer=viewer)

    # --- Texts that are written ---

    def write(
        self, task: Task, lines: Sequence[Line], *, viewer: str = "", patience: float = 0.0
    ) -> tuple[Generated, ...]:
        """The texts of these lines; what nobody has written yet is begun, in one batch."""
        policy.check_writing(sum(max(1, line.beams) for line in lines), task.limit)
        room_left(bundle(task.model), longest(task.ids, lines))  # what its card says
        return self._shelf.write(task, lines, viewer=viewer, patience=patience)

    def look(self, task: Task, lines: Sequence[Line], *, viewer: str) -> tuple[Generated, ...]:
        """The texts of these lines as far as they are written."""
        return self._shelf.look(task, lines, viewer=viewer)

    def stop_writing(self, task: Task, lines: Sequence[Line], *, viewer: str) -> None:
        """A viewer has seen enough."""
        self._shelf.stop(task, lines, viewer=viewer)

    def texts_under_way(self) -> int:
        """How many batches of texts are being written for this front."""
        return sum(job.kind == "write" for job in registry.running())


class _Kept:
    """An answer in the store, as it came: a list stays a list."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


@cache
def remote() -> Engine:
    """The engine of this process that asks the cluster of the settings."""
    link = Link()
    programs.lend(link)
    return cast(Engine, Remote(link))


_seen: set[str] = set()  # models that were here


def _digest(model: str) -> str:
    """Which model this is; raises `BrokenBundle` where it was here and its folder is lost."""
    try:
        found = bundle(model).digest
    except (UnknownModel, ModelNotExported):
        folder = settings().models
        if model not in _seen or folder.is_dir():
            raise
        raise BrokenBundle(
            f"{folder} is not there: models are kept in this folder, which the app shares with its "
            "cluster (ATLAS_MODELS). Try again once it is back."
        ) from None
    _seen.add(model)
    return found
