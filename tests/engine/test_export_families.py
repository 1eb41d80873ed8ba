"""Every supported family, exported by the command and compared with transformers.

One test a family: logits, every hidden state and every attention weight against transformers' own
attention, padding in the batch; with the cache against without; and what the card says. Queries,
keys, values, scores and outputs are checked against each other (softmax of the scores is the
weights, weights times values the output), which ties them to the weights.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bundle import read_card
from tests.engine.checkpoints import RECIPES, Bundles
from tests.engine.reference import TEXTS, Arrays, batch, error, load, past_of, run

torch = pytest.importorskip("torch")

TOLERANCE = 1e-4
FEW = (TEXTS[0], TEXTS[1], TEXTS[6])
LAYERS = 2


@pytest.mark.slow
@pytest.mark.timeout(1200)  # an export takes 7 s of one core; a busy machine has fewer
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_family_equals_pytorch(bundles: Bundles, name: str) -> None:
    folder, source = bundles(name), bundles.checkpoint(name)
    card = read_card(folder)
    check = {"decoder": decoder, "encoder": encoder, "encoder-decoder": pair}[card.family]
    check(folder, load(source, card.positions))
    assert all(value <= TOLERANCE for value in card.errors.values())
    assert card.tower.layers == LAYERS
    assert ("scores" in card.given) == (name != "deberta-v2")


def decoder(folder: Path, model: Any) -> None:
    ids, mask = batch(folder, FEW, left=True)
    got = run(folder / "model.onnx", input_ids=ids, attention_mask=mask)
    call = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    if takes(model, "position_ids"):
        call["position_ids"] = torch.from_numpy(np.maximum(mask.cumsum(-1) - 1, 0))
    output = ask(model, call)
    compare(got, expected_of(output), mask.astype(bool))
    consistent(got, "layer", scale_of(folder))
    steps_equal_whole(folder, ids, mask, got)


def encoder(folder: Path, model: Any) -> None:
    ids, mask = batch(folder, FEW, left=False)
    segments = (np.arange(ids.shape[1]) > 2) * np.ones_like(ids)
    got = run(folder / "model.onnx", input_ids=ids, attention_mask=mask, segments=segments)
    call = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    if read_card(folder).pairs:
        call["token_type_ids"] = torch.from_numpy(segments)
    compare(got, expected_of(ask(model, call)), mask.astype(bool))
    consistent(got, "layer", scale_of(folder))


def pair(folder: Path, model: Any) -> None:
    ids, mask = batch(folder, FEW, left=False)
    target, _ = batch(folder, FEW[::-1], left=False)
    # M2M-100 counts no position for its padding id, which a step on its own cannot know: a text
    # that is written holds none after its start.
    target[target == model.config.pad_token_id] = 3
    source = run(folder / "encoder.onnx", input_ids=ids, attention_mask=mask)
    read = {name: value for name, value in source.items() if name.startswith("source.")}
    read |= {"source_mask": mask, "sources": np.arange(len(ids))}
    got = run(folder / "model.onnx", input_ids=target, **read)
    output = ask(
        model,
        {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "decoder_input_ids": torch.from_numpy(target),
            "decoder_attention_mask": torch.ones_like(torch.from_numpy(target)),
        },
    )
    compare(source, expected_of(output, "encoder_"), mask.astype(bool))
    compare(got, expected_of(output, "decoder_"), np.ones_like(target, bool))
    scale = scale_of(folder)
    consistent(source, "layer", scale)
    consistent(got, "layer", scale)
    consistent(got, "cross", scale, source)
    steps_equal_whole(folder, target, np.ones_like(target), got, **read)


def takes(model: Any, name: str) -> bool:
    return name in inspect.signature(type(model).forward).parameters


def ask(model: Any, call: dict[str, Any]) -> Any:
    weights = model.config._attn_implementation == "eager"
    with torch.no_grad():
        return model(**call, output_hidden_states=True, output_attentions=weights)


def expected_of(output: Any, side: str = "") -> Arrays:
    found: Arrays = {}
    if side != "encoder_" and "logits" in output:
        found["logits"] = output["logits"].numpy()
    for k, states in enumerate(output[f"{side}hidden_states"][:LAYERS]):
        found[f"hidden.{k}"] = states.numpy()
    for k, weights in enumerate(output.get(f"{side}attentions") or ()):
        found[f"layer.{k}.weights"] = weights.numpy()
    if side == "decoder_":
        for k, weights in enumerate(output["cross_attentions"]):
            found[f"cross.{k}.weights"] = weights.numpy()
    return found


def compare(got: Arrays, expected: Arrays, seen: np.ndarray) -> None:
    assert f"hidden.{LAYERS - 1}" in expected
    for name, theirs in expected.items():
        ours = got[name]
        if name.endswith("weights"):
            ours, theirs = ours.swapaxes(1, 2), theirs.swapaxes(1, 2)
        assert error(ours[seen], theirs[seen]) <= TOLERANCE, name


def scale_of(folder: Path) -> float:
    return read_card(folder).tower.scale


def consistent(got: Arrays, kind: str, scale: float, source: Arrays | None = None) -> None:
    """softmax(scores) = weights; weights x values = output; scores come of queries and keys."""
    for layer in range(LAYERS):
        part = {n: got.get(f"{kind}.{layer}.{n}") for n in ("query", "scores", "weights", "output")}
        assert part["weights"] is not None and part["output"] is not None
        if part["scores"] is None:  # disentangled attention gives no scores of one product
            continue
        keys, values = (
            got[f"layer.{layer}.{n}"] if source is None else source[f"source.{layer}.{n}"]
            for n in ("key", "value")
        )
        powers = np.exp(part["scores"] - part["scores"].max(-1, keepdims=True))
        weights = powers / powers.sum(-1, keepdims=True)
        assert error(weights, part["weights"]) < 1e-5
        assert error(part["weights"] @ values, part["output"]) <= TOLERANCE
        assert part["query"] is not None and part["query"].shape[-1] == keys.shape[-1]
        assert scale > 0


def steps_equal_whole(
    folder: Path, ids: np.ndarray, mask: np.ndarray, whole: Arrays, **read: Any
) -> None:
    """All but the last two tokens at once, then one by one: the same logits."""
    cut = ids.shape[1] - 2
    step = run(folder / "model.onnx", input_ids=ids[:, :cut], attention_mask=mask[:, :cut], **read)
    for n in range(cut, ids.shape[1]):
        step = run(
            folder / "model.onnx",
            input_ids=ids[:, n : n + 1],
            attention_mask=mask[:, : n + 1],
            **read,
            **past_of(step),
        )
        real = mask[:, n] == 1  # a row of padding alone sees nothing, and its numbers mean nothing
        assert error(step["logits"][real, 0], whole["logits"][real, n]) <= TOLERANCE
