"""A bundle and an adapter become a bundle: the base's graphs with the tuned weights in them.

    merge(base, adapter, out)    W + delta for each weight that changed, the rest as it was

The base's files are taken as they are; what changed lies in a file of its own as float32, and the
graphs are made to read it there. No PyTorch and no exporter: the computation is the base's, which
was proved at its export; equality with merged PyTorch weights is held by a test.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from engine.errors import BrokenBundle
from engine.models import bundle
from engine.models.bundle import Card, Matrix
from engine.tuning import weights
from engine.tuning.adapters import Adapter

TUNED = "tuned.bin"
GRAPHS = ("model.onnx", "lens.onnx")
TIED = {"lm_head.weight": "token", "transformer.wpe.weight": "position"}
SPACE = "space.npz"


def merge(base: Path, adapter: Adapter, out: Path, *, title: str = "") -> Path:
    """Make the bundle at `out`, which must not be there; aside, then renamed.

    Raises `BrokenBundle` where the adapter is of another model or does not fit it.
    """
    card = bundle.read_card(base)
    if bundle.identity(card) != adapter.card.base_digest:
        raise BrokenBundle(
            f"Adapter {adapter.card.name} was trained on another {adapter.card.base} than the one "
            "here. Train it again."
        )
    tuned = tuned_weights(base, adapter)
    part = out.with_name(f".{out.name}.part-{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        _write(base, card, tuned, part)
        told = _card(card, adapter, part, tuned, out.name, title)
        _save(told, part)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out


def tuned_weights(base: Path, adapter: Adapter) -> dict[str, np.ndarray]:
    """The changed weights after the change, in float32."""
    before = weights.read(base / "model.onnx")
    found = {}
    for name, change in adapter.changes.items():
        delta = change.delta()
        if name not in before or before[name].shape != delta.shape:
            raise BrokenBundle(
                f"Adapter {adapter.card.name} changes {name} {list(delta.shape)}, which "
                f"{adapter.card.base} does not have."
            )
        found[name] = before[name] + delta
    return found


def _write(base: Path, card: Card, tuned: dict[str, np.ndarray], part: Path) -> None:
    """All files but the card."""
    for name in card.files:
        if name != SPACE or not set(tuned) & TIED.keys():
            shutil.copy2(base / name, part / name)
    arrays = dict(tuned)
    if (output := tuned.get("lm_head.weight")) is not None:
        # The lens holds the output matrix turned, under a name of its own.
        arrays |= {name: output.T for name in weights.nameless(base / "lens.onnx")}
    places = write_tensors(part / TUNED, arrays)
    for name in GRAPHS:
        (part / name).write_bytes(weights.replaced(base / name, places))


def write_tensors(
    path: Path, arrays: dict[str, np.ndarray]
) -> dict[str, tuple[str, int, tuple[int, ...]]]:
    """Write arrays one after the other as float32; where each lies."""
    places, at = {}, 0
    with path.open("wb") as file:
        for name, array in arrays.items():
            places[name] = (path.name, at, array.shape)
            at += file.write(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return places


def _card(
    card: Card, adapter: Adapter, part: Path, tuned: dict[str, np.ndarray], name: str, title: str
) -> Card:
    found = dict(card.vectors)
    at = 0
    for key, array in tuned.items():
        if key in TIED:
            rows, columns = array.shape
            found[TIED[key]] = Matrix(TUNED, at, (rows, columns), "float32")
        at += 4 * array.size
    return replace(
        card,
        name=name,
        title=title or adapter.card.title,
        source=f"{card.name} + {adapter.card.name}",
        files={path.name: bundle.digest(path) for path in sorted(part.iterdir())},
        errors={},
        vectors=found,
        notes=(
            f"{card.title} tuned on {adapter.card.dataset}: {adapter.card.steps:,} steps, "
            f"{adapter.card.trained:,} numbers trained.",
            *card.notes,
        ),
    )


def _save(card: Card, part: Path) -> None:
    text = json.dumps(asdict(card), indent=1, ensure_ascii=False)
    (part / "card.json").write_text(text + "\n", encoding="utf-8")
