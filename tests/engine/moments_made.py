"""Three moments of a training that never was: a shipped model, one half forgotten, and again.

    made_moments(folder)    a folder as assets/moments, with `training.json`

The middle one lacks a part of its weights, so that the moments differ. The way from a training to
such a folder is tested by `test_make_models`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from engine.models.bundle import digest
from engine.models.catalog import SHIPPED

STEPS = (0, 40, 1200)
CURVE = [[1, 7.5], [40, 6.25], [400, 5.0], [1200, 4.5]]
FORGOTTEN = 400_000  # bytes of the weights


def made_moments(folder: Path, name: str = "tales-mini") -> Path:
    """Make the folder and return it."""
    place, whole = folder / name, SHIPPED / "tales-gpt"
    place.mkdir(parents=True)
    for step in (0, 1200):
        (place / f"{step:06d}").symlink_to(whole, target_is_directory=True)
    forget(whole, place / "000040")
    lines = [
        {
            "step": step,
            "tokens": 2048 * step,
            "seconds": step / 2,
            "bytes": 9000,
            "loss": dict(map(tuple, CURVE)).get(step),
        }
        for step in STEPS
    ]
    (place / "training.json").write_text(json.dumps({"moments": lines, "curve": CURVE}))
    return folder


def forget(whole: Path, place: Path) -> None:
    """Copy a bundle with zeros for a part of its weights."""
    shutil.copytree(whole, place)
    weights = place / "weights.bin"
    data = bytearray(weights.read_bytes())
    start = len(data) // 2
    data[start : start + FORGOTTEN] = bytes(FORGOTTEN)
    weights.write_bytes(data)
    card = json.loads((place / "card.json").read_text())
    card["files"]["weights.bin"] = digest(weights)
    (place / "card.json").write_text(json.dumps(card))
