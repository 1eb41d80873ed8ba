"""How many questions are answered at once, in all and for one address; nobody waits for a place.

    with Places(8, 2).one("203.0.113.9"):       # raises `Refusal` (503, 429) where there is none
        ...

A place is held until the answer has left, so that slow readers cannot pile up answers in memory.
Asked in the server's own loop: one lock, no waiting.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from engine.hosting import figures
from engine.settings import settings
from engine.web.refusals import Refusal

SOON = 2  # seconds: most answers take less


class Places:
    """At most `count` questions at once, `each` of one address."""

    def __init__(self, count: int, each: int) -> None:
        """Make the places."""
        self._count, self._each = count, each
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def one(self, address: str) -> Iterator[None]:
        """A place for the `with` block."""
        with self._lock:
            if self._held[address] >= self._each:
                figures.refused("calls at once")
                raise Refusal(
                    429, f"{self._each} questions of your network are being answered. Wait.", SOON
                )
            if self._held.total() >= self._count:
                figures.refused("all calls")
                raise Refusal(503, "All places for questions are taken. Ask again soon.", SOON)
            self._held[address] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[address] -= 1
                if not self._held[address]:
                    del self._held[address]


@cache
def places() -> Places:
    """The places of this process."""
    return Places(settings().calls, settings().viewer_calls)
