"""Tasks that go on elsewhere, as jobs of this process: pages watch, share and cancel them as ever.

    job = begin(link, question, viewer="session")   # as `engine.jobs.registry.start`, and as shared

The job's thread follows a stream of the cluster; whatever the replica shows, the job shows. Where
the replica dies the task begins again at another: what it computes is the same. Knows nothing of
what the task is.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from engine.cluster.link import PAUSE, TRIES, Link, lost
from engine.cluster.questions import TASKS, Question
from engine.errors import EngineError, EngineUnavailable
from engine.jobs import registry
from engine.jobs.registry import Job, Report

PATIENCE = 30.0  # seconds that a task goes on when nobody looks
WALK = "blockwise"  # the kind of the reading of a long text


class _Begin:
    """The beginning of a task: `known` once the replica has begun, or has refused to."""

    __slots__ = ("__weakref__", "known", "refused")

    def __init__(self) -> None:
        self.known, self.refused = threading.Event(), False


_begun: WeakKeyDictionary[Job, _Begin] = WeakKeyDictionary()
_guard = threading.Lock()


def begin(
    link: Link, question: Question, *, viewer: str, kept: Callable[[Any], None] | None = None
) -> Job:
    """Begin a task or join who does; `kept` gets its result. Raises what the task is refused with.

    Waits until the replica has begun, so that a refusal is heard here and now.
    """

    def work(report: Report, begin: _Begin) -> Any:
        result = None
        for update in persistent(report, lambda turn: link.stream("follow", question, turn=turn)):
            report.progress(update.progress)
            report.stage(update.stage)
            if update.shown is not None:
                report.show(update.shown)
            result = update.result
            begin.known.set()
        if kept is not None:
            kept(result)
        return result

    # A map is looked for as long as its process would be; the rest like a text that is written.
    patience = None if TASKS[question.method][0] == "map" else PATIENCE
    return _started(key(question), work, viewer=viewer, patience=patience)


def read_on(link: Link, question: Question, *, viewer: str) -> Job:
    """Begin to read a long text, or join who does; the job shows a `SoFar` without a job."""

    def work(report: Report, begin: _Begin) -> None:
        for found in persistent(report, lambda turn: link.stream("read_on", question, turn=turn)):
            report.show(found)
            begin.known.set()

    return _started(key(question), work, viewer=viewer, patience=PATIENCE)


def find(question: Question) -> Job | None:
    """The job of a question, under way or ended lately."""
    return registry.find(key(question))


def key(question: Question) -> str:
    """Equal questions share one job; its kind is what `engine.policy` knows it by."""
    given = {name: value for name, value in question.arguments.items() if name != "viewer"}
    told = repr((question.method, question.models, given)).encode("utf-8", "replace")
    kind = TASKS[question.method][0] if question.method in TASKS else WALK
    return f"{kind}:{hashlib.blake2b(told, digest_size=16).hexdigest()}"


def persistent(report: Report, stream: Callable[[int], Iterator[Any]]) -> Iterator[Any]:
    """The items of a stream, begun anew elsewhere where its replica dies.

    Raises `Stopped` once the job is cancelled, `EngineUnavailable` after too many deaths.
    """
    for turn in range(TRIES):
        items = stream(turn)
        try:
            for item in items:
                report.check()
                yield item
            return
        except Exception as error:
            if not lost(error):
                raise
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
        report.check()
        time.sleep(PAUSE * 2**turn)
    raise EngineUnavailable("The engines of the cluster went away. Try again in a moment.")


def _started(
    name: str,
    work: Callable[[Report, _Begin], Any],
    *,
    viewer: str,
    patience: float | None,
) -> Job:
    begin = _Begin()

    def whole(report: Report) -> Any:
        try:
            return work(report, begin)
        except Exception:
            begin.refused = not begin.known.is_set()
            raise
        finally:
            begin.known.set()

    with _guard:
        job = registry.start(name, whole, viewer=viewer, patience=patience)
        begin = _begun.setdefault(job, begin)  # whoever joins waits for the same beginning
    begin.known.wait()
    if begin.refused:
        job.wait()  # it ends now
        if isinstance(job.error, EngineError):
            raise job.error
    return job
