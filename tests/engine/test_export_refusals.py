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
from types import SimpleNamespace

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
    from engine.export.sources import place
    from engine.export.sources.hub import local
    from engine.export.sources.look import look
    from engine.models.source import Source

    monkeypatch.setattr(place, "memory_free", lambda: 100_000)
    monkeypatch.setattr(bundling, "load", lambda _: pytest.fail("was loaded"))
    with pytest.raises(ExportFailed, match=r"needs about 0\.0 GB of memory.*are free"):
        bundling.export(local(copy), copy.parent / "out")
    assert not (copy.parent / "out").exists()
    assert "of memory" in (look(Source(folder=copy)).refusal or "")  # said before anybody starts it


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_disk_that_fills_up_in_mid_export_leaves_nothing(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights go to a device that has no room, after the tokenizer was written."""
    from engine.export import bundling
    from engine.export.sources.hub import local

    real = bundling.write_tokenizer

    def then_full(source: Path, folder: Path) -> object:
        (folder / "weights.bin").symlink_to("/dev/full")
        return real(source, folder)

    monkeypatch.setattr(bundling, "write_tokenizer", then_full)
    stages: list[str] = []
    out = copy.parent / "models" / "tiny"
    with pytest.raises(ExportFailed, match="disk of .* is full .*Free some space"):
        bundling.export(local(copy), out, report=lambda stage, _: stages.append(stage))
    assert stages[-1] == "Making model.onnx" and list(out.parent.iterdir()) == []


def test_a_disk_too_small_for_the_bundle_is_refused_with_the_numbers(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.export import bundling
    from engine.export.sources import place
    from engine.export.sources.hub import local

    monkeypatch.setattr(place, "COPIES", 0)
    monkeypatch.setattr(place, "NUMBER", 10**12)
    with pytest.raises(ExportFailed, match=r"tiny needs [\d,.]+ GB on the disk .*GB are free"):
        bundling.export(local(copy), copy.parent / "out")
    assert not (copy.parent / "out").exists()


def test_a_second_export_of_one_name_is_told_of_the_first(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first is another process, as a second shell's would be; its end frees the name."""
    from engine.export.__main__ import main
    from engine.export.sources.place import alone

    out = copy.parent / "models" / "tiny"
    code = (
        "import sys, pathlib; from engine.export.sources.place import alone\n"
        "with alone(pathlib.Path(sys.argv[1])):\n print('begun', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(out)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert first.stdin is not None and first.stdout is not None
    with first.stdin, first.stdout:
        assert first.stdout.readline() == b"begun\n"
        assert main([str(copy), "--out", str(out)]) == 1
        assert "Another export of tiny is under way" in capsys.readouterr().err
        assert not out.parent.exists()
        first.kill()
        first.wait(20)
    with alone(out):  # a killed one leaves the name free
        pass


def test_a_name_that_is_given_is_the_folders_and_the_models(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.export import __main__ as command
    from engine.export import bundling

    main = command.main
    made: list[tuple[str, str]] = []
    packed: list[str] = []

    def export(checkpoint, out: Path, **options: object) -> SimpleNamespace:
        made.append((checkpoint.name, out.name))
        return SimpleNamespace(errors={}, notes=())

    def opened(folder: Path) -> SimpleNamespace:
        return SimpleNamespace(pack=lambda: packed.append(folder.name))

    monkeypatch.setattr(bundling, "export", export)
    monkeypatch.setattr(command, "open_bundle", opened)
    assert main([str(copy), "--name", "my-gpt"]) == 0
    assert main([str(copy), "--name", "../x"]) == 1
    assert main([str(copy)]) == 0
    assert made == [("my-gpt", "my-gpt"), ("tiny", "tiny")]
    assert packed == ["my-gpt", "tiny"]  # what the app will open, not what lies elsewhere
    assert main([str(copy), "--out", str(copy.parent / "mine")]) == 0
    assert packed == ["my-gpt", "tiny"]


def test_precision_and_store_are_not_mixed(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from engine.export.__main__ import main

    assert main([str(copy), "--precision", "int8", "--store", "int8"]) == 1
    assert "--store is for fp32 bundles" in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_a_sentence(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.export.__main__ import main
    from engine.models import device

    monkeypatch.setattr(device, "_missing", lambda: "no NVIDIA driver was found")
    assert main([str(copy), "--device", "cuda"]) == 1
    assert "cuda was asked for, but no NVIDIA driver was found" in capsys.readouterr().err


def test_weights_that_lead_too_far_from_pytorch_are_refused() -> None:
    from engine.export.weights.precision import judge

    judge({"logits": 9e-5}, "fp32")
    judge({"logits": 1e-2}, "fp16")
    judge({"divergence": 0.02, "disagreement": 0.05}, "int8")
    with pytest.raises(ExportFailed, match="logits by 1.0e-02, at most 1e-04"):
        judge({"logits": 1e-2, "hidden": 0.0}, "fp32")
    with pytest.raises(ExportFailed, match="hidden by nan.*--precision fp32"):
        judge({"hidden": float("nan")}, "fp16")
    with pytest.raises(ExportFailed, match="divergence by 5.0e-01"):
        judge({"divergence": 0.5, "disagreement": 0.0}, "int8")


def test_a_checkpoint_without_any_tokenizer_is_named(copy: Path, tmp_path: Path) -> None:
    from engine.export.bundling import export
    from engine.export.sources.hub import local

    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (copy / name).unlink(missing_ok=True)
    with pytest.raises(ExportFailed, match="tokenizer cannot be converted.*Choose a model"):
        export(local(copy), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bundle_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    from engine.export.sources.place import aside

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
    from engine.export.sources.hub import local

    weights = load_file(copy / "model.safetensors")
    weights.pop("transformer.h.1.mlp.c_fc.weight")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ExportFailed, match="lacks 1 of its weights .*c_fc"):
        load(local(copy))


def test_a_tokenizer_that_cannot_be_read_is_named(copy: Path, tmp_path: Path) -> None:
    from engine.export.bundling import export
    from engine.export.sources.hub import local

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


def test_tokens_without_a_vector_are_told_and_refused(copy: Path, tmp_path: Path) -> None:
    from engine.errors import NotOffered
    from engine.export.bundling import export
    from engine.export.sources.hub import local
    from engine.models.runtime import Bundle
    from engine.trace import tracing
    from engine.values import Reading

    plan = json.loads((copy / "tokenizer.json").read_text())
    rows = json.loads((copy / "config.json").read_text())["vocab_size"]
    extra = plan["added_tokens"][0] | {"id": rows, "content": "<|extra|>", "normalized": False}
    plan["added_tokens"].append(extra)
    (copy / "tokenizer.json").write_text(json.dumps(plan))
    # The chat template is one of several by name, its special tokens are the checkpoint's own.
    settings = json.loads((copy / "tokenizer_config.json").read_text())
    templates = [
        {"name": "default", "template": "{{ bos_token }}"},
        {"name": "rag", "template": ""},
    ]
    settings |= {"chat_template": templates, "bos_token": "<|extra|>"}
    (copy / "tokenizer_config.json").write_text(json.dumps(settings))
    (copy / "chat_template.jinja").unlink(missing_ok=True)

    said: list[str] = []
    card = export(local(copy), tmp_path / "out", report=lambda stage, _: said.append(stage))
    (note,) = card.notes
    assert "1 token that the model has no vector for (<|extra|>" in note and note in said
    assert card.template == "{{ bos_token }}" and card.named["bos_token"] == "<|extra|>"

    bundle = Bundle(tmp_path / "out")
    assert len(tracing.tokens(bundle, Reading("out", "the cat")))
    with pytest.raises(NotOffered, match=r"no vector for the token '<\|extra\|>' \(id"):
        tracing.tokens(bundle, Reading("out", "The cat<|extra|> sat"))
