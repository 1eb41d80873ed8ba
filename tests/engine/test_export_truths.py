"""What the exporter once got wrong or said wrongly, each with the model that showed it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from engine.errors import ExportFailed
from tests.engine.checkpoints import ROOT, Bundles
from tests.engine.recipes import LEARNT, POSITIONS

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.timeout(900)


def loaded(folder: Path) -> tuple[Any, Any]:
    """The model that an export is made of, and its layout."""
    from engine.export.bundling import load
    from engine.export.sources.hub import local

    return load(local(folder))


def test_longrope_ends_where_its_keys_would_be_turned_anew(bundles: Bundles) -> None:
    """Written past its first positions it kept keys turned by the short factors."""
    from engine.export.model import limit

    model, plan = loaded(bundles.checkpoint("phi3-longrope"))
    assert limit(model, plan) == LEARNT < POSITIONS
    (note,) = plan.notes
    assert f"texts end at {LEARNT} tokens" in note and "LongRoPE" in note
    # Why: the whole text is turned by other angles as soon as it is longer.
    ids = torch.arange(2 * LEARNT).remainder(300)[None, : LEARNT + 1]
    with torch.no_grad():
        short = model(ids[:, :LEARNT], output_hidden_states=True).hidden_states[1]
        long = model(ids, output_hidden_states=True).hidden_states[1][:, :LEARNT]
    assert (short - long).abs().max() > 1e-3


def test_dynamic_ntk_is_exported_up_to_where_it_begins(bundles: Bundles) -> None:
    """It was refused as "GuardOnDataDependentSymNode"; the family test exports it."""
    from engine.export.model import limit

    model, plan = loaded(bundles.checkpoint("llama-dynamic"))
    assert limit(model, plan) == POSITIONS
    assert model.model.rotary_emb.rope_type == "default"
    assert "dynamic NTK scaling" in plan.notes[0] and f"end at {POSITIONS} tokens" in plan.notes[0]


def test_alibi_falcon_says_what_differs(bundles: Bundles) -> None:
    _, plan = loaded(bundles.checkpoint("falcon-alibi"))
    assert plan.positions == "alibi" and "adds it twice" in plan.notes[0]
    _, other = loaded(bundles.checkpoint("falcon"))
    assert other.notes == ()


def graph_of(model: Any) -> Any:
    from engine.export.families import layout

    return SimpleNamespace(model=model, layout=layout(model.config.model_type))


@pytest.fixture(scope="module")
def gpt2(bundles: Bundles) -> Any:
    return loaded(bundles.checkpoint("gpt2"))[0]


def tokenizer_of(*words: str) -> Tokenizer:
    """One that knows these words only, without an unknown token."""
    found = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    return found


def test_the_proof_needs_no_unknown_token(gpt2: Any) -> None:
    from engine.export.bundling import TEXT, proof_ids

    tokenizer = tokenizer_of("猫", "が", "寝る")
    with pytest.raises(Exception, match="UNK"):
        tokenizer.encode(TEXT)
    ids = proof_ids(tokenizer, graph_of(gpt2), TEXT, 24)
    assert len(ids) >= 6 and set(ids) <= {0, 1, 2}


def test_the_proof_takes_ids_that_have_a_vector(gpt2: Any) -> None:
    """A word of its text was added to the tokenizer and never to the model."""
    from engine.export.bundling import TEXT, proof_ids

    rows = gpt2.get_input_embeddings().weight.shape[0]
    tokenizer = tokenizer_of(*(f"w{k}" for k in range(rows)))
    tokenizer.add_tokens(["cat", "mat", "warm", "hours", "because", "The", "slept"])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    tokenizer.model = models.WordLevel({f"w{k}": k for k in range(rows)}, unk_token="w0")
    assert max(tokenizer.encode(TEXT).ids) >= rows
    ids = proof_ids(tokenizer, graph_of(gpt2), TEXT, 24)
    assert len(ids) >= 6 and max(ids) < rows


def test_ids_without_a_vector_are_not_generated_with(gpt2: Any, tmp_path: Path) -> None:
    from engine.export.card import generation

    rules = gpt2.generation_config
    kept = (rules.eos_token_id, rules.pad_token_id, rules.bos_token_id)
    try:
        rules.eos_token_id, rules.pad_token_id, rules.bos_token_id = [3, 10**6], 10**6, 2
        found = generation(gpt2, tmp_path, tokenizer_of("a"))
    finally:
        rules.eos_token_id, rules.pad_token_id, rules.bos_token_id = kept
    assert (found.ends, found.pad, found.start) == ((3,), None, 2)


def test_a_tokenizer_of_another_script_has_a_vocabulary(tmp_path: Path) -> None:
    """Its words are no English ones: it was refused as one without a vocabulary."""
    from engine.export.sources.tokenizer import write_tokenizer

    source = tmp_path / "source"
    source.mkdir()
    words = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "猫", "犬"]
    (source / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    (source / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (source / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    out = tmp_path / "out"
    out.mkdir()
    assert write_tokenizer(source, out).token_to_id("猫") == 4


def test_a_mask_token_is_found_under_the_name_of_its_family(tmp_path: Path) -> None:
    from engine.export.sources.tokenizer import special

    assert special(tmp_path, tokenizer_of("<s>", "<mask>"), "mask_token") == 1
    assert special(tmp_path, tokenizer_of("[CLS]", "[MASK]"), "mask_token") == 1
    assert special(tmp_path, tokenizer_of("<s>"), "mask_token") is None


def test_a_matrix_that_no_graph_keeps_is_kept_for_its_pictures(tmp_path: Path) -> None:
    """Small ones stay in the graph: the card said that there were no token vectors."""
    from engine.export.weights.storage import Weights
    from engine.models.runtime import read_matrix

    matrix = torch.arange(12.0).reshape(4, 3)
    place = Weights(tmp_path, {}).matrix(matrix)
    assert np.array_equal(read_matrix(tmp_path, place), matrix.numpy())


def test_a_model_without_predictions_is_not_said_to_lack_a_mask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pages.decoding import page

    told: list[str] = []
    monkeypatch.setattr(page.st, "info", lambda text, **_: told.append(text))
    card = SimpleNamespace(title="MiniLM", mask=103, predicts=False, family="encoder")
    page.decoding(SimpleNamespace(card=card))  # type: ignore[arg-type]
    assert len(told) == 1 and "has no prediction head" in told[0] and "mask" not in told[0]


def test_positions_that_are_no_vectors_say_what_they_are() -> None:
    from engine.models.runtime import _without

    def card(positions: str) -> Any:
        return SimpleNamespace(title="Tiny", positions=positions)

    assert "rotates queries and keys" in _without(card("rotary"), "position")
    assert "no matrix of position vectors" in _without(card("learned"), "position")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model_type": "mamba"}, "is recurrent: it carries a state"),
        ({"model_type": "jamba"}, "is a hybrid"),
        ({"model_type": "qwen3_next"}, "is a hybrid"),
        ({"model_type": "prophetnet"}, "predicts several tokens at once"),
        ({"model_type": "xlm-prophetnet"}, "several hidden states and attentions"),
        ({"model_type": "rwkv"}, "no attention that could be shown"),
        ({"model_type": "clip", "vision_config": {}}, "vision or speech"),
        ({"quantization_config": {"bits": 4}}, "stored quantized"),
        ({"model_type": "abacus"}, "docs/models.md"),
        (None, "tokenizer.json cannot be read"),
    ],
)
def test_what_is_refused_is_refused_before_pytorch_is_loaded(
    change: dict[str, Any] | None, told: str, bundles: Bundles, tmp_path: Path
) -> None:
    """PyTorch cannot even be imported in this process."""
    folder = tmp_path / "tiny"
    shutil.copytree(bundles.checkpoint("gpt2"), folder)
    if change is None:
        (folder / "tokenizer.json").write_text("{")
    else:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from engine.export.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), "--out", str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and told in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_an_unknown_type_is_refused_in_one_short_sentence() -> None:
    from engine.export.families import layout

    with pytest.raises(ExportFailed) as caught:
        layout("x" * 500)
    assert len(str(caught.value)) < 250
