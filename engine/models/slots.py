"""The places of model runs: so many at once, the rest in the order in which they came.

In: how many. Out: `Slots`, and `slots()`, the one set that all models share. Knows nothing of what
is done in a place.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from engine.settings import settings


class Slots:
    """At most `count` holders at once; the rest get their turn in the order in which they came."""

    def __init__(self, count: int) -> None:
        """Make `count` places."""
        self._lock = threading.Lock()
        self._free = count
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for a place, hold it for the `with` block, hand it to who waits longest."""
        self._take()
        try:
            yield
        finally:
            self._give()

    def _take(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            turn.wait()
        except BaseException:
            self._leave(turn)
            raise

    def _give(self) -> None:
        # The place goes straight to the next in line: a newcomer cannot slip in between.
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _leave(self, turn: threading.Event) -> None:
        with self._lock:
            if not turn.is_set():
                self._waiting.remove(turn)
                return
        self._give()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)


_shared: list[Slots] = []
_guard = threading.Lock()


def slots() -> Slots:
    """The places for runs, one set in the process."""
    with _guard:
        if not _shared:
            _shared.append(Slots(settings().runs))
        return _shared[0]
