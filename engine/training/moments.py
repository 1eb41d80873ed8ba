"""The moments of a training as bundles: `python -m engine.training.moments [--work DIR]`.

Every moment that `tales-mini` kept becomes a bundle as any exported decoder is (weights as int8),
in a folder named by its step; beside them `training.json` says how the loss went and, where the
corpora are given, what a byte of held-out prose costs at each moment. A moment whose bundle is
larger than `LARGEST` stops it all: so many of them are to lie in the repository.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.export.__main__ import main as export
from engine.models import runtime
from engine.space import vocabulary_layout
from engine.training import corpora
from engine.training.fit.loop import MOMENTS
from engine.training.measures import figures
from engine.training.shipping import STORE, WORK, describe
from engine.training.tales_mini import NAME

PLACE = Path("assets/moments")
LARGEST = 1_500_000  # bytes of one bundle
POINTS = 240  # of the loss curve that is kept


def ship(*, work: Path = WORK, place: Path = PLACE, texts: Sequence[str] = ()) -> Path:
    """Export every moment; the folder that holds them."""
    kept = sorted(path for path in (work / NAME / MOMENTS).iterdir() if path.name.isdecimal())
    fresh, target = place / f".new-{NAME}", place / NAME
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    lines = [_moment(path, fresh / path.name, texts) for path in kept]
    losses = json.loads((kept[-1] / "course.json").read_text())["losses"]
    told = {"moments": lines, "curve": curve(losses)}
    (fresh / "training.json").write_text(json.dumps(told, indent=1) + "\n")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return target


def _moment(checkpoint: Path, place: Path, texts: Sequence[str]) -> dict[str, Any]:
    """Export one; its line of `training.json`."""
    name = f"{NAME}-{checkpoint.name}"
    # The exporter names a model after its folder.
    source = checkpoint.parents[1] / "export" / name
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(checkpoint, source)
    if export([str(source), "--out", str(place), "--store", STORE]):
        raise SystemExit(f"{name} was not exported.")
    vocabulary_layout.pack(place)
    course = json.loads((source / "course.json").read_text())
    title = f"Tales Mini, step {course['step']:,}" if course["step"] else "Tales Mini, untrained"
    describe(place / "card.json", NAME, course, title=title)
    found = {key: course[key] for key in ("step", "tokens", "seconds")}
    found |= {"bytes": size(place), "loss": course["losses"][-1] if course["losses"] else None}
    if texts:
        bundle = runtime.open_bundle(place)
        found["bits_per_byte"] = round(figures.bits_per_byte(bundle, texts), 4)
        bundle.close()
    return found


def size(place: Path) -> int:
    """Bytes of a bundle; ends the program where it is too large."""
    found = sum(path.stat().st_size for path in place.iterdir())
    if found > LARGEST:
        raise SystemExit(f"{place.name} has {found:,} bytes; at most {LARGEST:,} may lie here.")
    return found


def curve(losses: Sequence[float], points: int = POINTS) -> list[tuple[int, float]]:
    """(step, loss) of a training, each the mean of the steps since the point before.

    Points lie the closer the earlier: half of a training's fall is over after a few steps.
    """
    if not losses:
        return []
    spread = np.geomspace(1, len(losses), points).round()
    ends = np.unique(np.clip(spread, 1, len(losses)).astype(int)).tolist()
    starts = [0, *ends[:-1]]
    return [
        (end, round(float(np.mean(losses[start:end])), 4))
        for start, end in zip(starts, ends, strict=True)
    ]


def main() -> None:
    """Read the command line and export the moments."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.moments", description=__doc__)
    parser.add_argument("--work", type=Path, default=WORK, help="where checkpoints are kept")
    parser.add_argument("--place", type=Path, default=PLACE, help="where the bundles are put")
    parser.add_argument("--corpora", type=Path, help="folder of the corpora, to measure them too")
    parser.add_argument("--documents", type=int, default=1000, help="held-out documents measured")
    options = parser.parse_args()
    texts = corpora.prose(options.corpora).held_out[: options.documents] if options.corpora else ()
    print(ship(work=options.work, place=options.place, texts=texts))


if __name__ == "__main__":
    main()
