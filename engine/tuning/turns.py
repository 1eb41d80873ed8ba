"""One training at a time on this machine: who comes second waits for its turn.

A process that waits has not loaded PyTorch and takes neither memory nor a core. The system lets go
of the turn of a process that was killed.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import Stopped

WAITING = "Waiting: another training is under way"
PAUSE = 0.5  # seconds between two tries


@contextmanager
def turn(waiting: Callable[[], None], stop: Path | None = None) -> Iterator[None]:
    """Have the machine's one place for a training; `waiting` is called once where it is taken.

    Raises `Stopped` where the file `stop` appears before the turn has come.
    """
    owner = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    folder = Path(tempfile.gettempdir()) / f"transformer-atlas-{owner}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = FileLock(folder / "training.lock")
    told = False
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            if not told:
                waiting()
                told = True
            if stop is not None and stop.exists():
                raise Stopped("Stopped before its turn came. Nothing was kept.") from None
            time.sleep(PAUSE)
    try:
        yield
    finally:
        lock.release()
