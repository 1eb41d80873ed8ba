"""Texts are written for several viewers while a replica is killed again and again.

    python -m bench.kills --minutes 10         # a node of two replicas, one killed each 30 seconds

In: nothing; the shipped models, and requirements-cluster.txt installed. Printed: how many texts
were begun, ended and the same as this process's engine writes, how often a replica was killed while
it wrote, and the longest pause that somebody had to read through. Ends with an error where a text
was lost or changed. Kills replicas of the node that it started, and nothing else.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

GPT = "tales-gpt"
BEGINNINGS = ("Once upon a time", "The king said", "A fox ran over the hill and", "In the forest")
TOKENS = 200
LINES = 3
LOOK = 0.02  # seconds between two looks at a text
LOST = 120.0  # seconds without a new token after which a text counts as lost


@dataclass(slots=True)
class Tally:
    """What became of the texts."""

    begun: int = 0
    ended: int = 0
    same: int = 0
    pauses: list[float] = field(default_factory=list)  # the longest one of each text, seconds
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Write one line."""
        longest = f"{max(self.pauses):.1f} s" if self.pauses else "none"
        usual = f"{np.median(self.pauses):.2f} s" if self.pauses else "none"
        return (f"{self.begun} texts begun, {self.ended} ended, {self.same} the same as here; "
                f"longest pause {longest}, of half of the texts at most {usual}")  # fmt: skip


class Viewers:
    """Threads that let one text after the other be written, and compare each with another engine's.

    `stop` lets them end what they began. No two texts of a crowd are the same.
    """

    def __init__(self, engine: Any, right: Any, count: int) -> None:
        """Ask `engine` for `count` viewers; `right` says how each text must be."""
        self.tally = Tally()
        self._engine, self._right = engine, right
        self._guard, self._enough = threading.Lock(), threading.Event()
        self._compared = threading.Lock()
        self._threads = [
            threading.Thread(target=self._view, args=(number,), name=f"viewer {number}")
            for number in range(count)
        ]

    def start(self) -> None:
        """Begin."""
        for one in self._threads:
            one.start()

    def last(self) -> None:
        """Begin no other text."""
        self._enough.set()

    def stop(self) -> Tally:
        """Begin no other text; what became of all, once those that were begun have ended."""
        self.last()
        for one in self._threads:
            one.join()
        return self.tally

    def _view(self, number: int) -> None:
        turn = 0
        while not self._enough.is_set():
            turn += 1
            with self._guard:
                self.tally.begun += 1
            try:
                self._read(number, turn)
            except Exception as error:  # whatever it is, it is a text lost, and is told
                with self._guard:
                    self.tally.wrong.append(f"{type(error).__name__}: {error}")

    def _read(self, number: int, turn: int) -> None:
        from engine.api import Line, Reading, Sampling, Task

        viewer = f"viewer {number}"
        start = BEGINNINGS[number % len(BEGINNINGS)]
        ids = tuple(self._engine.tokens(Reading(GPT, start)).ids.tolist())
        task = Task(GPT, ids, seed=1000 * number + turn, limit=TOKENS)
        lines = tuple(Line(Sampling(temperature=1.0), run=run) for run in range(LINES))
        found, longest = followed(self._engine, task, lines, viewer)
        with self._compared:  # one at a time: what is compared is not what is measured
            right, _ = followed(self._right, task, lines, viewer)
        other = difference(found, right)
        with self._guard:
            self.tally.ended += all(one.end for one in found)
            self.tally.same += not other
            self.tally.pauses.append(longest)
            if other:
                self.tally.wrong.append(f"{viewer}, text {turn}: {other}")


def followed(engine: Any, task: Any, lines: Any, viewer: str) -> tuple[Any, float]:
    """Lines at their end, and the longest time in seconds that no token came."""
    found = engine.write(task, lines, viewer=viewer)
    longest, count, since = 0.0, 0, time.monotonic()
    while any(one.writing for one in found):
        time.sleep(LOOK)
        found = engine.look(task, lines, viewer=viewer)
        now = sum(len(one.tokens) for one in found)
        pause = time.monotonic() - since
        if now > count:
            longest, count, since = max(longest, pause), now, time.monotonic()
        elif pause > LOST:
            raise TimeoutError(f"no token for {LOST:.0f} seconds, after {count}")
    for one in found:
        if one.problem is not None:
            raise one.problem
    return found, longest


def difference(found: Any, right: Any) -> str:
    """Where lines differ from what they must be; "" where they do not."""
    for number, (one, other) in enumerate(zip(found, right, strict=True), 1):
        if (one.ids, one.texts, one.end) != (other.ids, other.texts, other.end):
            pairs = zip(one.ids, other.ids, strict=False)
            alike = next((k for k, (a, b) in enumerate(pairs) if a != b), None)
            return (
                f"line {number} has {len(one.ids)} tokens and ends “{one.end}”; right are "
                f"{len(other.ids)} and “{other.end}”; the first other token is {alike}"
            )
    return ""


def writing() -> list[int]:
    """Processes of the replicas that are writing now; none while that cannot be told."""
    from engine.cluster.link import Link
    from engine.cluster.nodes import processes
    from engine.cluster.state import read

    try:
        told = Link().everyone()
    except Exception:  # one of them has just died
        return []
    ours = set(processes(read()))
    found = [int(one["replica"].rpartition("/")[2]) for one in told if one["streams"]]
    return [one for one in found if one in ours]


def killed(seconds: float, every: float) -> int:
    """Kill a replica that writes each `every` seconds; how many were."""
    random, count = np.random.default_rng(1), 0
    end = time.monotonic() + seconds
    following = time.monotonic() + every
    while time.monotonic() < end:
        time.sleep(max(0.0, min(following, end) - time.monotonic()))
        if time.monotonic() < following:
            break
        victims = writing()
        if not victims:
            time.sleep(0.2)  # it is not up again, or nobody reads: try once more
            continue
        os.kill(int(random.choice(victims)), signal.SIGKILL)
        count += 1
        following += every
    return count


def main() -> None:
    """Print what became of the texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two kills")
    parser.add_argument("--viewers", type=int, default=4)
    parser.add_argument("--replicas", type=int, default=2)
    given = parser.parse_args()
    if not (0 < given.minutes <= 120 and given.every >= 5 and 1 <= given.viewers <= 32):
        parser.error("minutes must be in (0, 120], every at least 5, viewers 1 to 32")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ |= {"ATLAS_MODELS": str(Path(folder) / "models"), "ATLAS_VIEWER_RUNS": "0"}
        sys.exit(run(60 * given.minutes, given.every, given.viewers, given.replicas))


def run(seconds: float, every: float, viewers: int, replicas: int) -> str | None:
    """Print the figures of a node of its own; what was wrong, None where nothing was."""
    from engine.api import local
    from engine.cluster import nodes
    from engine.cluster.remote import remote

    nodes.up(nodes.Plan(replicas=replicas))
    try:
        crowd = Viewers(remote(), local(), viewers)
        crowd.start()
        try:
            kills = killed(seconds, every)
        finally:
            tally = crowd.stop()
    finally:
        nodes.down()
    print(f"{seconds / 60:g} minutes, {viewers} viewers, {replicas} replicas: {kills} killed")
    print(tally)
    lost = tally.begun - tally.same
    return "\n".join([f"{lost} texts lost or changed", *tally.wrong[:5]]) if lost else None


if __name__ == "__main__":
    main()
