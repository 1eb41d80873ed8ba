"""The server's beginning and end: whose word is believed, how it logs, what it samples and forgets.

A class is forgotten by whoever uses the store of classes next; where nobody does, by this.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from engine.errors import ClassesUnavailable
from engine.hosting import logs
from engine.hosting.history import EVERY, sample
from engine.learn.classes.rooms import classes
from engine.settings import settings
from pages.shell.host.asked import keep_what_was_asked
from pages.shell.host.delivery import bundle_what_is_drawn
from pages.shell.host.guard import trust_proxies
from pages.shell.host.lighter import lighten
from pages.shell.host.runs import keep_what_was_drawn

FORGETTING = 600.0  # seconds between two looks at what is too old

keep_what_was_asked()
keep_what_was_drawn()
bundle_what_is_drawn()
lighten()
trust_proxies()  # while the server is being set up, before it listens


@contextlib.asynccontextmanager
async def life(_app: Any) -> AsyncIterator[None]:
    """Log, and note the figures now and then, for as long as the server runs."""
    logs.set_up()  # after the server has set up its own
    logs.event("started", mode=settings().mode)
    reading = asyncio.create_task(asyncio.to_thread(_read_lessons))
    tasks = [asyncio.create_task(_sample()), asyncio.create_task(_forget())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            await reading
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        logs.event("ended")


def _read_lessons() -> None:
    """Say of a school's own lessons at once what is wrong, to who started the server."""
    path = settings().lessons
    if path is not None:
        from engine.learn.folder import Folder  # it knows all of the engine: seconds

        for problem in Folder(path).shelf().problems:
            logs.LOGGER.warning("Own lessons: %s", problem)


async def _forget() -> None:
    while True:
        try:
            await asyncio.to_thread(lambda: classes().forget())
        except ClassesUnavailable as error:
            logs.LOGGER.warning("%s", error)
        await asyncio.sleep(FORGETTING)


async def _sample() -> None:
    while True:
        await asyncio.sleep(EVERY)
        try:
            await asyncio.to_thread(sample)
        except Exception:
            # A folder that cannot be read for a moment must not end the figures for good.
            logs.LOGGER.exception("The figures could not be sampled")
