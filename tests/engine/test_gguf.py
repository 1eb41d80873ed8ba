"""GGUF files exported: the loader's floats are those that were written, and the card says the rest.

Each architecture: a tiny checkpoint written as llama.cpp has it (`gguf_files`), read back, and the
logits compared with the checkpoint's. The real one is in `test_packages`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from engine.errors import ExportFailed
from engine.models.bundle import read_card
from tests.engine.checkpoints import Bundles, export, save
from tests.engine.gguf_files import written
from tests.engine.recipes import RECIPES, TINY_GGUF
from tests.engine.reference import TEXTS, load

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.timeout(900)


# What the files do not say, left at what it is in the models that there are.
PLAIN: dict[str, dict[str, Any]] = {
    "gemma2": {"query_pre_attn_scalar": 8},
    "gemma3": {"query_pre_attn_scalar": 8},
    "starcoder2": {"sliding_window": None},
    "llama-wide": {"hidden_size": 32},  # which has whole blocks
}


def plain(name: str, folder: Path) -> None:
    """Make a checkpoint whose configuration is one of `PLAIN`."""
    kind, tokenizer, special, config = RECIPES[name.removesuffix("-wide")]
    RECIPES[f"{name}-plain"] = (kind, tokenizer, special, {**config, **PLAIN[name]})
    try:
        save(f"{name}-plain", folder)
    finally:
        del RECIPES[f"{name}-plain"]


def checkpoint(bundles: Bundles, name: str) -> Path:
    """The tiny checkpoint of a name."""
    if name not in PLAIN:
        return bundles.checkpoint(name)
    return bundles.checkpoint(f"{name}-gguf", lambda _, folder: plain(name, folder))


def read_back(path: Path, tmp_path: Path) -> Any:
    """The checkpoint that a GGUF file becomes."""
    from engine.export.sources import gguf

    made = tmp_path / "made"
    made.mkdir()
    found = gguf.checkpoint(path, "tiny", made, tmp_path / "out")
    assert (made / "model.safetensors").is_file() and not list(made.glob("*.gguf"))
    return found


def test_every_architecture_has_a_tiny_file() -> None:
    from engine.export.families import LAYOUTS
    from engine.export.sources.gguf import ARCHITECTURES

    assert set(TINY_GGUF) == set(ARCHITECTURES)
    assert set(ARCHITECTURES.values()) <= set(LAYOUTS) and set(TINY_GGUF.values()) <= set(RECIPES)


@pytest.mark.parametrize("kind", sorted(TINY_GGUF))
def test_what_is_read_back_computes_the_same(kind: str, bundles: Bundles, tmp_path: Path) -> None:
    source = checkpoint(bundles, TINY_GGUF[kind])
    path = written(source, tmp_path / "model.gguf", kind)
    found = read_back(path, tmp_path)
    ours, theirs = (Tokenizer.from_file(str(f / "tokenizer.json")) for f in (found.folder, source))
    assert [ours.encode(t).ids for t in TEXTS] == [theirs.encode(t).ids for t in TEXTS]
    ids = torch.tensor([theirs.encode(TEXTS[0]).ids])
    with torch.no_grad():
        a, b = load(found.folder)(ids).logits, load(source)(ids).logits
    assert (a - b).abs().max() < 1e-4
    assert found.licence == "mit" and "stored as F32" in found.notes[0]


@pytest.mark.parametrize("quantized", ["Q4_1"])
def test_a_quantized_file_is_exported_and_proved(
    quantized: str, bundles: Bundles, tmp_path: Path
) -> None:
    source = checkpoint(bundles, "llama-wide")
    path = written(source, tmp_path / "tiny.gguf", "llama", quantized)
    export(path, tmp_path / "models" / "tiny")
    card = read_card(tmp_path / "models" / "tiny")
    assert card.title == "tiny" and card.licence == "mit" and card.source == "tiny"
    assert max(card.errors.values()) <= 1e-4
    assert f"quantized ({quantized}, " in card.notes[0] and "de-quantized weights" in card.notes[0]
    assert card.template == "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    assert [p.name for p in (tmp_path / "models").iterdir()] == ["tiny"]  # nothing was left beside


def test_a_header_is_looked_at_without_pytorch(bundles: Bundles, tmp_path: Path) -> None:
    from engine.export.sources.look import look
    from engine.models.source import parse

    path = written(bundles.checkpoint("qwen2"), tmp_path / "model.gguf", "qwen2")
    for text in (str(path), str(tmp_path)):  # a folder with one such file is the file
        found = look(parse(text, "all"))
        assert found.refusal is None and found.architecture == "qwen2" and found.licence == "mit"
        assert (found.layers, found.heads, found.width) == (2, 2, 16)
        assert found.vocabulary == 400 and found.parameters > 10_000


@pytest.mark.parametrize(
    ("kind", "told"),
    [("mamba", "is recurrent"), ("qwen3next", "is a hybrid"), ("clip", "architecture 'clip'")],
)
def test_other_architectures_say_what_they_are(tmp_path: Path, kind: str, told: str) -> None:
    from engine.export.sources.look import look
    from engine.models.source import Source
    from tests.engine.gguf_files import made, string

    path = tmp_path / "model.gguf"
    path.write_bytes(made([("general.architecture", string(kind))]))
    assert told in (look(Source(folder=path)).refusal or "")


@pytest.mark.parametrize(
    ("fact", "value", "told"),
    [
        ("block_count", 2**31, "block count is 2147483648"),
        ("embedding_length", 0, "embedding length is 0"),
        ("context_length", 2**32 - 1, "context length is 4294967295"),
        ("attention.head_count", 10**6, "head count is 1000000"),
    ],
)
def test_sizes_that_lie_build_no_model(fact: str, value: int, told: str, tmp_path: Path) -> None:
    from engine.export.sources import gguf
    from tests.engine.gguf_files import ARCHITECTURE, made, whole

    facts = {"block_count": 1, "embedding_length": 4} | {fact: value}
    values = [ARCHITECTURE, *((f"llama.{name}", whole(n)) for name, n in facts.items())]
    path = tmp_path / "model.gguf"
    path.write_bytes(made(values))
    with pytest.raises(ExportFailed, match=told):
        gguf.checkpoint(path, "tiny", tmp_path, tmp_path / "out")


def test_what_lies_beside_a_file_is_not_read(bundles: Bundles, tmp_path: Path) -> None:
    """A configuration beside it that names another model, and code."""
    from engine.export.sources import gguf

    source = bundles.checkpoint("qwen2")
    path = written(source, tmp_path / "model.gguf", "qwen2")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "auto_map": {}}))
    (tmp_path / "tokenizer_config.json").write_text("{")
    made = tmp_path / "made"
    made.mkdir()
    assert gguf.checkpoint(path, "tiny", made, tmp_path).config["model_type"] == "qwen2"


def test_stretched_positions_are_read_or_refused(tmp_path: Path) -> None:
    import numpy as np

    from engine.export.sources.gguf import _llama3, _stretched
    from engine.export.sources.gguf_header import Header, Tensor

    turns = 500_000.0 ** -(np.arange(32) / 32)
    smooth = np.clip((8192 * turns / (2 * np.pi) - 1) / 3, 0, 1)
    factors = (1 / ((1 - smooth) / 32 + smooth)).astype(np.float32)
    assert _llama3(factors, 500_000.0)["factor"] == 32
    with pytest.raises(ExportFailed, match="follow no rule"):
        _llama3(factors + 1, 500_000.0)
    tensor = Tensor("a", (1,), "F32", 0, 4)
    metadata = {"general.architecture": "llama", "llama.rope.scaling.type": "longrope"}
    with pytest.raises(ExportFailed, match="longrope"):
        _stretched({}, Header(3, metadata, (tensor,)), tmp_path)
    rope: dict[str, Any] = {}
    metadata |= {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}
    _stretched(rope, Header(3, metadata, (tensor,)), tmp_path)
    assert rope == {"rope_type": "linear", "factor": 4.0}
