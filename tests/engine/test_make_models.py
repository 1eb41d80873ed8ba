"""`make models` as a person types it: from texts to three bundles that open, in one go."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from engine.models import runtime
from engine.space import vocabulary_layout
from engine.trace import tracing
from engine.training import __main__ as training
from engine.training import corpora, moments, recipes, shipping, tales_mini
from engine.training.__main__ import changed
from engine.training.fit.loop import Limits, train
from engine.training.measures import figures
from engine.values import Reading
from tests.engine.checkpoints import no_garbage_collection

ROOT = Path(__file__).parents[2]


def test_a_model_is_trained_exported_mapped_and_opens(
    corpus: tuple[Path, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One tiny model, as `make models` makes each: its commands one after the other, here."""
    name, (folder, fraction) = "tales-gpt", corpus
    work, shipped = tmp_path / "work", tmp_path / "models"
    sizes = ["vocabulary=400", "width=32", "layers=1", "heads=2", "positions=64"]
    given = [name, "--corpora", str(folder), "--fraction", str(fraction), "--out", str(work)]
    monkeypatch.setattr(sys, "argv", ["x", *given, "--steps", "2", "--set", *sizes])
    training.main()
    with warnings.catch_warnings(), no_garbage_collection():
        warnings.simplefilter("ignore")
        assert shipping.ship(name, work=work, shipped=shipped) == shipped / name
    assert [path.name for path in shipped.iterdir()] == [name]
    is_whole(shipped / name)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_make_models_trains_exports_and_maps_all_three(
    corpus: tuple[Path, float], tmp_path: Path
) -> None:
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
        is_whole(shipped / name)


def is_whole(folder: Path) -> None:
    """A bundle of one layer, trained for two steps, with its maps; it opens and computes."""
    bundle = runtime.open_bundle(folder)
    side = "decoder" if bundle.card.family == "decoder" else "encoder"
    read = tracing.hidden(bundle, Reading(folder.name, "The fox sees the river."), side)
    assert len(read.states) == 2 == 1 + bundle.card.tower.layers
    assert np.isfinite(read.states).all()
    vectors = vocabulary_layout.unit_vectors(folder)
    assert vocabulary_layout.packed_pca(folder, vectors) is not None
    laid = vocabulary_layout.packed(folder, "umap", unit=True)
    assert laid is not None and laid.shape == (len(vectors), 3)
    first = bundle.card.notes[0]
    assert first.endswith("million tokens.") and " 2 steps" in first


def test_make_models_trains_all_with_the_options_given() -> None:
    command = ["make", "-n", "models", "CORPORA=/texts here", "TRAIN=--minutes 5"]
    done = subprocess.run(
        [*command, "-o", ".venv/dev.stamp"], cwd=ROOT, capture_output=True, text=True
    )
    wanted = '.venv/bin/python -m engine.training all --corpora "/texts here" --minutes 5'
    assert wanted in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("fails", ["", "fr-en"])
def test_all_trains_each_model_and_ships_it_before_the_next(
    fails: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done: list[str] = []

    class Task:
        model = torch.nn.Linear(2, 2)

    class Shipping:
        def __init__(self, name: str, work: Path, shipped: Path) -> None:
            assert (work, shipped) == (tmp_path / "work", tmp_path / "models")
            self.name = name
            done.append(f"ship {name}")

        def wait(self) -> int:
            return int(self.name == fails)

    class Recipe:
        Settings = recipes.find("tales-gpt").Settings

        @staticmethod
        def prepare(corpora: Path, folder: Path, settings: Any, fraction: float) -> Task:
            assert settings.layers == 1 and fraction == 1.0
            return Task()

    monkeypatch.setattr(training.recipes, "find", lambda name: Recipe)
    monkeypatch.setattr(training, "train", lambda task, folder, *_, **__: done.append(folder.name))
    monkeypatch.setattr(training, "shipping", Shipping)
    places = ["--out", str(tmp_path / "work"), "--shipped", str(tmp_path / "models")]
    given = ["all", "--corpora", str(tmp_path), *places, "--set", "layers=1"]
    monkeypatch.setattr(sys, "argv", ["x", *given])
    if fails:
        with pytest.raises(SystemExit, match="Not every model was shipped"):
            training.main()
    else:
        training.main()
    assert done == [step for name in recipes.NAMES for step in (name, f"ship {name}")]


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


def test_the_moments_of_a_training_become_bundles_that_open(
    corpus: tuple[Path, float], tmp_path: Path
) -> None:
    folder, fraction = corpus
    work, place = tmp_path / "work", tmp_path / "moments"
    settings = tales_mini.Settings(
        vocabulary=400, width=32, layers=1, heads=2, positions=64, batch_tokens=256
    )
    task = tales_mini.prepare(folder, work / tales_mini.NAME, settings, fraction=fraction)
    task = replace(task, moments=(0.5,))  # an export takes long: one of them
    course = train(task, work / tales_mini.NAME, Limits(minutes=1, steps=30))
    texts = [text[:300] for text in corpora.prose(folder, fraction=fraction).train[:3]]
    (place / tales_mini.NAME / "000099").mkdir(parents=True)  # of a training before
    with warnings.catch_warnings(), no_garbage_collection():
        warnings.simplefilter("ignore")
        found = moments.ship(work=work, place=place, texts=texts)
    assert sorted(path.name for path in found.iterdir()) == ["000015", "training.json"]
    told = json.loads((found / "training.json").read_text())
    (line,) = told["moments"]
    assert line["step"] == 15 and line["loss"] == course.losses[14]
    assert told["curve"][0] == [1, course.losses[0]] and told["curve"][-1][0] == 15
    bundle = runtime.open_bundle(found / "000015")
    assert bundle.card.title == "Tales Mini, step 15"
    assert bundle.card.notes[0].startswith("Trained for 0 minutes: 15 steps")
    assert line["bits_per_byte"] == pytest.approx(figures.bits_per_byte(bundle, texts), abs=1e-4)
    assert line["bytes"] == sum(path.stat().st_size for path in bundle.folder.iterdir())
    logits = tracing.logits(bundle, Reading(bundle.card.name, "Once upon"), (0,)).logits
    model = AutoModelForCausalLM.from_pretrained(work / tales_mini.NAME / "moments" / "000015")
    ids = torch.tensor([figures.tokenizer_of(bundle).encode("Once upon").ids])
    with torch.no_grad():
        wanted = model(ids).logits[0, :1].numpy()
    # int8 rounds every weight a little: the same model, not the same numbers.
    assert np.abs(logits - wanted).max() < 0.1 * max(1.0, np.abs(wanted).max())


def test_a_moment_that_is_too_large_stops_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "000001").mkdir()
    (tmp_path / "000001" / "weights.bin").write_bytes(b"x" * 1001)
    assert moments.size(tmp_path / "000001") == 1001
    monkeypatch.setattr(moments, "LARGEST", 1000)
    with pytest.raises(SystemExit, match="000001 has 1,001 bytes; at most 1,000 may lie here"):
        moments.size(tmp_path / "000001")


def test_a_loss_curve_is_thinned_early_least() -> None:
    losses = [10 / (1 + step) for step in range(5000)]
    curve = moments.curve(losses, 60)
    steps = [step for step, _ in curve]
    assert steps[:3] == [1, 2, 3] and steps[-1] == 5000 and len(steps) <= 60
    assert curve[0][1] == 10 and curve[-1][1] == pytest.approx(
        np.mean(losses[steps[-2] :]), abs=1e-4
    )
    assert moments.curve([]) == []
