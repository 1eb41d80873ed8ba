"""The beginning of every child process: bounds on this process first, then the program.

    python -m engine.jobs.child '{"parent": 4711, "memory": 4000000000}' -m MODULE ARGUMENTS ...

A child speaks in JSON lines: what it has to say on stdout, what it is asked on stdin, one object
each. It ends when stdin does, as nobody is left to ask; on Linux the kernel tells it besides, so
that it ends also while a library holds the interpreter. `engine.jobs.processes` is the other side.
Knows nothing of what the program does.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

GRACE = 5.0  # seconds between asking a process to end and killing it
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl

_asked: SimpleQueue[str | None] = SimpleQueue()


def main(arguments: list[str]) -> None:
    """Bound this process, watch for the end of the app, and run a module or a line of Python."""
    plan, kind, what, *rest = arguments
    limits = json.loads(plan)
    bound(limits.get("memory"), limits.get("processor"))
    _follow(int(limits["parent"]))
    threading.Thread(target=_listen, name="stdin", daemon=True).start()
    sys.path[0] = os.getcwd()
    sys.argv = [what if kind == "-m" else kind, *rest]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


def questions(processor: float | None = None) -> Iterator[dict[str, Any]]:
    """What the app asks, one after the other, until it asks no more.

    `processor` are the seconds of computing that each may take: who takes more is ended.
    """
    while (line := _asked.get()) is not None:
        if processor is not None:
            bound(None, time.process_time() + processor)
        yield json.loads(line)


def say(**event: Any) -> None:
    """Tell the app something: one JSON line."""
    print(json.dumps(event), file=sys.__stdout__, flush=True)


def bound(memory: int | None, processor: float | None) -> None:
    """Limit this process: bytes of its address space, seconds of computing in all; Unix only."""
    try:
        import resource
    except ImportError:
        return
    wanted = {resource.RLIMIT_CORE: 0}
    if memory is not None:
        wanted[resource.RLIMIT_AS] = memory
    if processor is not None:
        wanted[resource.RLIMIT_CPU] = max(1, round(processor))
    for kind, most in wanted.items():
        hard = resource.getrlimit(kind)[1]
        try:
            # The hard limit stays: the time may be renewed with every question.
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (allowed, hard))
        except (ValueError, OSError):
            pass  # macOS knows some of them by name only


def _follow(parent: int) -> None:
    """End with the app, and before it where memory is short; Linux only."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # the app ended before we asked
        os._exit(1)
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        pass


def _listen() -> None:
    """Take what is asked; at the end of stdin end this process and what it started."""
    # Not by sys.stdin: its lock, held here at the end, would make the interpreter abort.
    rest = b""
    while data := os.read(0, 1 << 16):
        *lines, rest = (rest + data).split(b"\n") if b"\n" in data else (rest + data,)
        for line in lines:
            _asked.put(line.decode())
    _asked.put(None)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    if sys.platform == "win32" or os.getpgid(0) != os.getpid():
        os._exit(1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    from engine.jobs import child  # the one that programs import

    child.main(sys.argv[1:])
