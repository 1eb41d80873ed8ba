"""The engine behind Ray Serve beside the engine in this process, in turns, on this machine.

    python -m bench.cluster                        # one, two and four replicas, a node for each
    python -m bench.cluster --replicas 2 --json    # one of them, as numbers

In: nothing; the shipped models, and requirements-cluster.txt installed. Printed: what a question
and a written token cost more than in this process, how long a class waits that opens one link or
types 100 different texts, and what a text costs whose replica is killed. Times of the two engines
are taken in turns (A, B, A, B ...), the first turn left out; a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TURNS = 30
PUPILS = 100
TOKENS = 120
GPT = "tales-gpt"

Times = list[float]


def in_turns(first: Callable[[int], Any], second: Callable[[int], Any], turns: int) -> list[Times]:
    """Seconds of each turn of two calls that alternate; the first turn warms up."""
    found: list[Times] = [[], []]
    for turn in range(turns + 1):
        for times, call in zip(found, (first, second), strict=True):
            begun = time.perf_counter()
            call(turn)
            times.append(time.perf_counter() - begun)
    return [times[1:] for times in found]


def told(times: Times) -> dict[str, float]:
    """Milliseconds: least, median, 95 % within."""
    ms = 1000 * np.array(times)
    return {"min": ms.min(), "median": float(np.median(ms)), "p95": float(np.percentile(ms, 95))}


def pupils(engine: Any, text: Callable[[int], str]) -> Times:
    """How long each of a class waits for a map and its text; without who must ask later."""
    from engine.api import Reading, Scene
    from engine.errors import Busy

    times, start = list[float](), threading.Barrier(PUPILS)

    def look(number: int) -> None:
        reading = Reading(GPT, text(number))
        start.wait()
        begun = time.perf_counter()
        try:
            engine.token_names(reading, "decoder")
            engine.attention_map(Scene(reading, "decoder", 2, 1))
            engine.measures(reading, "decoder", 2)
        except Busy:
            return
        times.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=look, args=(number,)) for number in range(PUPILS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return times


def written(engine: Any, ids: tuple[int, ...], seed: int) -> tuple[float, float]:
    """Seconds to the first token of a text and, a token, from there to its end."""
    from engine.api import Line, Sampling, Task

    task = Task(GPT, ids, seed=seed, limit=TOKENS)
    lines = (Line(Sampling(temperature=1.0)),)
    begun = time.perf_counter()
    engine.write(task, lines, viewer="bench")
    while not (found := engine.look(task, lines, viewer="bench")[0]).tokens:
        time.sleep(0.0005)
    first = time.perf_counter()
    while found.writing:
        time.sleep(0.0005)
        found = engine.look(task, lines, viewer="bench")[0]
    if found.problem is not None:
        raise found.problem
    return first - begun, (time.perf_counter() - first) / max(1, len(found.tokens) - 1)


def killed(engine: Any, ids: tuple[int, ...]) -> float:
    """Seconds that a text takes longer when its replica is killed as it begins; checks the text."""
    from engine.api import Line, Sampling, Task, local
    from engine.cluster.link import Link

    lines = tuple(Line(Sampling(temperature=1.0), run=run) for run in range(8))
    took: list[float] = []
    for kill in (False, True):
        task = Task(GPT, ids, seed=900 + kill, limit=TOKENS)
        begun = time.perf_counter()
        engine.write(task, lines, viewer="bench")
        while not any(one.tokens for one in engine.look(task, lines, viewer="bench")):
            time.sleep(0.001)
        for one in Link().everyone() if kill else []:
            if one["streams"]:
                os.kill(int(one["replica"].rpartition("/")[2]), signal.SIGKILL)
        found = engine.write(task, lines, viewer="bench", patience=120)
        took.append(time.perf_counter() - begun)
        right = local().write(task, lines, patience=120)
        for one, other in zip(found, right, strict=True):
            assert one.ids == other.ids and one.texts == other.texts, "the text has changed"
    return took[1] - took[0]


def measured(replicas: int) -> dict[str, Any]:
    """All figures of a node with so many replicas; the node is started and ended here."""
    from engine.api import Reading, local
    from engine.cluster import nodes
    from engine.cluster.remote import remote
    from engine.hosting import figures
    from engine.hosting.health import memory
    from engine.store import store

    begun = time.perf_counter()
    nodes.up(nodes.Plan(replicas=replicas))
    found: dict[str, Any] = {"replicas": replicas, "start_s": time.perf_counter() - begun}
    try:
        here, there = local(), remote()
        ids = tuple(here.tokens(Reading(GPT, "Once upon a time")).ids.tolist())
        for name, ask in {
            "nothing": lambda engine, k: engine.is_open(GPT),
            "tokens of a new text": lambda engine, k: engine.tokens(Reading(GPT, f"{k} foxes.")),
            "a layer of a new text": lambda engine, k: engine.layer(
                Reading(GPT, f"{k} foxes ran over the hill and into the town."), "decoder", 2
            ),
            "all logits of a text, 3 MB": lambda engine, k: engine.logits(
                Reading(GPT, f"{k} " + "the king said and the fox ran " * 17), tuple(range(120))
            ),
        }.items():
            mine, theirs = in_turns(
                lambda k, ask=ask: ask(here, f"a{k}"), lambda k, ask=ask: ask(there, f"b{k}"), TURNS
            )
            found[name] = {"local": told(mine), "cluster": told(theirs)}
        found["front_mb"] = memory() / 1e6
        times = [[written(engine, ids, seed) for engine in (here, there)] for seed in range(8)][1:]
        for part, name in enumerate(("first token", "each further token")):
            found[name] = {
                "local": told([pair[0][part] for pair in times]),
                "cluster": told([pair[1][part] for pair in times]),
            }
        for name, text in {
            "a class on one link": lambda turn, _number: f"Turn {turn}: the king had a daughter.",
            "a class, 100 texts": lambda turn, number: f"Turn {turn}: {number} kings came home.",
        }.items():
            classes: dict[str, list[Times]] = {"local": [], "cluster": []}
            for turn in range(4):
                for side, engine in (("local", here), ("cluster", there)):
                    store().clear()
                    before = sum(figures.by_label("atlas_answers", "replica").values())
                    label = f"{turn} of {side}"
                    each = pupils(
                        engine, lambda number, label=label, text=text: text(label, number)
                    )
                    classes[side].append(each)
                    asked = sum(figures.by_label("atlas_answers", "replica").values()) - before
                    found[f"{name}, questions asked"] = asked
                    found[f"{name}, told to ask later"] = PUPILS - len(each)
            found[name] = {
                side: told([one for each in turns[1:] for one in each])
                for side, turns in classes.items()
            }
        if replicas > 1:
            found["a replica killed, seconds more"] = killed(there, ids)
    finally:
        nodes.down()
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--json", action="store_true", help="of one node, in this process")
    given = parser.parse_args()
    if given.json:
        print(json.dumps(measured(given.replicas[0])))
        return
    for count in given.replicas:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            argv = [sys.executable, "-m", "bench.cluster", "--json", "--replicas", str(count)]
            shared = {"ATLAS_MODELS": str(Path(folder) / "models"), "ATLAS_VIEWER_RUNS": "0"}
            environment = {**os.environ, **shared}
            run = subprocess.run(argv, env=environment, stdout=subprocess.PIPE, text=True)
            run.check_returncode()
            shown(json.loads(run.stdout.splitlines()[-1]))


def shown(found: dict[str, Any]) -> None:
    """One node's figures as lines of a table."""
    print(f"\n{found.pop('replicas')} replicas, up after {found.pop('start_s'):.0f} s\n")
    print("| ms | here: least, median, 95 % | cluster: least, median, 95 % |\n|---|---|---|")
    for name, each in found.items():
        if isinstance(each, dict):
            cells = (", ".join(f"{one[key]:.1f}" for key in ("min", "median", "p95"))
                     for one in each.values())  # fmt: skip
            print(f"| {name} | {' | '.join(cells)} |")
    print()
    for name, each in found.items():
        if not isinstance(each, dict):
            print(f"{name}: {each:.1f}")


if __name__ == "__main__":
    main()
