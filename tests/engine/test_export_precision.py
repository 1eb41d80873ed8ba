"""Bundles that compute with fewer bits: what they give, how near PyTorch, and that they say so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from engine.decoding.batch import Decoder
from engine.export.__main__ import main
from engine.models.bundle import read_card
from engine.models.runtime import open_bundle
from engine.trace import tracing
from engine.values import Reading
from tests.engine import checkpoints
from tests.engine.checkpoints import Bundles, save
from tests.engine.reference import TEXTS

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.timeout(900)
NAMES = ("gpt2", "bert-bare", "marian")


def layers(folder: Path, name: str) -> list[np.ndarray]:
    """Weights and hidden states of a text, as the pages get them."""
    bundle = open_bundle(folder)
    side = "encoder" if name != "gpt2" else "decoder"
    found = tracing.layers(bundle, Reading(name, TEXTS[2]), side)
    return [array for one in found for array in (one.attention.weights, one.hidden)]


@pytest.mark.parametrize("precision", ["fp16", "fp16-weights", "int8"])
@pytest.mark.parametrize("name", NAMES)
def test_fewer_bits_are_near_and_say_so(bundles: Bundles, name: str, precision: str) -> None:
    folder = bundles(name, "--precision", precision)
    card = read_card(folder)
    assert card.precision == precision and card.title == f"{name} ({precision})"
    assert any("float16" in note or "8-bit" in note for note in card.notes)
    ours, exact = layers(folder, name), layers(bundles(name), name)
    for a, b in zip(ours, exact, strict=True):
        error = np.abs(a - b).max() / max(1, np.abs(b).max())
        assert 0 < error < 0.02 * (3 if precision == "int8" else 1)
        assert a.dtype == np.float32
    size = (folder / "weights.bin").stat().st_size
    assert size < 0.75 * (bundles(name) / "weights.bin").stat().st_size


def test_what_the_card_says_of_each(bundles: Bundles) -> None:
    exact, half, eight = (
        read_card(bundles("gpt2", *options)).errors
        for options in ((), ("--precision", "fp16"), ("--precision", "int8"))
    )
    assert max(exact.values()) <= 1e-4 < max(half.values()) <= 2e-2
    assert set(eight) == {"divergence", "disagreement"}
    assert 0 < eight["divergence"] < 0.1 and 0 <= eight["disagreement"] < 0.15
    assert set(read_card(bundles("bert-bare", "--precision", "int8")).errors) == {"direction"}


@pytest.mark.parametrize("precision", ["fp16", "fp16-weights", "int8", "int4"])
def test_with_the_past_as_without_and_no_row_changes_another(
    bundles: Bundles, precision: str
) -> None:
    """In int8 and int4 because each row is rounded by itself, whatever else is in the batch."""
    folder = four(bundles) if precision == "int4" else bundles("gpt2", "--precision", precision)
    bundle = open_bundle(folder)
    near = 2e-2 if precision == "fp16" else 1e-4
    texts = np.array([[5, 6, 7, 8, 9], [30, 3, 200, 41, 7], [9, 9, 9, 9, 9]])
    with Decoder(bundle) as whole, Decoder(bundle) as steps, Decoder(bundle) as alone:
        expected = whole.prefill(texts)
        steps.prefill(texts[:, :3])
        steps.step(texts[:, 3], [0, 1, 2])
        assert np.abs(steps.step(texts[:, 4], [0, 1, 2]) - expected).max() < near
        assert np.abs(alone.prefill(texts[1:2]) - expected[1]).max() < near


def calm(name: str, folder: Path) -> None:
    """A checkpoint with weights as training starts with them: predictions that bear rounding."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(checkpoints, "spread", lambda model: None)
        save("gpt2", folder)


def wide(name: str, folder: Path) -> None:
    """A checkpoint that is so sure of what it predicts that 4 bits change it."""

    def spread(model: torch.nn.Module) -> None:
        checkpoints_spread(model)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(4 if parameter.ndim > 1 else 1)

    checkpoints_spread = checkpoints.spread
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(checkpoints, "spread", spread)
        save("gpt2", folder)


def four(bundles: Bundles) -> Path:
    """A tiny bundle in int4."""
    return bundles.of(bundles.checkpoint("calm", calm), "calm", "--precision", "int4")


def test_six_texts_at_once_are_written_as_each_alone(bundles: Bundles) -> None:
    """In int4, with pasts of their own: the same tokens, and logits as near as sums allow."""
    bundle = open_bundle(four(bundles))
    texts = np.random.default_rng(4).integers(5, 60, (6, 5))
    with Decoder(bundle) as together:
        logits = [together.prefill(texts)]
        for _ in range(4):
            logits.append(together.step(logits[-1].argmax(axis=-1), list(range(6))))
    for row in range(6):
        with Decoder(bundle) as alone:
            found = alone.prefill(texts[row : row + 1])
            for step in range(5):
                assert np.abs(found[0] - logits[step][row]).max() < 1e-4
                assert found[0].argmax() == logits[step][row].argmax()
                found = alone.step(found.argmax(axis=-1), [0])


def test_int4_says_its_groups_and_its_divergence(bundles: Bundles) -> None:
    card = read_card(four(bundles))
    assert card.precision == "int4" and card.title == "calm (int4)"
    assert set(card.errors) == {"divergence", "disagreement"}
    assert 0 < card.errors["divergence"] < 0.05
    told = f"a KL divergence of {card.errors['divergence']:.3f} nats"
    assert any("groups of 32" in note and told in note for note in card.notes)


def test_int4_is_refused_with_the_number_where_predictions_move(
    bundles: Bundles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "wide"
    source = bundles.checkpoint("wide", wide)
    assert main([str(source), "--out", str(out), "--precision", "int4"]) == 1
    said = capsys.readouterr().err
    found = re.search(r"a KL divergence of (\d+\.\d{3}) nats .* below 0\.05\.", said)
    assert found and float(found[1]) >= 0.05 and "--precision int8" in said
    assert not out.exists()


def test_four_bits_are_smaller_and_leave_the_output_matrix_eight(bundles: Bundles) -> None:
    graph = ir.load(four(bundles) / "model.onnx").graph
    bits = [n.attributes["bits"].as_int() for n in graph if n.op_type == "MatMulNBits"]
    assert sorted(bits) == [4] * 8 + [8]


def test_halved_weights_are_exact_for_the_rounded_model(bundles: Bundles) -> None:
    folder = bundles("gpt2", "--precision", "fp16-weights")
    card = read_card(folder)
    assert max(card.errors.values()) <= 1e-4 and set(card.errors) > {"logits", "weights"}
    full = (bundles("gpt2") / "weights.bin").stat().st_size
    assert (folder / "weights.bin").stat().st_size < 0.6 * full
    stored = layers(bundles("gpt2", "--store", "float16"), "gpt2")
    for a, b in zip(layers(folder, "gpt2"), stored, strict=True):
        assert np.abs(a - b).max() <= 1e-5 * max(1, np.abs(b).max())


def test_every_product_with_weights_has_eight_bits(bundles: Bundles) -> None:
    graph = ir.load(bundles("gpt2", "--precision", "int8") / "model.onnx").graph
    kinds = [node.op_type for node in graph]
    assert kinds.count("MatMulNBits") == 2 * 4 + 1 and "Gemm" not in kinds
    constant = [
        node for node in graph if node.op_type == "MatMul" and node.inputs[1] in graph.initializers
    ]
    assert not constant
    half = ir.load(bundles("gpt2", "--precision", "fp16") / "model.onnx").graph
    past = next(value for value in half.inputs if value.name == "past.0.key")
    assert past.dtype == ir.DataType.FLOAT16


def test_blocks_stand_for_the_matrix() -> None:
    from engine.export.weights.int8 import BLOCK, ZERO, blocks

    matrix = np.random.default_rng(0).standard_normal((3, 40)).astype(np.float32)
    matrix[1, 32:] = 0
    values, scales = blocks(matrix)
    assert values.shape == (3, 2, BLOCK) and scales.shape == (3, 2)
    back = ((values.astype(np.float32) - ZERO) * scales[:, :, None]).reshape(3, -1)
    assert np.abs(back[:, :40] - matrix).max() <= np.abs(matrix).max() / 127 / 2 + 1e-7
    assert not back[:, 40:].any()


def test_a_model_is_itself_again_after_it_was_halved() -> None:
    from torch import nn

    from engine.export.weights.precision import halved

    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5, bias=False))
    model[1].weight = model[0].weight  # type: ignore[assignment]
    before = model[0].weight.detach().clone()
    with halved(model) as forms:
        assert model[1].weight.dtype == torch.float16 and model[1].weight is model[0].weight
        assert all(stored.values.dtype == np.float16 for stored in forms.values())
    assert model[1].weight is model[0].weight and model[1].weight.dtype == torch.float32
    assert torch.equal(model[0].weight, before.half().float())
    assert torch.isfinite(torch.tensor([float("nan")])).any() == False  # noqa: E712
