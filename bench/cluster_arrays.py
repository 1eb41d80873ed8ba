"""Large arrays from a replica to a front: by the memory that a node shares, or as a mapped file.

    python -m bench.cluster_arrays

In: nothing; the shipped models, and requirements-cluster.txt installed. Printed: the least and the
median of the milliseconds until the front has an array that the replica holds already, the ways in
turns: bytes, a file that is new, a file that is there; and the memory of its own that it takes in
the front. All is on this machine: what a network or its disk adds is not measured.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

TURNS = 15
GPT = "tales-gpt"
TEXT = "the king said and the fox ran home " * 60
POSITIONS = (64, 160, 480)


def own() -> float:
    """MB of memory that are this process's alone."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1000


def in_turns(ways: dict[str, Callable[[], Any]], before: Callable[[str], None]) -> dict[str, str]:
    """Least and median milliseconds of each way, the first turn left out, and MB that it takes."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    memory: dict[str, float] = {}
    for _ in range(TURNS + 1):
        for name, ask in ways.items():
            before(name)
            gc.collect()
            held, begun = own(), time.perf_counter()
            value = ask()
            seconds[name].append(time.perf_counter() - begun)
            memory[name] = own() - held
            del value
    return {
        name: f"{1000 * min(times[1:]):.0f}, {1000 * float(np.median(times[1:])):.0f} ms; "
        f"{memory[name]:+.1f} MB"
        for name, times in seconds.items()
    }


def measured() -> None:
    """Start a node with one replica, print the table, end the node."""
    from engine.api import Reading, local
    from engine.cluster import arrays, nodes
    from engine.cluster.link import Link
    from engine.cluster.questions import Question, arguments, version

    def before(way: str) -> None:
        for path, _ in arrays._files() if way == "a new file" else ():
            path.unlink()

    nodes.up(nodes.Plan(replicas=1))
    try:
        link, digest = Link(), local().digest(GPT)
        for number, count in enumerate(POSITIONS):
            given = arguments("logits", (Reading(GPT, TEXT), tuple(range(count))), {})
            question = Question(version(), "logits", given, ((GPT, digest),))
            right = link.ask(question).logits

            def ask(node: str, question: Question = question) -> Any:
                answer = link._handle(question, 0).answer.remote(replace(question, node=node))
                return answer.result(timeout_s=60).value()

            ways = {
                "bytes": lambda: ask(""),  # noqa: B023
                "a new file": lambda: ask("elsewhere"),  # noqa: B023
                "a file that is there": lambda: ask("elsewhere"),  # noqa: B023
            }
            assert all(way().logits.tobytes() == right.tobytes() for way in ways.values())
            found = in_turns(ways, before)
            if not number:
                print(f"| array | {' | '.join(found)} |\n|---|---|---|---|")
            print(f"| {right.nbytes / 1e6:.1f} MB | {' | '.join(found.values())} |", flush=True)
    finally:
        nodes.down()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ["ATLAS_MODELS"] = str(Path(folder) / "models")
        measured()
