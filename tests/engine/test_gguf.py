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
from tests.engine.gguf_files import ARCHITECTURE, array, made, string, text, whole, written
from tests.engine.recipes import RECIPES, TINY_GGUF
from tests.engine.reference import TEXTS, load

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.timeout(900)


# What the files do not say, left at what it is in the models that there are.
PLAIN: dict[str, dict[str, Any]] = {
    "gemma2": {"query_pre_attn_scalar": 8},
    "gemma3": {"query_pre_attn_scalar": 8},
    "llama-wide": {"hidden_size": 32},  # which has whole blocks
    "phi3-window": {"sliding_window": 6},
}


def plain(name: str, folder: Path) -> None:
    """Make a checkpoint whose configuration is one of `PLAIN`."""
    kind, tokenizer, special, config = RECIPES[name.removesuffix("-wide").removesuffix("-window")]
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


def computes_the_same(path: Path, source: Path, tmp_path: Path) -> Any:
    """Read a file back and compare tokens and logits with the checkpoint it was made of."""
    found = read_back(path, tmp_path)
    ours, theirs = (Tokenizer.from_file(str(f / "tokenizer.json")) for f in (found.folder, source))
    assert [ours.encode(t).ids for t in TEXTS] == [theirs.encode(t).ids for t in TEXTS]
    ids = torch.tensor([theirs.encode(TEXTS[0]).ids])
    with torch.no_grad():
        a, b = load(found.folder)(ids).logits, load(source)(ids).logits
    assert len(ids[0]) > 6, "no text that is longer than the windows"
    assert (a - b).abs().max() < 1e-4
    return found


@pytest.mark.parametrize("kind", sorted(TINY_GGUF))
def test_what_is_read_back_computes_the_same(kind: str, bundles: Bundles, tmp_path: Path) -> None:
    source = checkpoint(bundles, TINY_GGUF[kind])
    path = written(source, tmp_path / "model.gguf", kind)
    found = computes_the_same(path, source, tmp_path)
    assert found.licence == "mit" and "stored as F32" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "kind", "becomes"), [("phi3-window", "phi3", "phi3"), ("mistral", "llama", "mistral")]
)
def test_a_window_is_read_from_the_header(
    name: str, kind: str, becomes: str, bundles: Bundles, tmp_path: Path
) -> None:
    """Mistral is called llama in these files; its window tells them apart."""
    source = checkpoint(bundles, name)
    path = written(source, tmp_path / "model.gguf", kind)
    found = computes_the_same(path, source, tmp_path)
    assert found.config["sliding_window"] == 6 and found.config["model_type"] == becomes


@pytest.mark.parametrize("title", ["mistral", "Mistral 7B Instruct v0.3"])
def test_a_name_changes_no_numbers(title: str, bundles: Bundles, tmp_path: Path) -> None:
    """transformers takes a file that is called just so for another type."""
    source = bundles.checkpoint("llama")
    path = written(source, tmp_path / "model.gguf", "llama", title=title)
    found = computes_the_same(path, source, tmp_path)
    assert found.config["model_type"] == "llama" and not found.config.get("sliding_window")


def test_bloom_keeps_an_output_matrix_of_its_own(bundles: Bundles, tmp_path: Path) -> None:
    """The loader ties it to the tokens' matrix whatever the file has."""
    source = bundles.checkpoint("bloom-untied", untied)
    path = written(source, tmp_path / "model.gguf", "bloom")
    computes_the_same(path, source, tmp_path)


def untied(_: str, folder: Path) -> None:
    kind, tokenizer, special, config = RECIPES["bloom"]
    RECIPES["bloom-untied"] = (kind, tokenizer, special, {**config, "tie_word_embeddings": False})
    try:
        save("bloom-untied", folder)
    finally:
        del RECIPES["bloom-untied"]


@pytest.mark.parametrize(
    ("name", "kind", "change", "told"),
    [
        ("qwen2", "qwen2", {"extra": ["blk.0.attn_q_norm.weight"]}, "1 tensors .*attn_q_norm"),
        ("llama", "llama", {"extra": ["blk.1.attn_q.bias", "x"]}, "2 tensors .*attn_q.bias"),
        # The loader fills the half that is missing with zeros.
        ("qwen2-moe", "qwen2moe", {"left_out": "blk.1.ffn_up_exps"}, "numbers, but a model"),
        ("qwen2", "qwen2", {"left_out": "blk.1.ffn_up"}, "lacks 1 of the weights .*up_proj"),
    ],
)
def test_weights_that_are_left_out_are_named(
    name: str, kind: str, change: dict[str, Any], told: str, bundles: Bundles, tmp_path: Path
) -> None:
    path = written(bundles.checkpoint(name), tmp_path / "model.gguf", kind, **change)
    with pytest.raises(ExportFailed, match=told):
        read_back(path, tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        Exception("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError("I/O error: Disk quota exceeded (os error 122)"),
    ],
)
def test_a_disk_that_fills_up_is_said_as_such(
    error: Exception, bundles: Bundles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.export.sources import gguf

    def convert(*_: object) -> None:
        raise error

    monkeypatch.setattr(gguf, "_convert", convert)
    path = written(bundles.checkpoint("qwen2"), tmp_path / "model.gguf", "qwen2")
    with pytest.raises(ExportFailed, match=r"disk of .* is full .*Free some space"):
        read_back(path, tmp_path)


def test_a_disk_without_second_names_for_a_file_will_do(
    bundles: Bundles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As exFAT, which has neither symbolic nor hard links."""
    path = written(bundles.checkpoint("qwen2"), tmp_path / "model.gguf", "qwen2")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.symlink", refuse)
    monkeypatch.setattr("os.link", refuse)
    assert read_back(path, tmp_path).config["model_type"] == "qwen2" and path.is_file()


REFUSED = {
    "no tokenizer": ([], "has no tokenizer"),
    "longrope": ([("llama.rope.scaling.type", string("longrope"))], "stretches its positions"),
    "no factor": ([("llama.rope.scaling.type", string("linear"))], "'None', which is no factor"),
    "no blocks": ([("llama.block_count", whole(0))], "block count is 0"),
    "experts": ([("llama.expert_count", whole(2))], "mixture of experts"),
    "too large": ([], "GB are free"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_look_accepts_is_exported(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One rule: the sentence of the look is that of the export."""
    from types import SimpleNamespace

    from engine.export.sources import gguf, place
    from engine.export.sources.look import look
    from engine.models.source import Source

    values, told = REFUSED[name]
    facts = [("llama.block_count", whole(1)), ("llama.embedding_length", whole(4))]
    facts = [fact for fact in facts if fact[0] not in dict(values)]
    if name != "no tokenizer":
        facts.append(("tokenizer.ggml.tokens", array(8, [text("a")])))
    if name == "too large":
        monkeypatch.setattr(place.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    path = tmp_path / "model.gguf"
    path.write_bytes(made([ARCHITECTURE, *facts, *values]))
    with pytest.raises(ExportFailed, match=told) as caught:
        gguf.checkpoint(path, "tiny", tmp_path, tmp_path / "out")
    assert look(Source(folder=path), tmp_path / "out").refusal == str(caught.value)


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
    for given in (str(path), str(tmp_path)):  # a folder with one such file is the file
        found = look(parse(given, "all"))
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

    from engine.export.sources.gguf_config import _llama3, _stretched
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
