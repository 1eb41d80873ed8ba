"""The way from a front to its cluster: questions go out, values come back, whoever answers.

    link = Link()                                   # nothing is connected yet
    link.ask(question)                              # a value, or what it was refused with
    for item in link.stream("write", question, have): ...

A question whose replica died is asked of the next one, as none of them changes anything. What
cannot be reached, and what is of another version, is an `EngineUnavailable` with the remedy. Ray is
imported at the first question; nothing of it is seen outside.
"""
# pyright: reportMissingImports=false

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from engine.cluster.arrays import Lost
from engine.cluster.origins import account
from engine.cluster.packing import Packed
from engine.cluster.questions import Question, QueueFull, answered_by, version
from engine.cluster.state import State, read
from engine.errors import Busy, EngineError, EngineUnavailable, Stopped
from engine.settings import settings

TRIES = 6  # replicas that are asked, one after the other, before giving up
OTHERS = 3  # replicas that are asked where each has a full queue
PAUSE = 0.25  # seconds, twice as many before each further try
PATIENCE = 300.0  # seconds until a question without an answer is given up
BELIEVED = 30.0  # seconds that an application is not looked for again
START = "Start engines of this version: python -m engine.cluster up"


class Link:
    """The connection of this process, made once; safe for threads."""

    def __init__(self, patience: float = PATIENCE) -> None:
        """Wait at most `patience` seconds for an answer."""
        self._patience = patience
        self._lock = threading.Lock()
        self._handles: dict[str, Any] = {}
        self._lacking: dict[str, float] = {}

    def ask(self, question: Question) -> Any:
        """The answer; raises the `EngineError` of whoever answered, or `EngineUnavailable`."""

        def once(handle: Any) -> Any:
            begun = time.monotonic()
            try:
                packed = self._answer(handle, replace(question, node=node()))
                value = packed.value()
            except Lost:  # its file went meanwhile, or was broken: the bytes themselves, then
                packed = self._answer(handle, question)
                value = packed.value()
            _note(question, packed, begun)
            return value

        return self.tried(question, once)

    def _answer(self, handle: Any, question: Question) -> Packed:
        return handle.answer.remote(question).result(timeout_s=self._patience)

    def tried(self, question: Question, once: Callable[[Any], Any]) -> Any:
        """`once(handle)`, of another replica where one is full or gone. Raises as `ask` does."""
        for turn in range(TRIES):
            try:
                return once(self._handle(question, turn))
            except QueueFull:
                if turn + 1 >= OTHERS:
                    raise
            except BaseException as error:
                if not lost(error) or turn + 1 == TRIES:
                    raise _told(error) from error
                time.sleep(PAUSE * 2**turn)
        raise AssertionError("the last try returns or raises")

    def stream(self, call: str, question: Question, *more: Any, turn: int = 0) -> Iterator[Any]:
        """The values of a stream; leaving it tells the replica. Raises as it ends: see `lost`."""
        handle = self._handle(question, turn).options(stream=True)
        # Once something was lost, no file is trusted.
        asked = question if turn else replace(question, node=node())
        found = getattr(handle, call).remote(asked, *more)
        begun = time.monotonic()
        try:
            for packed in found:
                _note(question, packed, begun)
                yield packed.value()
        finally:
            with contextlib.suppress(Exception):
                found.cancel()

    def everyone(self) -> list[dict[str, Any]]:
        """What each replica that reads says of itself."""
        told = self._application("reader").broadcast("told").results(timeout_s=30)
        return sorted(told, key=lambda one: one["replica"])

    def heard(self, name: str, call: str, seconds: float) -> tuple[list[Any], int]:
        """What the replicas of an application say within so many seconds; how many are silent.

        Raises `EngineUnavailable` where there are none.
        """
        try:
            asked = self._application(name).broadcast(call)
            found = asked.results(timeout_s=seconds, return_exceptions=True)
        except Exception as error:
            raise _told(error) from error
        told = [one for one in found if not isinstance(one, BaseException)]
        return told, len(found) - len(told)

    def has(self, name: str) -> bool:
        """Whether the cluster has an application of this version; no is believed for a while."""
        latest = self._lacking.get(name)
        if latest is not None and time.monotonic() - latest < BELIEVED:
            return False
        try:
            self._application(name)
        except EngineUnavailable:
            self._lacking[name] = time.monotonic()
            return False
        return True

    def _handle(self, question: Question, turn: int) -> Any:
        found = self._application(answered_by(question.method))
        return found.options(session_id=question.route(turn), multiplexed_model_id=question.model)

    def _application(self, name: str) -> Any:
        with self._lock:
            found = self._handles.get(name)
            if found is None:
                found = self._handles[name] = _connected(name)
        return found


def _note(question: Question, packed: Packed, begun: float) -> None:
    if packed.origin:
        seconds = time.monotonic() - begun
        account().note(question.method, packed.origin, packed.replica, seconds)


def node() -> str:
    """The node of the cluster that this process is on, once it is connected."""
    import ray

    return ray.get_runtime_context().get_node_id()


def lost(error: BaseException) -> bool:
    """Whether an error says that a replica, its node or a file is gone, so that another answers."""
    if isinstance(error, EngineError):
        return isinstance(error, Lost)
    from ray import exceptions

    gone = (
        exceptions.RayActorError,
        exceptions.ObjectLostError,
        exceptions.WorkerCrashedError,
        exceptions.NodeDiedError,
        exceptions.LocalRayletDiedError,
    )
    return isinstance(error, gone)


def _told(error: BaseException) -> BaseException:
    """An error of Ray's as one of ours, others as they are."""
    from ray import exceptions
    from ray.serve.exceptions import BackPressureError, RayServeException

    if isinstance(error, BackPressureError):
        return Busy(
            "Every engine of the cluster has a full queue. Ask again in a few seconds.", 5.0
        )
    if isinstance(error, TimeoutError):
        return EngineUnavailable(
            "No engine of the cluster answered in time. Whoever runs this app can look: "
            "python -m engine.cluster status"
        )
    if isinstance(error, exceptions.TaskCancelledError):
        return Stopped("Stopped.")
    if lost(error) or isinstance(error, exceptions.RaySystemError | RayServeException):
        return EngineUnavailable(
            f"The engines of the cluster went away ({type(error).__name__}). Try again in a moment."
        )
    return error


def join(state: State) -> None:
    """Connect this process to a cluster; raises `EngineUnavailable`."""
    os.environ.update(state.environment())
    try:
        import ray
    except ImportError:
        raise EngineUnavailable(
            "The engine of this app is set to be a cluster's (ATLAS_ENGINE), and Ray is not here. "
            "Install it: python -m pip install -r requirements-cluster.txt"
        ) from None
    if ray.is_initialized():
        return
    atexit.register(ray.shutdown)  # Ray's threads must end before the interpreter does
    try:
        ray.init(
            address=state.address,
            namespace="atlas",
            log_to_driver=False,
            configure_logging=False,
        )
    except (ConnectionError, RuntimeError, TimeoutError) as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise EngineUnavailable(
            f"The cluster at {state.address} does not answer ({said}). {START}"
        ) from None


def _connected(name: str) -> Any:
    """The handle of the application of this version."""
    join(read(settings().cluster))
    from ray import serve
    from ray.serve.exceptions import RayServeException

    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # of whom is asked nobody need read
    for called in (application(name), name):
        try:
            return serve.get_app_handle(called)
        except RayServeException:
            continue
    here = sorted(serve.status().applications)
    others = [one.partition("-")[2] for one in here if one.startswith(f"{name}-")]
    raise EngineUnavailable(
        f"The cluster has engines of {', '.join(others) or 'no version'}; this app is of version "
        f"{version()[:8]}. {START}"
    )


def application(name: str) -> str:
    """What an application of this version is called, so that two versions stand side by side."""
    return f"{name}-{version()[:8]}"
