"""The places of model runs: so many at once, the rest in their turn.

In: how many. Out: `Slots`, and `slots()`, the one set that all models share. A free place goes to
the visitor who holds the fewest and had none for longest, so that one who asks for sixteen texts at
once stands in nobody's way. Knows nothing of what is done in a place.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from engine import policy
from engine.settings import settings

REMEMBERED = 1000  # viewers


class _Turn:
    """Somebody who waits for a place."""

    __slots__ = ("came", "come", "viewer")

    def __init__(self, viewer: str) -> None:
        self.viewer, self.came, self.come = viewer, time.monotonic(), threading.Event()


class Slots:
    """At most `count` holders at once; the rest get their turn, those who hold fewest first."""

    def __init__(self, count: int) -> None:
        """Make `count` places."""
        self._lock = threading.Lock()
        self._free = count
        self._waiting: list[_Turn] = []
        self._held: Counter[str] = Counter()
        self._last: dict[str, int] = {}  # which place a viewer had last, by its number
        self._given = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for a place, hold it for the `with` block, hand it to whose turn it is."""
        viewer = policy.served()
        self._take(viewer)
        try:
            yield
        finally:
            self._give(viewer)

    def _take(self, viewer: str) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                self._note(viewer)
                return
            turn = _Turn(viewer)
            self._waiting.append(turn)
        try:
            turn.come.wait()
        except BaseException:
            self._leave(turn)
            raise

    def _give(self, viewer: str) -> None:
        # The place goes straight to the next in line: a newcomer cannot slip in between.
        with self._lock:
            self._held[viewer] -= 1
            if not self._held[viewer]:
                del self._held[viewer]
            if not self._waiting:
                self._free += 1
                return
            turn = min(
                self._waiting,
                key=lambda one: (self._held[one.viewer], self._last.get(one.viewer, 0)),
            )
            self._waiting.remove(turn)
            self._note(turn.viewer)
            turn.come.set()

    def _note(self, viewer: str) -> None:
        self._held[viewer] += 1
        self._given += 1
        if len(self._last) >= REMEMBERED:
            self._last.clear()
        self._last[viewer] = self._given

    def _leave(self, turn: _Turn) -> None:
        with self._lock:
            if not turn.come.is_set():
                self._waiting.remove(turn)
                return
        self._give(turn.viewer)

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    @property
    def longest(self) -> float:
        """Seconds that somebody has waited longest; 0 where nobody waits."""
        with self._lock:
            came = [turn.came for turn in self._waiting]
        return time.monotonic() - min(came) if came else 0.0


_shared: list[Slots] = []
_guard = threading.Lock()


def slots() -> Slots:
    """The places for runs, one set in the process."""
    with _guard:
        if not _shared:
            _shared.append(Slots(settings().runs))
        return _shared[0]
