"""Who is inside and who waits: one process answers so many visitors quickly, and no more.

    gate().ask("viewer", address="10.0.0.7", here=lambda: True)     # a Place: 0 is inside

In: who asks, from which address, and a function that says whether they are still there. Out: their
place in the queue. Who comes while there is room is inside; else they wait in the order in which
they came. A place is free once its holder has been away for `AWAY` seconds (a connection that broke
comes back sooner; a page that is loaded again is a newcomer), or has done nothing for as long as
the settings allow while others wait. Each process has a gate of its own.
Knows nothing of pages; asked by everybody, so it is one lock and short lists.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from engine.errors import Busy
from engine.hosting import figures
from engine.settings import settings

AWAY = 10.0  # seconds that somebody may be away and keep their place
SWEEP = 1.0  # seconds between two looks at who is still there


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands: 0 is inside, 1 is next; `waiting` are all in the queue."""

    number: int
    waiting: int

    @property
    def inside(self) -> bool:
        """Whether they may work."""
        return self.number == 0

    @property
    def patience(self) -> float:
        """Seconds until they ask again: the more wait, the longer, so that asking costs little."""
        return 2.0 + self.waiting / 20


class _Visit:
    """Somebody who is inside or waits."""

    __slots__ = ("active", "address", "here", "seen")

    def __init__(self, address: str, here: Callable[[], bool], now: float) -> None:
        self.address, self.here, self.seen, self.active = address, here, now, now


class Gate:
    """At most `places` inside (0: no limit) and `queue` waiting; safe for threads."""

    def __init__(
        self,
        places: int,
        queue: int,
        *,
        idle: float = 0.0,
        of_address: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`idle` in seconds, `of_address` the most from one address; 0: no limit."""
        self._places, self._queue, self._idle, self._each = places, queue, idle, of_address
        self._clock = clock
        self._inside: OrderedDict[str, _Visit] = OrderedDict()
        self._waiting: OrderedDict[str, _Visit] = OrderedDict()
        self._swept = float("-inf")
        self._lock = threading.Lock()

    def ask(
        self, viewer: str, *, address: str = "", here: Callable[[], bool], active: bool = True
    ) -> Place:
        """The place of a viewer, who is taken in where there is room.

        `active` says that they did something, rather than that their page asks by itself. Raises
        `Busy` where their address has too many already or the queue is full.
        """
        with self._lock:
            now = self._clock()
            known = self._inside.get(viewer) or self._waiting.get(viewer)
            if known is not None:
                known.seen, known.here = now, here
                known.active = now if active else known.active
            self._sweep(now)
            if viewer not in self._inside and viewer not in self._waiting:
                self._check(address)
                self._waiting[viewer] = _Visit(address, here, now)
                figures.SESSIONS_SEEN.inc()
            self._admit()
            if viewer in self._inside:
                return Place(0, len(self._waiting))
            return Place(list(self._waiting).index(viewer) + 1, len(self._waiting))

    def full(self) -> bool:
        """Whether somebody new would find neither room nor a place in the queue."""
        with self._lock:
            self._sweep(self._clock())
            return self._crowded()

    def counts(self) -> tuple[int, int]:
        """How many are inside, and how many wait."""
        with self._lock:
            self._sweep(self._clock())
            self._admit()
            return len(self._inside), len(self._waiting)

    def _crowded(self) -> bool:
        return bool(self._places) and (
            len(self._inside) >= self._places and len(self._waiting) >= self._queue
        )

    def _check(self, address: str) -> None:
        visits = [*self._inside.values(), *self._waiting.values()]
        if self._each and address:
            if sum(one.address == address for one in visits) >= self._each:
                figures.refused("address sessions")
                raise Busy(
                    f"{self._each} visitors of your network are here, and no more are let in at "
                    "once. Close a window or try again later."
                )
        if self._crowded():
            figures.refused("queue")
            raise Busy("The app and its queue are full. Try again in a few minutes.")

    def _admit(self) -> None:
        while self._waiting and (not self._places or len(self._inside) < self._places):
            viewer, visit = self._waiting.popitem(last=False)
            visit.active = self._clock()
            self._inside[viewer] = visit

    def _sweep(self, now: float) -> None:
        """Free the places of those who are gone, and where others wait of those who do nothing."""
        if now - self._swept < SWEEP:
            return
        self._swept = now
        for visits in (self._inside, self._waiting):
            for viewer, visit in list(visits.items()):
                if visit.here():
                    visit.seen = now
                elif now - visit.seen > AWAY:
                    del visits[viewer]
        if self._idle and self._waiting:
            for viewer, visit in list(self._inside.items()):
                if now - visit.active > self._idle:
                    del self._inside[viewer]


@cache
def gate() -> Gate:
    """The one gate of this process."""
    chosen = settings()
    return Gate(
        chosen.sessions,
        chosen.queue,
        idle=60.0 * chosen.idle_minutes,
        of_address=chosen.address_sessions,
    )
