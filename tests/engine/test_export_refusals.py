"""What an export refuses, and that nothing half-made is left: one sentence with a remedy each."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import ExportFailed
from tests.engine.checkpoints import ROOT, Bundles

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def copy(bundles: Bundles, tmp_path: Path) -> Path:
    """A checkpoint of one's own, to be broken."""
    folder = tmp_path / "tiny"
    shutil.copytree(bundles.checkpoint("gpt2"), folder)
    return folder


def test_a_model_larger_than_memory_is_refused_before_loading(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.export import bundling
    from engine.export.hub import local

    monkeypatch.setattr(bundling, "memory_free", lambda: 100_000)
    monkeypatch.setattr(bundling, "load", lambda _: pytest.fail("was loaded"))
    with pytest.raises(ExportFailed, match=r"needs about 0\.0 GB of memory.*are free"):
        bundling.export(local(copy), copy.parent / "out")
    assert not (copy.parent / "out").exists()


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    from engine.export.bundling import aside

    with pytest.raises(ExportFailed, match="disk of .* is full"):
        with aside(tmp_path / "out") as folder:
            (folder / "weights.bin").write_bytes(b"half")
            raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    from engine.export.bundling import aside

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "card.json").write_text("old")
    with pytest.raises(RuntimeError):
        with aside(tmp_path / "out") as folder:
            (folder / "card.json").write_text("new")
            raise RuntimeError
    assert (tmp_path / "out" / "card.json").read_text() == "old"
    with aside(tmp_path / "out") as folder:
        (folder / "card.json").write_text("new")
    assert (tmp_path / "out" / "card.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_missing_weights_are_named(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    from engine.export.bundling import load
    from engine.export.hub import local

    weights = load_file(copy / "model.safetensors")
    weights.pop("transformer.h.1.mlp.c_fc.weight")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ExportFailed, match="lacks 1 of its weights .*c_fc"):
        load(local(copy))


def test_a_tokenizer_that_cannot_be_read_is_named(copy: Path, tmp_path: Path) -> None:
    from engine.export.bundling import export
    from engine.export.hub import local

    (copy / "tokenizer.json").write_text("{")
    with pytest.raises(ExportFailed, match="tokenizer.json cannot be read"):
        export(local(copy), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_a_killed_export_leaves_nothing(copy: Path) -> None:
    out = copy.parent / "models" / "tiny"
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.export", str(copy), "--out", str(out), "--json"],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["stage"].startswith("Making"):
            break
    assert list(out.parent.iterdir()), "nothing was begun"
    process.send_signal(signal.SIGTERM)
    process.stdout.close()
    process.wait(timeout=60)
    time.sleep(0.1)
    assert list(out.parent.iterdir()) == []
