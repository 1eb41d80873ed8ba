"""A child process: a Python program beside the app, bounded, which speaks in JSON lines.

    child = Child([sys.executable, "-m", "engine.export", ...], limits=Limits(wall=3600))
    for event in child.events(): ...          # what it says, as it comes
    problem = child.finish()                  # None after a good end, else a sentence

    answer = child.ask({"text": "a"}, seconds=10)   # or a program that answers questions

It runs in the project's folder, under the limits given (`engine.jobs.child` sets them before the
program begins). Ending it reaches its children too, and none outlives the app, even one that is
killed. Knows nothing of jobs or of what is said.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from engine.jobs.child import GRACE

ROOT = Path(__file__).resolve().parents[2]
KILL_SECONDS = GRACE  # between asking a process to end and killing it
LEAVING_SECONDS = 2.0  # that children are given when the app ends
ERROR_LINES = 20
NO_MEMORY = ("MemoryError", "memory allocation", "bad_alloc", "Cannot allocate memory")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may take: bytes of address space, seconds of computing, seconds in all."""

    memory: int | None = None
    processor: float | None = None
    wall: float | None = None


class Child:
    """A Python program that runs; raises OSError where it cannot be started."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        limits: Limits | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Start `[python, "-m", module, ...]`, with `extra` added to the environment."""
        self.limits = limits or Limits()
        self._process = _spawn(_command(argv, self.limits), dict(extra or {}))
        self._last: deque[str] = deque(maxlen=ERROR_LINES)
        self.late = False  # whether it was ended for its time
        self._listener = threading.Thread(target=self._collect, daemon=True)
        self._listener.start()
        self._clock = self._timer(self.limits.wall)
        _running.add(self)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def events(self) -> Iterator[dict[str, Any]]:
        """What it says, to its end; lines that are no JSON object are left out."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if event := _event(line):
                yield event

    def ask(self, question: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
        """The answer to a question; None where it ended without one, or was ended for its time."""
        clock = self._timer(seconds)
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            return next(self.events(), None)
        except (OSError, ValueError):
            return None  # it ended while it was asked
        finally:
            if clock is not None:
                clock.cancel()

    def answer(self, seconds: float) -> dict[str, Any] | None:
        """The next thing it says unasked; None as for `ask`."""
        clock = self._timer(seconds)
        try:
            return next(self.events(), None)
        except ValueError:
            return None
        finally:
            if clock is not None:
                clock.cancel()

    def finish(self) -> str | None:
        """Wait for the end: None after a good one, else a sentence that says why."""
        self._process.wait()
        self._listener.join(timeout=KILL_SECONDS)
        self._close()
        return self._problem(self._process.returncode)

    def end(self) -> None:
        """Ask it to end, so that it can clean up, then kill its group."""
        self.request()
        threading.Thread(target=self._kill_later, daemon=True).start()

    def leave(self) -> None:
        """Let it end by itself, and see to it that it does: what it was for has been said."""
        threading.Thread(target=lambda: (self._kill_later(), self._close()), daemon=True).start()

    def kill(self) -> None:
        """End it at once, with what it started."""
        _signal(self._process, "SIGKILL")
        self._process.wait()
        self._listener.join(timeout=KILL_SECONDS)
        self._close()

    def request(self) -> None:
        """Ask it to end."""
        _signal(self._process, "SIGTERM")

    def wait(self, seconds: float) -> None:
        """Wait for its end, so long at most."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def _kill_later(self) -> None:
        self.wait(KILL_SECONDS)
        # Also when the leader has ended: a child that ignored the first signal may be left.
        _signal(self._process, "SIGKILL")
        self._process.wait()
        _running.discard(self)

    def _close(self) -> None:
        _running.discard(self)
        if self._clock is not None:
            self._clock.cancel()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass

    def _timer(self, seconds: float | None) -> threading.Timer | None:
        if seconds is None:
            return None
        clock = threading.Timer(seconds, self._too_late)
        clock.daemon = True
        clock.start()
        return clock

    def _too_late(self) -> None:
        self.late = True
        _signal(self._process, "SIGKILL")

    def _problem(self, status: int) -> str | None:
        """Why it ended, as a sentence; None after a good end."""
        if not status:
            return None
        words = "\n".join(self._last)
        if self.late and self.limits.wall is not None:
            return f"It was ended: it took more than {_time(self.limits.wall)}."
        if self.limits.processor is not None and status == -getattr(signal, "SIGXCPU", 0):
            return f"It was ended: it computed for more than {_time(self.limits.processor)}."
        if self.limits.memory is not None and any(word in words for word in NO_MEMORY):
            return f"It was ended: it asked for more than {self.limits.memory / 1e9:.0f} GB."
        said = next((line for line in reversed(self._last) if line.strip()), "it said nothing")
        return f"The process ended with status {status}: {said.strip()[:300]}"

    def _collect(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            self._last.extend(lines)


_running: set[Child] = set()


def _command(argv: Sequence[str], limits: Limits) -> list[str]:
    """The program behind the beginning that bounds it."""
    python, *program = argv
    plan = {"parent": os.getpid(), "memory": limits.memory, "processor": limits.processor}
    return [python, "-m", "engine.jobs.child", json.dumps(plan), *program]


def _event(line: str) -> dict[str, Any]:
    """One line as an event; a line that is none (a library's print) is an empty one."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _time(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _spawn(argv: list[str], extra: Mapping[str, str]) -> subprocess.Popen[str]:
    # A group of its own, so that a kill reaches the children too.
    group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return _by_the_spawner(
        lambda: subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **extra},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            **group,
        )
    )


_orders: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
_spawner: list[threading.Thread] = []
_guard = threading.Lock()


def _by_the_spawner(make: Callable[[], subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """Start a process from the one thread that lives as long as the app.

    To Linux the parent is the thread that started a process: a page's thread ends with its run, and
    the process would be told that its parent is gone.
    """
    with _guard:
        if not _spawner or not _spawner[0].is_alive():
            _spawner[:] = [threading.Thread(target=_obey, name="spawner", daemon=True)]
            _spawner[0].start()
    made: Future[subprocess.Popen[str]] = Future()
    _orders.put((make, made))
    return made.result()


def _obey() -> None:
    while True:
        make, made = _orders.get()
        try:
            made.set_result(make())
        except BaseException as error:
            made.set_exception(error)


def _signal(process: subprocess.Popen[str], name: str) -> None:
    try:
        if sys.platform == "win32":
            subprocess.run(
                ["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False
            )
        else:
            os.killpg(process.pid, getattr(signal, name))
    except (ProcessLookupError, PermissionError):
        pass


@atexit.register
def _end_all() -> None:
    """No process outlives the app; each may clean up first."""
    left = list(_running)
    for child in left:
        child.request()
    end = time.monotonic() + LEAVING_SECONDS
    for child in left:
        child.wait(max(0.0, end - time.monotonic()))
