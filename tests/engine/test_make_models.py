"""`make models` as a person types it: from texts to three bundles that open, in one go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.models import runtime
from engine.space import vocabulary_layout
from engine.trace import tracing
from engine.training import recipes
from engine.training.__main__ import changed
from engine.values import Reading

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_make_models_trains_exports_and_maps_all_three(corpus, tmp_path: Path) -> None:
    folder, fraction = corpus
    shipped, work = tmp_path / "models", tmp_path / "work"
    few = f"--steps 2 --fraction {fraction} --out {work} --shipped {shipped} --set layers=1"
    command = ["make", "models", f"CORPORA={folder}", f"TRAIN={few}"]
    # This Python, as it is: nothing is installed for the training.
    command += [f"BIN={Path(sys.executable).parent}", "-o", ".venv/dev.stamp"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert sorted(path.name for path in shipped.iterdir()) == sorted(recipes.NAMES)
    for name in recipes.NAMES:
        bundle = runtime.open_bundle(shipped / name)
        side = "decoder" if bundle.card.family == "decoder" else "encoder"
        read = tracing.hidden(bundle, Reading(name, "The fox sees the river."), side)
        assert (
            len(read.states) == 2 == 1 + bundle.card.tower.layers and np.isfinite(read.states).all()
        )
        vectors = vocabulary_layout.unit_vectors(shipped / name)
        assert vocabulary_layout.packed_pca(shipped / name, vectors) is not None
        laid = vocabulary_layout.packed(shipped / name, "umap", unit=True)
        assert laid is not None and laid.shape == (len(vectors), 3)
        assert (
            bundle.card.notes[0].endswith("million tokens.") and " 2 steps" in bundle.card.notes[0]
        )


def test_make_models_asks_where_the_texts_are() -> None:
    done = subprocess.run(
        ["make", "models", "-o", ".venv/dev.stamp"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode and "CORPORA=folder" in done.stdout


def test_settings_are_changed_by_name_and_number() -> None:
    found = changed(recipes.find("tales-gpt").Settings(), ["layers=2", "lessons=0.1"])
    assert (found.layers, found.lessons, found.width) == (2, 0.1, 256)
    for wrong in ("nonsense=1", "schedule=1", "layers=two"):
        with pytest.raises(ValueError):
            changed(found, [wrong])
