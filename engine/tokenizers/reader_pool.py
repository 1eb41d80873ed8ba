"""Tokenizers that did not come with the app, each in a process of its own.

In: the path of a `tokenizer.json` and a text. Out: what `engine.tokenizers.reader_process` answers.
Such a file may hold anything: a pattern in it can compute for ever, and a library that computes can
hold the interpreter. So its texts are read beside the app, under bounds on memory and time.

A process lives on after its answer: the first text of a tokenizer waits for one to start (0.2 s,
and the time that the file takes to read), the next ones cost a millisecond more than in the app.
At most `ATLAS_READERS` live at once; the one unused longest ends for the next, never one at work.
Two texts for one tokenizer are read one after the other.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.errors import Busy, EngineError, NotOffered
from engine.jobs.processes import Child, Limits
from engine.policy import WITHOUT_TOKEN
from engine.settings import settings

SECONDS = 10.0
"""Of computing that one text may take."""
WALL = 3.0
"""Times as long by the clock: other processes want their share of the cores."""
START_SECONDS = 60.0
MEMORY = 4 * 10**9
WAIT_SECONDS = 30.0
"""For a turn, when all processes are at work."""

Key = tuple[Path, int, int]


def begin(path: Path) -> None:
    """Start the process of a file ahead of its first text, where there is room, and go on."""
    with _free:
        room = len(_pool) < settings().readers or any(not one.users for one in _pool.values())
    if room:
        with suppress(EngineError), _taken(path):
            pass


def ask(path: Path, question: dict[str, Any]) -> dict[str, Any]:
    """The answer of a tokenizer's process; raise `NotOffered` where it has none to give."""
    with _taken(path) as one:
        return one.ask(question)


def facts(path: Path) -> dict[str, Any]:
    """What the process says of the tokenizer when it has read it."""
    with _taken(path) as one:
        return one.facts()


def close(folder: Path | None = None) -> None:
    """End all processes, or those of a folder's tokenizers."""
    with _free:
        keys = [key for key in _pool if folder is None or key[0].is_relative_to(folder)]
        left = [_pool.pop(key) for key in keys]
    for one in left:
        one.child.kill()


class _Reader:
    """A process that holds one tokenizer."""

    def __init__(self, path: Path) -> None:
        argv = [sys.executable, "-m", "engine.tokenizers.reader_process", str(path), str(SECONDS)]
        extra = {**WITHOUT_TOKEN, "ATLAS_ADMIN_KEY": "", "TOKENIZERS_PARALLELISM": "false"}
        self.child = Child(argv, limits=Limits(MEMORY, START_SECONDS), extra=extra)
        self.users = 0
        self._turn = threading.Lock()
        self._facts: dict[str, Any] | None = None

    def facts(self) -> dict[str, Any]:
        """What it says at its start."""
        with self._line():
            return self._started()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Its answer to a question."""
        with self._line():
            self._started()
            return self._checked(self.child.ask(question, WALL * SECONDS), SECONDS)

    @contextmanager
    def _line(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            raise Busy("This tokenizer is busy with other texts. Try again in a minute.")
        try:
            yield
        finally:
            self._turn.release()

    def _started(self) -> dict[str, Any]:
        if self._facts is None:
            self._facts = self._checked(self.child.answer(START_SECONDS), START_SECONDS)
        return self._facts

    def _checked(self, said: dict[str, Any] | None, seconds: float) -> dict[str, Any]:
        if said is None:
            self.child.kill()
            raise NotOffered(
                f"This tokenizer was stopped: it took more than {seconds:.0f} seconds or more "
                "memory than one is given here. Shorten the text or choose another."
            )
        if "error" in said:
            raise NotOffered(str(said["error"]))
        return said


_pool: OrderedDict[Key, _Reader] = OrderedDict()
_free = threading.Condition()


@contextmanager
def _taken(path: Path) -> Iterator[_Reader]:
    """The process of a file as it is now, started when needed, and not ended meanwhile."""
    try:
        state = path.stat()
    except OSError:
        raise NotOffered(f"{path.name} of {path.parent.name} is not here any more.") from None
    key = (path, state.st_mtime_ns, state.st_size)
    with _free:
        one = _pool.get(key)
        if one is None or not one.child.alive:
            _pool.pop(key, None)
            _make_room()
            one = _pool[key] = _Reader(path)
        _pool.move_to_end(key)
        one.users += 1
    try:
        yield one
    finally:
        with _free:
            one.users -= 1
            _free.notify()


def _make_room() -> None:
    """End the process unused longest while there are too many; wait while all are at work."""
    end = time.monotonic() + WAIT_SECONDS
    while len(_pool) >= settings().readers:
        idle = next((key for key, one in _pool.items() if not one.users), None)
        if idle is not None:
            _pool.pop(idle).child.kill()
        elif not _free.wait(max(0.0, end - time.monotonic())):
            raise Busy(f"{settings().readers} other tokenizers are at work. Try again in a minute.")
