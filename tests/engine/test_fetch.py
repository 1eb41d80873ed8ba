"""The Hub's manners, against a stand-in here: refusals are sentences, code never runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ExportFailed
from engine.export.sources.look import look
from engine.models.source import Source
from tests.engine.checkpoints import save
from tests.engine.hub_stand_in import SHA, hub

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import json, sys
from engine.errors import EngineError
from engine.export.sources.hub import fetch
answers = {}
for name, revision in json.loads(sys.argv[1]):
    said = []
    try:
        found = fetch(name, revision, lambda stage, done: said.append([stage, done]))
        answers[f"{name}@{revision}"] = {
            "files": sorted(p.name for p in found.folder.iterdir()), "said": said,
            "revision": found.revision, "licence": found.licence, "name": found.name}
    except EngineError as error:
        answers[f"{name}@{revision}"] = {"error": str(error)}
print(json.dumps(answers))
"""
CASES = [
    ("maker/tiny", None),
    ("maker/tiny", "v9"),
    ("maker/gated", None),
    ("maker/pickled", None),
    ("maker/nobody", None),
    ("maker/image", None),
    ("../../etc/passwd", None),
]


def ask(
    cases: list[tuple[str, str | None]], before: str = "", **environment: str
) -> dict[str, Any]:
    """What `fetch` says in a process of its own, after the code in `before`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", before + ASK, json.dumps(cases)],
        cwd=ROOT,
        env=clean | {"HF_HUB_DISABLE_XET": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What every case is answered, and the cache folder that is left."""
    root = tmp_path_factory.mktemp("hub")
    tiny = root / "tiny"
    save("gpt2", tiny)
    (tiny / "modeling_evil.py").write_text("raise SystemExit('ran')")
    (tiny / "pytorch_model.bin").write_bytes(b"pickle")
    pickled, image = root / "pickled", root / "image"
    pickled.mkdir()
    (pickled / "config.json").write_text('{"model_type": "gpt2"}')
    (pickled / "pytorch_model.bin").write_bytes(b"pickle")
    image.mkdir()
    (image / "picture.png").write_bytes(b"png")
    folders = {"maker/tiny": tiny, "maker/gated": tiny, "maker/pickled": pickled}
    with hub({**folders, "maker/image": image}, gated=("maker/gated",)) as address:
        answers = ask(CASES, HF_ENDPOINT=address, HF_HOME=str(root / "cache"))
    return answers, root / "cache"


def test_only_weights_tokenizer_and_configuration_are_fetched(
    online: tuple[dict[str, Any], Path],
) -> None:
    found = online[0]["maker/tiny@None"]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(found["files"])
    assert not [name for name in found["files"] if name.endswith((".py", ".bin"))]
    assert (found["name"], found["revision"], found["licence"]) == ("tiny", SHA, "mit")


def test_the_bytes_are_told_and_end_at_all_of_them(online: tuple[dict[str, Any], Path]) -> None:
    said = online[0]["maker/tiny@None"]["said"]
    shares = [share for _, share in said]
    assert said and shares == sorted(shares) and shares[-1] == 1.0
    assert "MB" in said[-1][0]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("maker/tiny@v9", ["no such revision", "https://huggingface.co/maker/tiny"]),
        ("maker/gated@None", ["consent", "https://huggingface.co/maker/gated", "HF_TOKEN"]),
        ("maker/pickled@None", ["pickles", "safetensors"]),
        ("maker/nobody@None", ["no model called", "spelling"]),
        ("maker/image@None", ["no config.json"]),
        ("../../etc/passwd@None", ["no model called"]),
    ],
)
def test_each_refusal_is_a_sentence_with_a_remedy(
    online: tuple[dict[str, Any], Path], case: str, words: list[str]
) -> None:
    said = online[0][case]["error"]
    assert all(word in said for word in words), said


def test_without_a_network_what_the_cache_holds_is_enough(
    online: tuple[dict[str, Any], Path],
) -> None:
    dead = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1", "HF_HOME": str(online[1])}
    answers = ask([("maker/tiny", None), ("maker/other", None)], **dead)
    assert "model.safetensors" in answers["maker/tiny@None"]["files"]
    assert "cannot be reached" in answers["maker/other@None"]["error"]


SMALL_DISK = """
import shutil
from types import SimpleNamespace
shutil.disk_usage = lambda _: SimpleNamespace(free=50_000)
"""
SMALL_MEMORY = """
from engine.export.sources import place
place.memory_free = lambda: 1000
"""
FULL_DISK = """
import huggingface_hub
real = huggingface_hub.hf_hub_download
def full(source, name, **options):
    if name.endswith(".safetensors"):
        raise OSError(28, "No space left on device")
    return real(source, name, **options)
huggingface_hub.hf_hub_download = full
"""


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (SMALL_DISK, ["GB to download", "as a bundle", "GB are free", "Free some space"]),
        (SMALL_MEMORY, ["GB of memory", "Choose a smaller model"]),
        (FULL_DISK, ["is full", "MB free", "Free some space"]),
    ],
    ids=["disk too small", "memory too small", "disk filling up"],
)
def test_what_does_not_fit_is_said_before_or_while_it_is_downloaded(
    tmp_path: Path, before: str, words: list[str]
) -> None:
    save("gpt2", tmp_path / "tiny")
    cache = tmp_path / "cache"
    with hub({"maker/tiny": tmp_path / "tiny"}) as address:
        answers = ask([("maker/tiny", None)], before, HF_ENDPOINT=address, HF_HOME=str(cache))
    said = answers["maker/tiny@None"]["error"]
    assert all(word in said for word in words), said
    assert not list(cache.rglob("*.safetensors"))


def test_a_folder_is_looked_at_without_loading_it(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    save("gpt2", folder)
    seen = look(Source(folder=folder))
    config = json.loads((folder / "config.json").read_text())
    assert seen.family == "decoder" and seen.refusal is None
    assert (seen.layers, seen.heads) == (config["n_layer"], config["n_head"])
    assert seen.size > 4 * seen.parameters > 0


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "vit", "image_size": 224}, "vision or speech"),
        ({"model_type": "whisper", "num_mel_bins": 80}, "vision or speech"),
        ({"model_type": "mine", "auto_map": {"AutoModel": "evil.Evil"}}, "code from its own"),
        ({"model_type": "mamba"}, "is recurrent"),
        ({"model_type": "perceiver"}, "not supported"),
        ({"model_type": "llama", "quantization_config": {"bits": 4}}, "quantized"),
    ],
)
def test_what_is_not_for_us_is_refused_from_the_configuration(
    tmp_path: Path, config: dict[str, Any], words: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    assert words in (look(Source(folder=tmp_path)).refusal or "")


def test_a_damaged_weights_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(ExportFailed, match="model.safetensors is damaged"):
        look(Source(folder=tmp_path))
