"""Eight, 64 and 512 replicas, simulated with times measured here, after a check against real runs.

    python -m bench.simulated                  # measures, checks 1 and 2 replicas, then simulates
    python -m bench.simulated --out FILE       # and writes the costs it measured
    python -m bench.simulated --costs FILE     # simulates again with those, and measures nothing

In: nothing; the shipped models, and requirements-cluster.txt installed. Printed: what each question
costs (`simulation.Costs`), then the same loads on a real cluster of this machine and in the model,
with the ratio of the two, then loads that no machine here could carry, in the model alone. Those
are simulated, and say so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.loads import PICTURE, one_link, own_texts, public, questions, school, sentence
from bench.loads import stream as at_random
from bench.simulation import Act, Cluster, Costs, Found, Size

TURNS = 60  # texts that each question is timed with
CHECKS = 4  # real runs of each load, after one that warms up
LOADED = 2.5  # times the work of a text lie between two texts that come at random
SEATS = 80  # visitors of one front
SIZES = (8, 64, 512)

Load = Callable[[int], list[Act]]


# --- What is measured ---


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds since some moment: of everything, of this process, of replicas, of all cores."""

    wall: float
    front: float
    replicas: float
    machine: float

    @classmethod
    def now(cls, workers: list[int]) -> Spent:
        """Up to this moment."""
        ticks = os.sysconf("SC_CLK_TCK")
        of_workers = 0
        for process in workers:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            of_workers += int(fields[11]) + int(fields[12])
        user, nice, system, _idle, _io, *rest = map(
            int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        )
        machine = (user + nice + system + sum(rest)) / ticks
        return cls(time.perf_counter(), time.process_time(), of_workers / ticks, machine)

    def __sub__(self, other: Spent) -> Spent:
        """What was spent in between."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Spent(*(now - then for now, then in pairs))

    @property
    def cores(self) -> float:
        """Cores that others, Ray's own processes among them, left to front and replicas."""
        others = max(0.0, self.machine - self.front - self.replicas)
        return max(0.1, (os.cpu_count() or 1) - others / self.wall)


def readers() -> list[int]:
    """Processes of the replicas that read."""
    from engine.cluster.link import Link

    return [int(one["replica"].rpartition("/")[2]) for one in Link().everyone()]


def measured(here: Any, there: Any) -> tuple[Costs, float]:
    """What questions cost here and, in turns and in a crowd, there; the cores that were left."""
    from engine.hosting import figures
    from engine.settings import settings
    from engine.store import store

    workers, runs = readers(), 0.0
    turns: dict[str, list[dict[str, float]]] = {"here": [], "there": [], "held": [], "kept": []}
    spent: dict[str, list[Spent]] = {"here": [], "there": []}
    store().clear()
    for turn in range(-2, TURNS):  # two warm up
        for side, engine in (("here", here), ("there", there)):
            before, ran = Spent.now(workers), figures.value("atlas_run_seconds_sum")
            found = once(engine, f"{side} {turn}")
            after = Spent.now(workers)
            runs += figures.value("atlas_run_seconds_sum") - ran if turn >= 0 else 0.0
            again = once(engine, f"{side} {turn}")
            if turn >= 0:
                spent[side].append(after - before)
                turns[side].append(found)
                turns["held" if side == "here" else "kept"].append(again)
    kept_bytes = store().nbytes // (2 * (TURNS + 2))
    calls = TURNS * len(questions())
    local = sum(one.front for one in spent["here"]) / calls
    front = sum(one.front for one in spent["there"]) / calls
    replica = max(0.0, sum(one.replicas for one in spent["there"]) / calls - local)
    service = {name: [turn[name] for turn in turns["here"]] for name in questions()}
    way = [
        max(0.0, turn[name] - float(np.median(service[name])) - front - replica)
        for turn in turns["there"]
        for name in questions()
    ]
    whole = sum(seconds for times in service.values() for seconds in times)
    crowd = [crowded(there, workers, turn) for turn in range(3)][1:]
    costs = Costs(
        service=service,
        held={name: float(np.median([t[name] for t in turns["held"]])) for name in questions()},
        front=float(np.mean([one["front"] for one in crowd])),
        kept=float(np.mean([one["kept"] for one in crowd])),
        replica=max(0.0, float(np.mean([one["replica"] for one in crowd])) - local),
        way=way,
        serial=float(np.clip(1 - runs / whole, 0, 1)),
        texts=settings().trace_mb * 10**6 // max(1, kept_bytes),
    )
    return costs, float(np.mean([one["cores"] for one in crowd]))


def once(engine: Any, label: str) -> dict[str, float]:
    """Seconds of each question about a text, one after the other."""
    found = {}
    for name, ask in questions().items():
        began = time.perf_counter()
        ask(engine, sentence(label))
        found[name] = time.perf_counter() - began
    return found


def crowded(engine: Any, workers: list[int], turn: int) -> dict[str, float]:
    """Seconds of work that a question costs front and replica in a class, and one that is kept."""
    from engine.hosting import figures

    def answers() -> float:
        return sum(figures.by_label("atlas_answers", "replica").values())

    before, asked = Spent.now(workers), answers()
    really(engine, own_texts(), f"crowd {turn}")
    new, asked = Spent.now(workers) - before, max(1.0, answers() - asked)
    really(engine, one_link()[:1], f"crowd {turn}:")  # from now on it is kept
    before = Spent.now(workers)
    really(engine, one_link(), f"crowd {turn}:")
    kept = (Spent.now(workers) - before).front / (len(one_link()) * len(PICTURE))
    return {
        "front": max(0.0, new.front / asked - kept),
        "replica": new.replicas / asked,
        "kept": kept,
        "cores": new.cores,
    }


# --- The model against real runs ---


def really(engine: Any, load: list[Act], label: str) -> Found:
    """The same acts on a real engine, each visitor a thread."""
    from engine.errors import Busy

    found, asks, guard = Found(acts=len(load)), questions(), threading.Lock()
    start = threading.Barrier(len(load))
    begun = list[float]()

    def act(one: Act) -> None:
        start.wait()
        begun.append(time.perf_counter())
        time.sleep(max(0.0, min(begun) + one.at - time.perf_counter()))
        began = time.perf_counter()
        try:
            for kind in one.kinds:
                asks[kind](engine, sentence(f"{label} {one.text}"))
        except Busy:
            with guard:
                found.refused += 1
            return
        with guard:
            found.waits.append(time.perf_counter() - began)

    pool = [threading.Thread(target=act, args=(one,)) for one in load]
    for one in pool:
        one.start()
    for one in pool:
        one.join()
    return found


def both(engine: Any, name: str, load: Load, size: Size, costs: Costs) -> tuple[Found, Found]:
    """A load several times, really and in the model."""
    from engine.store import store

    real, model = Found(), Found()
    for seed in range(CHECKS + 1):
        store().clear()
        acts = load(seed)
        one = really(engine, acts, f"{len(name)} {seed}")
        other = Cluster(size, costs, seed).run(acts)
        if not seed:
            continue  # it warms up
        for whole, part in ((real, one), (model, other)):
            whole.acts += part.acts
            whole.refused += part.refused
            whole.waits += part.waits
    return real, model


def check(replicas: int) -> Costs:
    """Print the check on a node of its own; the costs it measured."""
    from engine.api import local
    from engine.cluster import nodes
    from engine.cluster.remote import remote

    nodes.up(nodes.Plan(replicas=replicas))
    try:
        costs, cores = measured(local(), remote())
        picture = sum(float(np.mean(costs.service[name])) for name in PICTURE)
        work = picture + len(PICTURE) * (costs.front + costs.replica)
        each = LOADED * work / min(cores, 1 + replicas)
        print(f"\nCosts beside {replicas} replicas, ms: {json.dumps(in_ms(costs))}")
        print(f"{cores:.1f} cores were left to front and replicas by others")
        print("\n| ms: median, 95 % within | real | model | model / real |\n|---|---|---|---|")
        loads: dict[str, Load] = {
            "100 pupils, one link": one_link,
            "100 pupils, 100 texts": own_texts,
            "new texts at random": lambda seed: at_random(seed, each, 10.0),
        }
        for name, load in loads.items():
            real, model = both(remote(), name, load, Size(replicas, cores=cores), costs)
            ratios = (model.within(share) / real.within(share) for share in (0.5, 0.95))
            ratio = ", ".join(f"{one:.2f}" for one in ratios)
            print(f"| {name} | {told(real)} | {told(model)} | {ratio} |", flush=True)
    finally:
        nodes.down()
    return costs


# --- What is simulated ---


def told(found: Found) -> str:
    """Median, 95 %, and who was told to come again."""
    later = f", {100 * found.refused / found.acts:.0f} % later" if found.refused else ""
    return f"{1000 * found.within(0.5):,.0f}, {1000 * found.within(0.95):,.0f}{later}"


def simulated(costs: Costs) -> None:
    """Print the table of what is simulated only."""
    print("\nSimulated: a core for each replica and for each front, 80 visitors a front\n")
    print(f"| ms: median, 95 % within | {' | '.join(map(str, SIZES))} replicas |")
    print("|---|---|---|---|")
    classes: dict[str, Load] = {
        "100 pupils, one link": one_link,
        "100 pupils, 100 texts": own_texts,
        "a school of 1,000 within 10 s": school,
    }
    for name, load in classes.items():
        cells = [told(one(costs, replicas, load)) for replicas in SIZES]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    for each in (50, 100, 200):
        cells = []
        for replicas in SIZES:
            seconds = 60.0 if replicas < 100 else 30.0
            found = one(costs, replicas, public(each * replicas, seconds), since=15.0)
            busy = np.array(found.busy)
            most = f"the busiest replica {busy.max() / busy.mean():.1f} times the mean"
            cells.append(f"{told(found)} ({most})")
        print(f"| public, {each} visitors a replica | {' | '.join(cells)} |", flush=True)


def one(costs: Costs, replicas: int, load: Load, since: float = 0.0) -> Found:
    """A load in the model."""
    acts = load(0)
    visitors = max(act.visitor for act in acts) + 1
    return Cluster(Size(replicas, -(-visitors // SEATS)), costs).run(acts, since)


def in_ms(costs: Costs) -> dict[str, float]:
    """Medians of what was measured."""
    found = {name: float(np.median(times)) for name, times in costs.service.items()}
    found |= {f"{name}, kept at a replica": seconds for name, seconds in costs.held.items()}
    found |= {"kept at the front": costs.kept, "front": costs.front, "replica": costs.replica}
    found["way"] = float(np.median(costs.way))
    return {name: round(1000 * seconds, 2) for name, seconds in found.items()} | {
        "share that is locked": round(costs.serial, 2),
        "texts kept": costs.texts,
    }


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--costs", type=Path, help="simulate with these, measure nothing")
    parser.add_argument("--out", type=Path, help="write what was measured")
    parser.add_argument("--replicas", type=int, help="measure and check so many, simulate nothing")
    given = parser.parse_args()
    if given.costs:
        simulated(Costs(**json.loads(given.costs.read_text())))
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        out = given.out or Path(folder) / "costs.json"
        if given.replicas:
            out.write_text(json.dumps(asdict(check(given.replicas))))
            return
        for count in (2, 1):  # a process for each node, as Ray wants it; the last one's costs count
            argv = [sys.executable, "-m", "bench.simulated", "--replicas", str(count)]
            shared = {"ATLAS_MODELS": str(Path(folder) / "models"), "ATLAS_VIEWER_RUNS": "0"}
            environment = {**os.environ, **shared}
            subprocess.run([*argv, "--out", str(out)], env=environment, check=True)
        simulated(Costs(**json.loads(out.read_text())))


if __name__ == "__main__":
    main()
