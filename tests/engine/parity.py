"""What every exported model must share with PyTorch, whatever its family.

`equals_pytorch` compares a bundle with the transformers model it was made of: logits, every hidden
state, every attention weight, and queries, keys and values where the family has them, against
transformers' own attention, padding in the batch; with the cache against without. What is compared
comes from the registry of quantities: those with a formula must equal it (softmax of the scores is
the weights, weights times values the output), and a family gives what the registry says it gives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.export.families import Tower, layout
from engine.export.model import blocks, module
from engine.models.bundle import Card, read_card
from engine.trace import quantities
from engine.trace.quantities import Quantity, Sublayer
from engine.values import Side
from tests.engine.reference import Arrays, batch, error, past_of, run, square
from tests.engine.taps import Call, tapped

TOLERANCE = 1e-4
COMPUTED = tuple(q for q in quantities.at("attention") if q.computed)
# What transformers' own attention is given, and what it returns.
TAPPED, RETURNED = ("query", "key", "value"), ("weights",)


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
    with tapped(model) as calls, heard(model, "decoder") as parts:
        output = ask(model, call)
    compare(got, expected_of(output) | asked("layer", calls, got) | parts, mask.astype(bool))
    consistent(card, got, "layer")
    steps_equal_whole(folder, ids, mask, got)


def encoder(folder: Path, card: Card, model: Any, texts: tuple[str, ...]) -> None:
    ids, mask = batch(folder, texts, left=False)
    segments = (np.arange(ids.shape[1]) > 2) * np.ones_like(ids)
    got = run(folder / "model.onnx", input_ids=ids, attention_mask=mask, segments=segments)
    call = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    if card.pairs:
        call["token_type_ids"] = torch.from_numpy(segments)
    with tapped(model) as calls, heard(model, "encoder") as parts:
        expected = expected_of(ask(model, call))
    compare(got, expected | asked("layer", calls, got) | parts, mask.astype(bool))
    consistent(card, got, "layer")


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
    with (
        tapped(model) as calls,
        heard(model, "encoder") as read_parts,
        heard(model, "decoder") as written_parts,
    ):
        output = ask(model, call)
    # They run in order: the encoder's, then a decoder layer's own and its cross-attention.
    n = len(output.encoder_attentions or output.encoder_hidden_states[1:])
    own, cross = calls[n::2], calls[n + 1 :: 2]
    reads = expected_of(output, "encoder_") | asked("layer", calls[:n], source) | read_parts
    for k, (_, key, value) in enumerate(cross):
        reads |= {f"source.{k}.key": key, f"source.{k}.value": value}
    compare(source, reads, mask.astype(bool))
    writes = expected_of(output, "decoder_") | asked("layer", own, got) | written_parts
    writes |= {f"cross.{k}.query": query for k, (query, _, _) in enumerate(cross)}
    compare(got, writes, np.ones_like(target, bool))
    consistent(card, source, "layer")
    consistent(card, got, "layer")
    consistent(card, got, "cross", source)
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
        found[f"layer.{k}.weights"] = square(weights.numpy())
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
        for name, part in zip(TAPPED, parts, strict=True):
            found[f"{kind}.{k}.{name}"] = np.repeat(part, heads // part.shape[1], axis=1)
    return found


@contextmanager
def heard(model: Any, side: Side) -> Iterator[Arrays]:
    """What the modules of a side's blocks give whose outputs are quantities ("part")."""
    plan = layout(model.config.model_type)
    tower: Tower | None = plan.encoder if side == "encoder" else plan.decoder
    assert tower is not None
    found: Arrays = {}
    hooks = []
    for quantity in quantities.at("part"):
        path = tower.parts.get(quantity.name)
        names = iter(quantity.output(k) for k, _ in enumerate(blocks(model, tower)))
        for block in dict.fromkeys(blocks(model, tower)) if path else ():
            keep = _keeping(found, names)
            hooks.append(block.get_submodule(path or "").register_forward_hook(keep))
    for routed in quantities.at("router"):
        for k, block in enumerate(blocks(model, tower) if tower.router else ()):
            router = module(block, tower.router)
            if router is not None:
                hook = _routing(found, routed.output(k))
                hooks.append(router.register_forward_hook(hook))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _routing(found: Arrays, name: str) -> Callable[..., None]:
    """What a router of transformers says, as the weight of each expert for each token."""

    def keep(_module: Any, given: Any, output: Any) -> None:
        first, weights, last = (tensor.numpy() for tensor in output)
        if first.shape == last.shape:  # Switch: which one, with what weight
            found[name] = np.where(first == 1, weights, 0).astype(np.float32)
            return
        dense = np.zeros(first.shape, np.float32)
        for row, (chosen, shares) in enumerate(zip(last, weights, strict=True)):
            dense[row, chosen] = shares
        found[name] = dense

    return keep


def _keeping(found: Arrays, names: Iterator[str]) -> Callable[..., None]:
    def keep(_module: Any, _args: Any, output: Any) -> None:
        # In the order of running, also where one block runs in several layers.
        found[next(names)] = (output[0] if isinstance(output, tuple) else output).numpy()

    return keep


def compare(got: Arrays, expected: Arrays, seen: np.ndarray) -> None:
    """All that transformers gives, in the rows of tokens that are not padding."""
    layers = sum(name.startswith("hidden.") for name in got) - 1
    assert {f"hidden.{k}" for k in range(layers)} <= set(expected)
    for name, theirs in expected.items():
        ours = got[name]
        if name.startswith("experts."):  # transformers' routers read a row a token
            theirs = theirs.reshape(ours.shape)
        if name.split(".")[-1] in (*TAPPED, *RETURNED):
            ours, theirs = ours.swapaxes(1, 2), theirs.swapaxes(1, 2)
        assert error(ours[seen], theirs[seen]) <= TOLERANCE, name


def consistent(card: Card, got: Arrays, kind: Sublayer, source: Arrays | None = None) -> None:
    """Each attention gives what the registry says, and what has a formula there follows it."""
    layers = sum(name.startswith(f"{kind}.") and name.endswith(".weights") for name in got)
    assert layers and card.tower.scale > 0
    for layer in range(layers):
        heads = got[f"{kind}.{layer}.weights"].shape[1]
        parts = {
            q.name: _part(q, layer, kind, got, source, heads) for q in quantities.at("attention")
        }
        there = {name for name, array in parts.items() if array is not None}
        assert there == offered(card), (kind, layer)
        for quantity in COMPUTED:
            inputs = [parts[name] for name in quantity.of]
            beside = {name: parts[name] for name in quantity.beside}
            ours = parts[quantity.name]
            if ours is None or any(array is None for array in inputs):
                continue  # disentangled attention gives no scores of one product
            assert quantity.computed is not None
            most = TOLERANCE / 10 if quantity.name in RETURNED else TOLERANCE
            assert error(ours, quantity.computed(*inputs, **beside)) < most, quantity.name
        queries, keys = parts.get("query"), parts.get("key")
        assert queries is None or (keys is not None and queries.shape[-1] == keys.shape[-1])


def _part(
    quantity: Quantity, layer: int, kind: Sublayer, got: Arrays, source: Arrays | None, heads: int
) -> np.ndarray | None:
    """A quantity of an attention; a source's keys and values come from its encoder, shared ones."""
    if kind in quantity.sublayers:
        return got.get(quantity.output(layer, kind))
    assert source is not None
    found = source[f"source.{layer}.{quantity.name}"]
    return np.repeat(found, heads // found.shape[1], axis=1)


def offered(card: Card) -> set[str]:
    """The quantities of attention that a model's family gives."""
    every = quantities.at("attention")
    return {q.name for q in every if quantities.given(q, card.family, card.architecture)}


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
