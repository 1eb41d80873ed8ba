"""`python -m bench.reruns`: what one run of a page costs the server: elements, bytes, processor.

    --pages NAME ...   pages (default: those that `bench.sessions` visits)
    --turns N          how often each act is done (default: 20)
    --out FILE         keep the table in a file: it replaces the one of its title there

One person opens each page and then types a text, goes away and comes back, and moves a control,
turn by turn. Processor time is that of the whole server, its event loop included, read before and
after each act; it says the same on a busy machine, within what its caches lose to others.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.app import server
from bench.measure import Row
from bench.report import every, tell
from bench.sessions import PAGES, sentence
from bench.visitor import Visitor

TITLE = "What a run of a page costs"
ACTS = ("type", "turn", "move")
SETTLE = 0.05  # seconds after an act, in which the server tidies up


class Counted(Visitor):
    """A visitor who counts what the server sends."""

    elements_sent = bytes_sent = 0

    def _take(self, message: ForwardMsg) -> None:
        self.elements_sent += message.WhichOneof("type") == "delta"
        self.bytes_sent += message.ByteSize()
        super()._take(message)


def processor(pid: int) -> float:
    """Seconds that a process has had of the processor, all threads together; Linux."""
    return time.clock_gettime(~pid << 3 | 2)  # the number that clock_getcpuclockid(3) gives


async def costs(address: str, pid: int, page: str, turns: int) -> dict[str, tuple[float, ...]]:
    """Of each act the medians: elements, kilobytes and milliseconds of the processor."""
    found: dict[str, list[tuple[float, ...]]] = {act: [] for act in ACTS}
    chance = random.Random(page)
    away = next(one for one in PAGES if one != page)
    async with Counted(address) as visitor:

        async def counted(act: Coroutine[Any, Any, None]) -> tuple[float, ...]:
            before = processor(pid), visitor.elements_sent, visitor.bytes_sent
            await act
            await visitor.think(SETTLE)
            return (
                visitor.elements_sent - before[1],
                (visitor.bytes_sent - before[2]) / 1e3,
                1e3 * (processor(pid) - before[0]),
            )

        await visitor.open(page, text=sentence(chance))
        await visitor.think(1.0)
        for _ in range(turns):
            found["type"].append(await counted(visitor.type(sentence(chance))))
            await visitor.turn(away)
            await visitor.think(SETTLE)
            found["turn"].append(await counted(visitor.turn(page)))
            found["move"].append(await counted(visitor.move(chance)))
    return {
        act: tuple(map(statistics.median, zip(*some, strict=True))) for act, some in found.items()
    }


def measured(pages: list[str], turns: int) -> Iterator[Row]:
    """A row for each act on each page, and one for the mean of all as a crowd does them."""
    every_ms = []
    with server() as (address, process):
        for page in pages:
            found = asyncio.run(costs(address, process.pid, page, turns))
            for act, (elements, kilobytes, ms) in found.items():
                yield Row(
                    f"{page}, {act}", f"{elements:.0f} elements, {kilobytes:.0f} kB, {ms:.1f} ms"
                )
            every_ms.append(
                (found["type"][2] * 4 + found["turn"][2] * 3 + found["move"][2] * 5) / 12
            )
    yield Row("an act of the crowd of bench.sessions", f"{statistics.mean(every_ms):.1f} ms")


def main() -> int:
    """Measure every page; print each row at once."""
    asked = _arguments()
    tell(TITLE, every({TITLE: partial(measured, asked.pages, asked.turns)}), asked.out)
    return 0


def _arguments() -> argparse.Namespace:
    found = argparse.ArgumentParser(prog="python -m bench.reruns", description=__doc__)
    found.add_argument("--pages", nargs="+", default=list(PAGES))
    found.add_argument("--turns", type=int, default=20)
    found.add_argument("--out", type=Path)
    return found.parse_args()


if __name__ == "__main__":
    sys.exit(main())
