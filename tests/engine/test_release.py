"""What is opened is let go: readers and graphs with their model, parts of graphs with their run."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.models import runtime
from engine.models.device import Device, Part
from engine.models.runtime import open_bundle
from engine.models.sessions import Session
from engine.models.slots import Slots
from engine.settings import Settings
from engine.trace import tracing
from engine.values import Reading
from tests.engine.checkpoints import ROOT
from tests.engine.plain import write_bundle

READING = Reading("tales-gpt", "The little boat sailed across the dark sea.")


@pytest.fixture
def one_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One model may be open."""
    monkeypatch.setattr(runtime, "settings", lambda: Settings(open_models=1))
    for bundle in list(runtime._bundles.values()):
        bundle.close()
    yield


def test_closing_a_model_frees_its_tokenizers_graphs_and_matrices(tmp_path: Path):
    """Readers and graphs stayed for as long as the app ran."""
    bundle = open_bundle(write_bundle(tmp_path / "plain"))
    bundle.session()
    reader = weakref.ref(bundle.reader("encoder"))
    matrix = weakref.ref(bundle.vectors("token"))
    assert bundle.part("model", [], ["hidden.0"]) is not None and bundle._wholes
    assert bundle.is_loaded and bundle.is_held
    bundle.close()
    gc.collect()
    assert reader() is None and matrix() is None and not bundle._wholes
    assert not bundle.is_loaded and not bundle.is_held
    assert bundle.reader("encoder").tokenizer.get_vocab_size() > 0


def test_tokenizers_of_many_models_are_not_all_kept(tmp_path: Path, one_model: None):
    """A page that only cuts texts opens no session, so nothing was ever closed."""
    bundles = [open_bundle(write_bundle(tmp_path / str(number))) for number in range(7)]
    for bundle in bundles:
        bundle.reader("encoder")
    kept = [bundle.is_held for bundle in bundles]
    assert kept == [False] * (7 - runtime.READERS) + [True] * runtime.READERS


def test_matrices_count_as_an_open_model(tmp_path: Path, one_model: None):
    first, second = (open_bundle(write_bundle(tmp_path / name)) for name in "ab")
    first.vectors("token")
    second.vectors("token")
    assert (first.is_loaded, second.is_loaded) == (False, True)


class _Counted(Session):
    """A session that counts the parts of graphs that are in memory with it."""

    lock, now, most = threading.Lock(), 0, 0

    def __init__(self, graph: Path | Part, device: Device, *, halves: bool = False) -> None:
        super().__init__(graph, device, halves=halves)
        if isinstance(graph, Part):
            with self.lock:
                type(self).now += 1
                type(self).most = max(self.most, self.now)
            weakref.finalize(self, self.gone)
            time.sleep(0.05)

    @classmethod
    def gone(cls) -> None:
        with cls.lock:
            cls.now -= 1


def test_no_more_parts_of_graphs_are_open_than_runs_may_take_place(
    monkeypatch: pytest.MonkeyPatch,
):
    """Eight who read long texts opened eight parts at once, each with its weights."""
    bundle, places = open_bundle(ROOT / "assets" / "models" / "tales-gpt"), Slots(2)
    bundle.session()
    monkeypatch.setattr(runtime, "Session", _Counted)
    monkeypatch.setattr(runtime, "slots", lambda: places)
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda _: tracing.block(bundle, READING, "decoder", 0, None), range(8))
        )
    assert len(found) == 8 and 1 <= _Counted.most <= 2 and _Counted.now == 0
    assert places._free == 2
