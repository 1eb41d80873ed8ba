"""The server's beginning and end: whose word is believed, how it logs, what it samples."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from engine.hosting import logs
from engine.hosting.history import EVERY, sample
from engine.settings import settings
from pages.shell.host.guard import trust_proxies

trust_proxies()  # while the server is being set up, before it listens


@contextlib.asynccontextmanager
async def life(_app: Any) -> AsyncIterator[None]:
    """Log, and note the figures now and then, for as long as the server runs."""
    logs.set_up()  # after the server has set up its own
    logs.event("started", mode=settings().mode)
    sampling = asyncio.create_task(_sample())
    try:
        yield
    finally:
        sampling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sampling
        logs.event("ended")


async def _sample() -> None:
    while True:
        await asyncio.sleep(EVERY)
        await asyncio.to_thread(sample)
