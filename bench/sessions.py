"""Many people at once, over the socket that browsers use: how long each waits, what it costs.

    python -m bench.sessions --sessions 100 200 --seconds 120 --out docs/benchmarks.md
    python -m bench.sessions --address http://127.0.0.1:8501 --pid 4711    # a server of yours

Everybody opens a page by its link, thinks, and then types a text (a third of the time), goes to
another page (a quarter) or moves a control. Printed are the time from an act to the end of the
run that it caused, errors, and the memory of the server with its slope once everybody is there. The
visitors' own work is done on the same machine: what they see is never better than what is true.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import random
import statistics
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import websockets

from bench.app import server
from bench.measure import Row, memory_mb
from bench.report import every, tell
from bench.visitor import Failed, Visitor

TITLE = "Many people at once, one process"
PAGES = ("Tokenization", "Embeddings", "Attention", "Translation", "Decoding")
THINK = 8.0  # seconds between two acts, half as long to half as long again
# Not counted among the answers: the first run of a page, waiting for a place, finding back.
NOT_ACTS = {"open", "queue", "back again"}
TYPED, TURNED = 1 / 3, 1 / 4  # shares of the acts
PATIENCE = 60.0  # seconds for which a browser that lost its server tries again
LOST = (OSError, websockets.WebSocketException)
WORDS = (
    "the a little old white brave sad river boy girl king fox hen boat house garden morning night "
    "said saw found took went looked ran sat wanted loved under over with into behind and but then "
    "water bread book tree window road village mother friend once again slowly never always"
).split()


@dataclass(frozen=True)
class Act:
    """What one visitor did: when it ended, by the clock, and how long the answer took."""

    name: str
    ended: float
    seconds: float


@dataclass
class Tally:
    """What all visitors saw: their acts, errors, and the server's memory beside them."""

    acts: list[Act] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)

    def seconds(self, *, since: float = 0.0, until: float = math.inf) -> dict[str, list[float]]:
        """Seconds of each kind of act that ended in this time; both by the clock."""
        found: dict[str, list[float]] = {}
        for act in self.acts:
            if since <= act.ended < until:
                found.setdefault(act.name, []).append(act.seconds)
        return found

    def slowest(self, share: float) -> float:
        """Seconds within which so large a share of all answers came; infinite without any."""
        found = [act.seconds for act in self.acts if act.name not in NOT_ACTS]
        return float(np.quantile(found, share)) if found else math.inf

    def report(self, settled: float, *, since: float = 0.0, until: float = math.inf) -> str:
        """All of it as lines; memory has settled after that many seconds."""
        seconds = self.seconds(since=since, until=until)
        every = [s for name, some in seconds.items() if name not in NOT_ACTS for s in some]
        lines = [line(name, some) for name, some in sorted(seconds.items())]
        lines += [line("all but opening", every), f"errors: {sum(self.errors.values())}"]
        lines += [f"    {count} x {what}" for what, count in self.errors.most_common(5)]
        late = [(at, mb) for at, mb in self.memory if at >= settled]
        if len(late) > 2:
            times, sizes = np.array(late).T
            slope = 60 * np.polyfit(times, sizes, 1)[0]
            first, last, most = late[0][1], late[-1][1], max(mb for _, mb in self.memory)
            lines.append(
                f"memory: {first:.0f} MB after {settled:.0f} s, {last:.0f} at the end, "
                f"{most:.0f} at most; {slope:+.1f} MB a minute"
            )
        return "\n".join(lines)


def line(name: str, seconds: list[float]) -> str:
    """One kind of act: how many, their median, 95th percentile and slowest."""
    if len(seconds) < 2:
        return f"{name}: {len(seconds)} acts"
    part = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    middle, most = statistics.median(seconds), max(seconds)
    return (
        f"{name}: {len(seconds)} acts, median {1e3 * middle:.0f} ms, 95 % within "
        f"{1e3 * part:.0f} ms, slowest {1e3 * most:.0f} ms"
    )


def sentence(chance: random.Random) -> str:
    """A text that hardly anybody else types."""
    return " ".join(chance.choices(WORDS, k=chance.randint(6, 14))).capitalize() + "."


async def visit(
    address: str, number: int, begin: float, end: float, tally: Tally, *, patient: bool = False
) -> None:
    """One person's stay from `begin` to `end`, in seconds of the clock.

    They wait where there is a queue. Who is `patient` connects again where the connection is lost,
    as a browser does.
    """
    chance = random.Random(number)
    await asyncio.sleep(max(0.0, begin - time.monotonic()))
    # A machine of its own for each, as a proxy says it; a server that trusts none does not listen.
    at = {"X-Forwarded-For": f"10.{number // 250}.{number % 250}.7"}

    async def timed(name: str, act: Coroutine[Any, Any, None]) -> None:
        began = time.monotonic()
        await act
        ended = time.monotonic()
        tally.acts.append(Act(name, ended, ended - began))

    async def inside() -> None:
        while visitor.waiting and time.monotonic() < end:
            await visitor.think(0.5)

    async def act() -> None:
        nonlocal page
        luck = chance.random()
        if luck < TYPED:
            await timed("type", visitor.type(sentence(chance)))
        elif luck < TYPED + TURNED:
            page = chance.choice([one for one in PAGES if one != page])
            await timed("turn", visitor.turn(page))
        else:
            await timed("move", visitor.move(chance))

    async def again() -> None:
        last: Exception | None = None
        for _ in range(int(PATIENCE)):
            try:
                return await visitor.reopen()
            except LOST as error:
                last = error
                await asyncio.sleep(1)
        raise Failed(f"not found again in {PATIENCE:.0f} s: {last}")

    page = chance.choice(PAGES)
    try:
        async with Visitor(address, at) as visitor:
            await timed("open", visitor.open(page, text=sentence(chance)))
            if visitor.waiting:
                await timed("queue", inside())
            while time.monotonic() < end:
                try:
                    await visitor.think(THINK * chance.uniform(0.5, 1.5))
                    if time.monotonic() < end and not visitor.waiting:
                        await act()
                except LOST:
                    if not patient:
                        raise
                    await timed("back again", again())
    except (Failed, TimeoutError, *LOST) as error:
        tally.errors[f"{page}: {type(error).__name__} {error}"[:300]] += 1


async def crowd(
    address: str,
    sessions: int,
    seconds: float,
    pid: int | None = None,
    *,
    patient: bool = False,
    tally: Tally | None = None,
) -> Tally:
    """All of them, come one after another within one time of thinking."""
    tally, began = tally or Tally(), time.monotonic()
    arrive = [began + THINK * number / sessions for number in range(sessions)]
    end = began + THINK + seconds
    stays = [visit(address, n, at, end, tally, patient=patient) for n, at in enumerate(arrive)]
    everybody = asyncio.gather(*stays)
    while not everybody.done():
        if pid is not None:
            tally.memory.append((time.monotonic() - began, memory_mb(pid=pid)))
        await asyncio.wait([everybody], timeout=2)
    await everybody
    return tally


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """A row for each number of sessions, every time with a server of its own; all of it printed."""
    for sessions in given.sessions:
        with contextlib.ExitStack() as stack:
            address, pid = given.address, given.pid
            if address is None:
                address, process = stack.enter_context(server())
                pid = process.pid
            tally = asyncio.run(crowd(address, sessions, given.seconds, pid))
        print(f"{sessions} sessions for {given.seconds:.0f} seconds")
        print(tally.report(settled=2 * THINK), flush=True)
        late, median = 1e3 * tally.slowest(0.95), 1e3 * tally.slowest(0.5)
        yield Row(
            f"{sessions} sessions, from an act to the end of its run",
            f"95 % within {late:.0f} ms, half within {median:.0f} ms, "
            f"{sum(tally.errors.values())} errors",
            "95 % within 1000 ms",
            late < 1000 and not tally.errors,
        )
        if tally.memory:
            most = max(mb for _, mb in tally.memory)
            yield Row(f"{sessions} sessions, memory of the server", f"{most:.0f} MB at most")


def main() -> None:
    """Start a server (or take the one named), send the crowds, say what was seen."""
    parser = argparse.ArgumentParser(description="Many people at once.")
    parser.add_argument("--sessions", type=int, nargs="+", default=[100, 200])
    parser.add_argument("--seconds", type=float, default=120, help="after all have come")
    parser.add_argument("--address", help="of a server that runs already")
    parser.add_argument("--pid", type=int, help="its process, for its memory")
    parser.add_argument("--out", type=Path, help="keep the table in this file")
    given = parser.parse_args()
    tell(TITLE, every({TITLE: partial(measured, given)}), given.out)


if __name__ == "__main__":
    main()
