"""What every exported model must share with PyTorch, whatever its family.

`equals_pytorch` compares a bundle with the transformers model it was made of: logits, every hidden
state, every attention weight, and queries, keys and values where the family has them, against
transformers' own attention, padding in the batch; with the cache against without. Scores and
outputs are checked against these (softmax of the scores is the weights, weights times values the
output).
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.models.bundle import Card, read_card
from tests.engine.reference import Arrays, batch, error, past_of, run
from tests.engine.taps import Call, tapped

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
    with tapped(model) as calls:
        output = ask(model, call)
    compare(got, expected_of(output) | asked("layer", calls, got), mask.astype(bool))
    consistent(got, "layer", card.tower.scale)
    steps_equal_whole(folder, ids, mask, got)


def encoder(folder: Path, card: Card, model: Any, texts: tuple[str, ...]) -> None:
    ids, mask = batch(folder, texts, left=False)
    segments = (np.arange(ids.shape[1]) > 2) * np.ones_like(ids)
    got = run(folder / "model.onnx", input_ids=ids, attention_mask=mask, segments=segments)
    call = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    if card.pairs:
        call["token_type_ids"] = torch.from_numpy(segments)
    with tapped(model) as calls:
        expected = expected_of(ask(model, call))
    compare(got, expected | asked("layer", calls, got), mask.astype(bool))
    consistent(got, "layer", card.tower.scale)


def pair(folder: Path, card: Card, model: Any, texts: tuple[str, ...]) -> None:
    ids, mask = batch(folder, texts, left=False)
    target, _ = batch(folder, texts[::-1], left=False)
    # M2M-100 counts no position for its padding id, which a step on its own cannot know: a text
    # that is written holds none after its start.
    target[target == model.config.pad_token_id] = 3
    source = run(folder / "encoder.onnx", input_ids=ids, attention_mask=mask)
    read = {name: value for name, value in source.items() if name.startswith("source.")}
    read |= {"source_mask": mask}
    got = run(folder / "model.onnx", input_ids=target, **read)
    call = {
        "input_ids": torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(mask),
        "decoder_input_ids": torch.from_numpy(target),
        "decoder_attention_mask": torch.ones_like(torch.from_numpy(target)),
    }
    with tapped(model) as calls:
        output = ask(model, call)
    # They run in order: the encoder's, then a decoder layer's own and its cross-attention.
    n = len(output.encoder_attentions or output.encoder_hidden_states[1:])
    own, cross = calls[n::2], calls[n + 1 :: 2]
    reads = expected_of(output, "encoder_") | asked("layer", calls[:n], source)
    for k, (_, key, value) in enumerate(cross):
        reads |= {f"source.{k}.key": key, f"source.{k}.value": value}
    compare(source, reads, mask.astype(bool))
    writes = expected_of(output, "decoder_") | asked("layer", own, got)
    writes |= {f"cross.{k}.query": query for k, (query, _, _) in enumerate(cross)}
    compare(got, writes, np.ones_like(target, bool))
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


def asked(kind: str, calls: list[Call], got: Arrays) -> Arrays:
    """Queries, keys and values of every layer; shared ones repeated for the heads that share."""
    layers = sum(name.startswith(f"{kind}.") and name.endswith(".query") for name in got)
    assert len(calls) == layers
    found: Arrays = {}
    for k, parts in enumerate(calls):
        heads = parts[0].shape[1]
        for name, part in zip(("query", "key", "value"), parts, strict=True):
            found[f"{kind}.{k}.{name}"] = np.repeat(part, heads // part.shape[1], axis=1)
    return found


def compare(got: Arrays, expected: Arrays, seen: np.ndarray) -> None:
    layers = sum(name.startswith("hidden.") for name in got) - 1
    assert {f"hidden.{k}" for k in range(layers)} <= set(expected)
    for name, theirs in expected.items():
        ours = got[name]
        if name.endswith(("weights", "query", "key", "value")):
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
