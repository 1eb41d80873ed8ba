"""A program that ends with the one that started it, however that ends.

    with hold([python, "-m", "streamlit", ...], folder, environment, log) as held:
        held.alive

Between the two stands a small process (`python -m engine.hosting.lifeline`), which starts the
program as the head of a group of its own and holds the other end of a pipe. The pipe closes when
the block is left, and also when this process is killed: then the group is asked to end, and killed
where it does not. Needs nothing but Python.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PATIENCE = 5.0  # seconds between asking a program to end and killing it
LOOK = 0.05
ROOT = Path(__file__).resolve().parents[2]
MISSING = 127  # as shells say that a program cannot be started


class Held:
    """A program under way."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Stand for the program that this process keeps."""
        self._process = process

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def status(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.poll()


@contextmanager
def hold(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    log: int | IO[bytes],
) -> Iterator[Held]:
    """Run a program in a folder for as long as the block lasts; what it prints goes to `log`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.hosting.lifeline", str(folder), *command],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        # Ctrl+C is for the one who started it, which then leaves the block.
        start_new_session=True,
    )
    try:
        yield Held(process)
    finally:
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        process.wait()


def main(arguments: Sequence[str]) -> int:
    """Run `[folder, program, ...]` until it ends or nobody holds the pipe; the exit status."""
    folder, *command = arguments
    try:
        program = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        print(error, file=sys.stderr)
        return MISSING
    left = threading.Event()
    threading.Thread(target=_read, args=(left,), daemon=True).start()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: left.set())
    while program.poll() is None and not left.wait(LOOK):
        pass
    # Also where it has ended by itself: what it started may still be there.
    _end(program)
    return program.wait()


def _read(left: threading.Event) -> None:
    """Wait until the other end of the pipe is closed."""
    # Not by `sys.stdin`: a lock that this thread holds at the end would end all with an error.
    while os.read(0, 1):
        pass
    left.set()


def _end(program: subprocess.Popen[bytes]) -> None:
    _send(program, "SIGTERM")
    until = time.monotonic() + PATIENCE
    while _is_there(program) and time.monotonic() < until:
        time.sleep(LOOK)
    _send(program, "SIGKILL")


def _is_there(program: subprocess.Popen[bytes]) -> bool:
    """Whether the program or anything of its group runs."""
    if program.poll() is None:
        return True
    if not hasattr(os, "killpg"):
        return False
    try:
        os.killpg(program.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _send(program: subprocess.Popen[bytes], name: str) -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, getattr(signal, name))
    elif program.poll() is None:
        # Windows: a whole tree has no other name.
        subprocess.run(
            ["taskkill", "/T", "/F", "/PID", str(program.pid)], capture_output=True, check=False
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
