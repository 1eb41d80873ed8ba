"""A child process that tells what it does: JSON lines on stdout, one object an event.

In: a command. Out: its events as they come, then how it ended. Ending it reaches its children too,
and none outlives the app. A child that reads hostile text limits itself with `bound`. Knows nothing
of jobs or of what the events mean.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

KILL_SECONDS = 5.0  # between asking a process to end and killing it
ERROR_LINES = 20


class Child:
    """A command that runs; raises OSError where it cannot be started."""

    def __init__(
        self, argv: Sequence[str], *, cwd: Path | None = None, extra: Mapping[str, str]
    ) -> None:
        """Start it, with `extra` added to the environment."""
        self._process = _spawn(list(argv), cwd, extra)
        self._last: deque[str] = deque(maxlen=ERROR_LINES)
        self._listener = threading.Thread(target=self._collect, daemon=True)
        self._listener.start()
        _running.add(self)

    def events(self) -> Iterator[dict[str, Any]]:
        """What it prints, to its end; lines that are no JSON object are left out."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if event := _event(line):
                    yield event

    def finish(self) -> str | None:
        """Wait for the end: None after a good one, else a sentence with its last words."""
        self._process.wait()
        self._listener.join(timeout=KILL_SECONDS)
        _running.discard(self)
        status = self._process.returncode
        if not status:
            return None
        said = next((line for line in reversed(self._last) if line.strip()), "it said nothing")
        return f"The process ended with status {status}: {said.strip()[:300]}"

    def end(self) -> None:
        """Ask it to end, so that it can clean up, then kill its group."""
        self.ask()
        threading.Thread(target=self._kill_later, daemon=True).start()

    def ask(self) -> None:
        """Ask it to end."""
        _signal(self._process, "SIGTERM")

    def _kill_later(self) -> None:
        try:
            self._process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        # Also when the leader has ended: a child that ignored the first signal may be left.
        _signal(self._process, "SIGKILL")

    def _collect(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            self._last.extend(lines)


def bound(memory: int, seconds: float | None = None) -> None:
    """Limit this very process: bytes of its address space, seconds of computing; Unix only."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))


_running: set[Child] = set()


def _event(line: str) -> dict[str, Any]:
    """One line as an event; a line that is none (a library's print) is an empty one."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _spawn(argv: list[str], cwd: Path | None, extra: Mapping[str, str]) -> subprocess.Popen[str]:
    # A group of its own, so that a kill reaches the children too.
    group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **extra},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        **group,
    )


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
    """No process outlives the app."""
    for child in list(_running):
        child.ask()
