"""A model opened with its weights packed on disk and without, each time in a new process, in turns.

    python -m bench.speed --only packed
    python -m bench.opening FOLDER        one process: what it took and holds, as JSON

Measured in a process that has imported everything: seconds until the graph that traces is open, and
until the first attention picture is computed; memory after that and after a text was written too,
which opens the graph that writes. The memory is `Pss`: of what several sessions or processes map,
each counts its share.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import Row, Times, below, memory_mb, versus
from bench.models import ROOT, SMOL, folder

MODELS = ("gpt2-124m", "marian-base", "tales-gpt", SMOL)
GOALS = {("gpt2-124m", "session"): 300.0, (SMOL, "picture"): 1500.0}  # milliseconds
TEXT = "The cat sat on the mat and the boy said that he was not there."
WRITTEN = 10
KINDS = {"as it is": "0", "packed": "100000"}  # ATLAS_PACKED_MB


def packed(quick: bool, *, models: tuple[str, ...] = MODELS) -> list[Row]:
    """Rows of every model; a bundle named in ATLAS_BENCH_BUNDLE too."""
    folders = {name: folder(name) for name in models}
    if also := os.environ.get("ATLAS_BENCH_BUNDLE"):
        folders[Path(also).name] = Path(also)
    rows: list[Row] = []
    for name, place in folders.items():
        rows += _rows(name, place, 3 if quick else 9)
    return rows


def _rows(name: str, place: Path, times: int) -> Iterator[Row]:
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as home:
        # The first of each is another matter: files are read from the disk, entries are made.
        first = {kind: asked(place, Path(home), most) for kind, most in KINDS.items()}
        for _ in range(times):
            for kind, most in KINDS.items():
                found[kind].append(asked(place, Path(home), most))
    ours, theirs = found["packed"], found["as it is"]
    equal = {one["digest"] for one in (*ours, *theirs, *first.values())}
    for what, words in WORDS.items():
        mine, other = (Times(tuple(one[what] for one in kind)) for kind in (ours, theirs))
        yield versus(f"{name}, {words}", mine, other, None)
        if (name, what) in GOALS:
            yield below(f"{name}, {words}, packed", mine, GOALS[name, what])
    yield Row(
        f"{name}, the same for the very first time",
        f"{first['packed']['session']:.2f} s against {first['as it is']['session']:.2f} s",
    )
    for what in ("traced MB", "written MB", "own MB", "most MB"):
        mine, other = (sorted(one[what] for one in kind)[times // 2] for kind in (ours, theirs))
        yield Row(
            f"{name}, {what.removesuffix(' MB')}: memory",
            f"{mine:,.0f} MB against {other:,.0f} MB",
            "no higher",
            mine <= other * 1.02,
        )
    yield Row(f"{name}, numbers", "equal to the bit" if len(equal) == 1 else "differ", "equal",
              len(equal) == 1)  # fmt: skip


WORDS = {
    "session": "the graph that traces, opened",
    "picture": "from a bundle to its first attention picture",
    "writing": "from there to ten words written, the graph that writes opened",
}


def asked(place: Path, home: Path, most: str) -> dict[str, Any]:
    """What a new process says."""
    environment = os.environ | {
        "ATLAS_DEVICE": "cpu",
        "ATLAS_MODELS": str(home / "models"),
        "ATLAS_PACKED_MB": most,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.opening", str(place)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{place.name} was not opened: {done.stderr[-300:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measured(place: Path) -> dict[str, Any]:
    """Open, trace and write in this process."""
    import hashlib

    from engine import machine
    from engine.decoding.beams import Search
    from engine.decoding.continuation import Line
    from engine.decoding.generation import generate
    from engine.decoding.sampling import Sampling
    from engine.decoding.translation import translate
    from engine.models.runtime import open_bundle
    from engine.tokenizers import reader_pool, tokens
    from engine.trace import blockwise
    from engine.values import Reading

    machine.settle()
    open_bundle(place)  # the files' digests are compared here, once for ever
    began = time.perf_counter()
    bundle, reading = open_bundle(place), Reading("m", TEXT)
    reader_pool.begin(place / "tokenizer.json")  # as a page does that opens a model
    read = time.perf_counter()
    two = bundle.card.family == "encoder-decoder"
    bundle.session("encoder" if two else "model")
    opened = time.perf_counter()
    picture = blockwise.overview(bundle, reading, "encoder" if two else "decoder")
    drawn, traced_mb = time.perf_counter(), share_mb()
    ids = tokens.tokenize(bundle, TEXT).ids.tolist()
    begun = time.perf_counter()
    if two:
        written = translate(bundle, reading, Search(1, limit=WRITTEN)).found.hypotheses[0].ids
    else:
        line = [Line(Sampling(temperature=0.0))]
        written = [step.written for step in generate(bundle, ids, line, seed=1, limit=WRITTEN)]
    done = time.perf_counter()
    told = picture.weights.tobytes() + repr(written).encode()
    return {
        "session": opened - read,
        "picture": drawn - began,
        "writing": done - begun,
        "traced MB": traced_mb,
        "written MB": share_mb(),
        "own MB": memory_mb("RssAnon"),
        "most MB": memory_mb("VmHWM"),
        "digest": hashlib.sha256(told).hexdigest(),
    }


def share_mb() -> float:
    """This process's share of what it holds and maps, in MB; Linux."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError("no Pss in /proc")


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]))))
