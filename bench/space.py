"""`python -m bench.space`: the map of a large vocabulary, 50,257 points of 768 numbers.

    --only NAME ...  some of: pca, neighbours, umap, picture, turning, larger (all)
    --points N       a smaller map, for a try; its figures say nothing about the goals
    --gpu            let Chromium use the machine's GPU; else a GPU in software draws
    --out FILE       keep the table in a file: it replaces the one of its title there

Each row is printed as soon as it is measured. Vectors are drawn at random around a few hundred
centres, as no model of that size is shipped; the times depend on their number and width alone. The
page is the real one: a copy of a shipped bundle, its vectors exchanged for the large ones. What
only a browser can time is in `bench.maps`; `larger` is a map of five times as many points.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.app import MODELS
from bench.maps import larger, picture, turning
from bench.measure import Row, below, timed
from bench.report import every, tell

POINTS, WIDTH = 50_257, 768
LARGER, NARROW = 5, 64  # times as many points, and numbers of each: a table that fits any machine
TITLE = "The map of a vocabulary of 50,257 pieces"


@dataclass(frozen=True)
class Given:
    """What was asked for, and where the stand-in lies."""

    points: int
    gpu: bool
    folder: Path

    @property
    def bundle(self) -> Path:
        """The bundle with the large table, made when first asked for."""
        found = self.folder / "models" / "large"
        return found if found.exists() else stand_in(found, large(self.points))

    @property
    def larger(self) -> Path:
        """One with more vectors, of fewer numbers each."""
        found = self.folder / "models" / "larger"
        return found if found.exists() else stand_in(found, large(LARGER * self.points, NARROW))


Part = Callable[[Given], Iterator[Row]]


def main() -> int:
    """Measure the parts that were asked for; print every row at once, and keep the table."""
    asked = _arguments()
    also = "" if asked.points == POINTS else f"; a try with {asked.points:,} points"
    with tempfile.TemporaryDirectory(prefix="atlas-space-") as folder:
        os.environ |= {"ATLAS_MODELS": f"{folder}/models", "ATLAS_DEVICE": "cpu"}
        given = Given(asked.points, asked.gpu, Path(folder))
        parts = {name: partial(PARTS[name], given) for name in asked.only or PARTS}
        tell(TITLE, every(parts), asked.out, also=also)
    return 0


def _arguments() -> argparse.Namespace:
    found = argparse.ArgumentParser(prog="python -m bench.space", description=__doc__)
    found.add_argument("--only", nargs="+", default=[], choices=tuple(PARTS))
    found.add_argument("--points", type=int, default=POINTS)
    found.add_argument("--gpu", action="store_true")
    found.add_argument("--out", type=Path)
    return found.parse_args()


def large(points: int, width: int = WIDTH) -> np.ndarray:
    """Vectors [point, width] around 300 centres."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(300, width)).astype(np.float32)
    noise = rng.standard_normal(size=(points, width), dtype=np.float32)
    return centres[rng.integers(0, 300, points)] + noise


def stand_in(folder: Path, vectors: np.ndarray) -> Path:
    """A bundle whose table of vectors is the large one; its graph is a small model's still."""
    from engine.models.bundle import digest
    from engine.space.vocabulary_layout import SPACE

    shutil.copytree(MODELS / "tales-gpt", folder)
    vectors.astype(np.float32).tofile(folder / "large.bin")
    card = json.loads((folder / "card.json").read_text())
    # The maps that came with the small one are not of these vectors.
    (folder / SPACE).unlink(missing_ok=True)
    card["files"].pop(SPACE, None)
    card["files"]["large.bin"] = digest(folder / "large.bin")
    card["vectors"] = {
        "token": {
            "file": "large.bin",
            "offset": 0,
            "shape": list(vectors.shape),
            "dtype": "float32",
        }
    }
    card |= {"name": folder.name, "title": "Large"}
    card |= {"vocabulary": len(vectors), "width": vectors.shape[1]}
    (folder / "card.json").write_text(json.dumps(card))
    return folder


# ---------------------------------------------------------------------------- in the engine


def pca(given: Given) -> Iterator[Row]:
    """Ten main directions of all vectors."""
    from engine.space import projection

    vectors = large(given.points)
    yield below("PCA", timed(lambda: projection.pca(vectors, axes=10), times=3), 2000)


def neighbours(given: Given) -> Iterator[Row]:
    """Twelve neighbours of a vector by both measures."""
    from engine.space import projection

    space = projection.prepared(large(given.points))
    for measure in projection.MEASURES:
        found = timed(
            lambda m=measure: projection.neighbours(space, space.vectors[7], 12, measure=m),
            times=15,
        )
        yield below(f"twelve neighbours ({measure})", found, 30)


def umap(given: Given) -> Iterator[Row]:
    """The layout in its own process, from its start to the file."""
    from engine.space import vocabulary_layout

    bundle, out = given.bundle, given.folder / "map.npz"
    command = vocabulary_layout.command("umap", bundle, out, unit=True)
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        told = json.loads(line)
        stage, done = told.get("stage", ""), 100 * told.get("progress", 0)
        print(f"\r{stage} ({done:.0f} %)   ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if process.wait():
        raise RuntimeError("the process ended with an error")
    seconds = time.perf_counter() - began
    yield Row("UMAP, one thread, seeded", f"{seconds:.0f} s", "under 100 s", seconds < 100)


PARTS: dict[str, Part] = {
    "pca": pca,
    "neighbours": neighbours,
    "picture": lambda given: picture(given.bundle, given.gpu),
    "turning": lambda given: turning(given.bundle, given.gpu),
    "larger": lambda given: larger(given.larger, given.gpu),
    "umap": umap,
}

if __name__ == "__main__":
    sys.exit(main())
