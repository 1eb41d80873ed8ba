"""A class over the socket that browsers use: one teacher, many pupils, a lesson.

    python -m bench.classroom --pupils 100
    python -m bench.classroom --pupils 100 --address http://127.0.0.1:8501 --pid 4711

Everybody joins by the link. At each step pupils think and answer, the teacher reveals and goes on;
printed are how long an answer takes to be counted, how long after the teacher's act each pupil's
page shows it, and what it costs the server when nothing happens at all.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from bench.app import server
from bench.measure import memory_mb
from bench.sessions import line
from bench.visitor import Failed, Visitor
from engine.learn.reader import shipped

LESSON = "0.1"  # the first lesson goes over four pages
PACE = 10.0  # seconds in which all join, and in which all answer
STILL = 20.0  # seconds for which nothing happens
PATIENCE = 120.0  # seconds after which something counts as never seen


@dataclass
class Played:
    """What was seen: seconds of each kind, what was answered to each step, the teacher's page."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    given: dict[int, Counter[str]] = field(default_factory=dict)
    page: dict[int, str] = field(default_factory=dict)

    def note(self, name: str, seconds: float) -> None:
        """One more of a kind."""
        self.seconds.setdefault(name, []).append(seconds)


class Class:
    """The teacher, the pupils, and when the teacher did something last."""

    def __init__(self, address: str, pupils: int, steps: int, pace: float) -> None:
        """Prepare to play so many steps."""
        self.address, self.count, self.steps, self.pace = address, pupils, steps, pace
        self.played = Played()
        self.acted = 0.0
        # Everybody stands at the same place of the lesson before the teacher goes on.
        self.all = asyncio.Barrier(pupils + 1)

    async def pupil(self, number: int, code: str) -> None:
        """Join, answer every step, follow."""
        chance, played = random.Random(number), self.played
        at = {"X-Forwarded-For": f"10.{number // 250}.{number % 250}.7"}
        await asyncio.sleep(self.pace * number / self.count)
        async with Visitor(self.address, at) as visitor:
            began = time.monotonic()
            await visitor.open("Learn", **{"class": code})
            await visitor.press("Join", nickname=f"pupil {number}")
            await visitor.until(lambda: f"Class **{code}**" in visitor.words(), PATIENCE)
            played.note("joined", time.monotonic() - began)
            for step in range(1, self.steps + 1):
                await self._seen(visitor, f"step {step} of")
                await visitor.think(self.pace * chance.random() + 0.01)
                began = time.monotonic()
                given = await visitor.choose(chance)
                await visitor.until(lambda: told(visitor.words()), PATIENCE)
                played.note("answer counted", time.monotonic() - began)
                played.given.setdefault(step, Counter())[given] += 1
                await self._wait(visitor)  # everybody has answered
                await self._wait(visitor)  # the teacher has acted
                await self._seen(visitor, "revealed the answer")
                played.note("reveal seen", time.monotonic() - self.acted)
                await self._wait(visitor)
                if step < self.steps:
                    await self._wait(visitor)
                    await self._seen(visitor, f"step {step + 1} of")
                    played.note("next step seen", time.monotonic() - self.acted)
                    await self._wait(visitor)

    async def teacher(self, visitor: Visitor, code: str) -> None:
        """Wait for all, reveal, go on."""
        for step in range(1, self.steps + 1):
            await self._wait(visitor)
            said = f"{self.count} of {self.count} pupils have answered"
            await visitor.until(lambda said=said: said in visitor.words(), PATIENCE)
            self.played.page[step] = visitor.words()
            self.acted = time.monotonic()
            await visitor.press("Reveal the answer")
            await self._wait(visitor)
            await self._wait(visitor)
            if step < self.steps:
                self.acted = time.monotonic()
                await visitor.press("Next")
                await self._wait(visitor)
                await self._wait(visitor)

    async def _seen(self, visitor: Visitor, words: str) -> None:
        await visitor.until(lambda: words in visitor.words(), PATIENCE)

    async def _wait(self, visitor: Visitor) -> None:
        """Wait for all others, while the page goes on by itself."""
        others = asyncio.ensure_future(self.all.wait())
        while not others.done():
            await visitor.think(0.2)
        await others


def told(words: str) -> bool:
    """Whether a pupil reads that an answer was counted: by the question, or by the class's line."""
    return "Your answer is in" in words or "Answer counted" in words


async def play(address: str, pupils: int, steps: int, pace: float = PACE) -> Played:
    """Open a class, play, end it."""
    lesson = shipped()[LESSON]
    async with Visitor(address) as teacher:
        await teacher.open("Learn")
        await teacher.press("Open a class")
        code = str(teacher.sent("atlas_class").get("code") or "")
        if not code:
            raise Failed(f"no class was opened: {teacher.words()[:300]}")
        first = lesson.steps[0].page
        await teacher.turn(first, lesson=LESSON, lesson_step="1", **{"class": code})
        room = Class(address, pupils, steps, pace)
        async with asyncio.TaskGroup() as group:
            for number in range(pupils):
                group.create_task(room.pupil(number, code))
            group.create_task(room.teacher(teacher, code))
        await teacher.press("Delete and end")
    return room.played


async def still(address: str, pupils: int, pid: int) -> float:
    """Share of one core that a server takes for a class in which nothing happens."""
    async with Visitor(address) as teacher, contextlib.AsyncExitStack() as stack:
        await teacher.open("Learn")
        await teacher.press("Open a class")
        code = str(teacher.sent("atlas_class")["code"])
        visitors = []
        for number in range(pupils):
            visitor = await stack.enter_async_context(Visitor(address))
            await visitor.open("Learn", **{"class": code})
            await visitor.press("Join", nickname=str(number))
            visitors.append(visitor)
        await asyncio.gather(*(one.think(5) for one in visitors))
        before = processor(pid)
        await asyncio.gather(*(one.think(STILL) for one in visitors))
        return (processor(pid) - before) / STILL


def processor(pid: int) -> float:
    """Seconds of all cores that a process has used (Linux)."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    """Play, and say what was seen."""
    parser = argparse.ArgumentParser(description="A class of one teacher and many pupils.")
    parser.add_argument("--pupils", type=int, default=100)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--address", help="of a server that runs already")
    parser.add_argument("--pid", type=int, help="its process")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        address, pid = given.address, given.pid
        if address is None:
            address, process = stack.enter_context(server())
            pid = process.pid
        played = asyncio.run(play(address, given.pupils, given.steps))
        print(f"{given.pupils} pupils, {given.steps} steps of lesson {LESSON}")
        print("\n".join(line(name, some) for name, some in played.seconds.items()))
        if pid is not None:
            share = asyncio.run(still(address, given.pupils, pid))
            print(f"nothing happens: {100 * share:.0f} % of one core")
            print(f"memory: {memory_mb(pid=pid):.0f} MB")


if __name__ == "__main__":
    main()
