"""What every exported model must share with PyTorch, whatever its family.

`equals_pytorch` compares a bundle with the transformers model it was made of: logits, every hidden
state and every attention weight against transformers' own attention, padding in the batch; with
the cache against without. Queries, keys, values, scores and outputs are checked against each other
(softmax of the scores is the weights, weights times values the output), which ties them to the
weights.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.bundle import Card, read_card
from tests.engine.reference import Arrays, batch, error, past_of, run

TOLERANCE = 1e-4


def equals_pytorch(folder: Path, model: Any, texts: tuple[str, ...]) -> None:
    """All checks of one bundle against one model, on texts padded to one length."""
    card = read_card(folder)
    check = {"decoder": decoder, "encoder": encoder, "encoder-decoder": pair}[card.family]
    check(folder, card, model, texts)


def decoder(folder: Path, card: Card, model: Any, texts: tuple[str, ...]) -> None:
    ids, mask = batch(folder, texts, left=True)
    got = run(folder / "model.onnx", input_ids=ids, attention_mask=mask)
    call = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    if takes(model, "position_ids"):
        call["position_ids"] = torch.from_numpy(np.maximum(mask.cumsum(-1) - 1, 0))
    output = ask(model, call)
    compare(got, expected_of(output), mask.astype(bool))
    consistent(got, "layer", card.tower.scale)
    steps_equal_whole(folder, ids, mask, got)


def encoder(folder: Path, card: Card, model: Any, texts: tuple[str, ...]) -> None:
    ids, mask = batch(folder, texts, left=False)
    segments = (np.arange(ids.shape[1]) > 2) * np.ones_like(ids)
    got = run(folder / "model.onnx", input_ids=ids, attention_mask=mask, segments=segments)
    call = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    if card.pairs:
        call["token_type_ids"] = torch.from_numpy(segments)
    compare(got, expected_of(ask(model, call)), mask.astype(bool))
    consistent(got, "layer", card.tower.scale)


def pair(folder: Path, card: Card, model: Any, texts: tuple[str, ...]) -> None:
    ids, mask = batch(folder, texts, left=False)
    target, _ = batch(folder, texts[::-1], left=False)
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
    scale = card.tower.scale
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
    # The last one of transformers may be after the final norm, ours is before: logits tell.
    for k, states in enumerate(output[f"{side}hidden_states"][:-1]):
        found[f"hidden.{k}"] = states.numpy()
    for k, weights in enumerate(output.get(f"{side}attentions") or ()):
        found[f"layer.{k}.weights"] = weights.numpy()
    if side == "decoder_":
        for k, weights in enumerate(output["cross_attentions"]):
            found[f"cross.{k}.weights"] = weights.numpy()
    return found


def compare(got: Arrays, expected: Arrays, seen: np.ndarray) -> None:
    layers = sum(name.startswith("hidden.") for name in got) - 1
    assert {f"hidden.{k}" for k in range(layers)} <= set(expected)
    for name, theirs in expected.items():
        ours = got[name]
        if name.endswith("weights"):
            ours, theirs = ours.swapaxes(1, 2), theirs.swapaxes(1, 2)
        assert error(ours[seen], theirs[seen]) <= TOLERANCE, name


def consistent(got: Arrays, kind: str, scale: float, source: Arrays | None = None) -> None:
    """softmax(scores) = weights; weights x values = output; scores come of queries and keys."""
    layers = sum(name.startswith(f"{kind}.") and name.endswith(".weights") for name in got)
    assert layers
    for layer in range(layers):
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
    cut = max(1, ids.shape[1] - 2)
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
