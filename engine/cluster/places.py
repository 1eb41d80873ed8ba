"""Who is answered and who waits at one replica: a few at once, some more in a queue, no others.

    async with places.one():            # waits for its turn; raises `QueueFull` with one's place
        ...

Whoever is refused hears which place theirs would have been, and when to ask again. Belongs to one
event loop; knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.cluster.questions import QueueFull
from engine.hosting import figures

SMOOTHING = 0.1  # of the mean time of an answer


class Places:
    """At most `workers` inside and `queue` waiting."""

    def __init__(self, workers: int, queue: int) -> None:
        """Make them, all free."""
        self._workers, self._queue = workers, queue
        self._free = asyncio.Semaphore(workers)
        self._mean = 0.1  # seconds
        self.waiting = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place for the `async with` block."""
        if self._free.locked() and self.waiting >= self._queue:
            figures.refused("cluster queue")
            wait = max(1.0, self._mean * (self.waiting + 1) / self._workers)
            raise QueueFull(
                f"{self.waiting} questions wait for this engine and no more may: yours would be "
                f"number {self.waiting + 1}. Ask again in {math.ceil(wait)} seconds.",
                wait,
            )
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        begun = time.monotonic()
        try:
            yield
        finally:
            self._free.release()
            self._mean += SMOOTHING * (time.monotonic() - begun - self._mean)
