"""Trainings as jobs: one after the other, stopped with their best, refused, leaving nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from engine.api import local
from engine.errors import NotAllowed, NotOffered
from engine.jobs.registry import Job
from engine.models import catalog
from engine.policy import Visitor
from engine.settings import settings
from engine.tuning import datasets, running, turns
from engine.tuning.plans import Own, Tuning
from engine.values import Reading

HOST = Visitor("host", here=True)
TEXT = "\n".join(islice(datasets.texts("verse", 0), 40))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of models, and a queue of trainings, that are this test's own."""
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path / "cache" / "models"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    settings.cache_clear()
    yield settings().models
    settings.cache_clear()


def until(job: Job, seen: Callable[[], bool], seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not seen() and not job.done and time.monotonic() < end:
        time.sleep(0.1)
    assert seen(), (job.stage, job.error)


@pytest.mark.timeout(600)
def test_a_training_runs_through_one_waits_and_a_stop_keeps_the_best(models: Path) -> None:
    engine = local()
    first = engine.train_own(TEXT, Own(2, 96, 1000), "My  verses", HOST)
    until(first, lambda: isinstance(first.partial, dict) and len(first.partial["curve"]) > 2)
    second = engine.train_own(TEXT, Own(1, 32, 50), "My  verses", HOST)
    assert first.key == "train:My-verses" and second.key == "train:My-verses-2"
    until(second, lambda: second.stage == turns.WAITING)
    assert set(engine.trainings(HOST)) >= {first, second}
    assert engine.trainings(Visitor("guest")) == ()
    second.kill()
    engine.finish_training(first, HOST)
    assert first.wait(300) and first.error is None, first.error
    assert second.wait(60) and second.stopped
    entry = engine.find("My-verses")
    assert entry.ready and entry.title == "My verses" and entry.source == "trained here"
    steps = [int(one[0]) for one in first.result["curve"]]
    assert steps[-1] < 1000 and engine.card("My-verses").errors["logits"] < 1e-4
    reading = Reading("My-verses", "The fox")
    assert np.isfinite(engine.logits(reading, (0,)).logits).all()
    assert engine.packed("My-verses", HOST)[:2] == b"PK"
    with pytest.raises(NotOffered):
        engine.packed("tales-gpt", HOST)
    engine.delete("My-verses", HOST)
    assert not any(models.iterdir()) and not list(models.parent.joinpath("training").glob("*.txt"))
    assert all(one.name != "My-verses-2" for one in catalog.entries())


def test_a_tuning_is_refused_to_guests_and_where_packages_lack(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = local()
    before = set(engine.trainings(HOST))
    with pytest.raises(NotAllowed, match="host's own computer"):
        engine.tune(Tuning("verse"), Visitor("guest"))
    with pytest.raises(NotAllowed, match="at least 500"):
        engine.train_own("too short", Own(), "x", HOST)
    monkeypatch.setattr(running.installing, "told", lambda part: f"{part} needs torch.")
    for ask in (
        lambda: engine.tune(Tuning("verse"), HOST),
        lambda: engine.train_own(TEXT, Own(), "x", HOST),
    ):
        with pytest.raises(NotOffered, match="training needs torch"):
            ask()
    assert set(engine.trainings(HOST)) == before
