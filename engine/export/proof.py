"""The proof that a bundle computes what PyTorch computes, made at every export.

Each graph runs in ONNX Runtime on a fixed text, with padding in the batch, and is compared with
the same module run by PyTorch, quantity by quantity. That module records through our own attention
function, so the plain model with transformers' eager attention is compared as well. The result is
the largest error of each quantity, max|a-b| / max(1, max|b|) over cells that are not masked.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor
from transformers import PreTrainedModel

from engine.errors import ExportFailed
from engine.export.graphs.capture import NAME
from engine.export.graphs.graph import Graph
from engine.export.graphs.past import Past, zeros
from engine.export.model import accepts, stack
from engine.models.device import Device, GraphError, open_session
from engine.settings import cores

Arrays = dict[str, np.ndarray]


def open_graph(path: Path, device: Device, *, halves: bool = False) -> ort.InferenceSession:
    """Open a graph as the app does, or say why it does not open."""
    try:
        return open_session(path, device, cores(), halves=halves)[0]
    except GraphError as error:
        raise ExportFailed(
            f"ONNX Runtime cannot open {path.name} ({error}). Please report the model's name."
        ) from None


def flat(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors of nested inputs by the names that the graph gives them."""
    found: dict[str, Tensor] = {}
    for name, value in inputs.items():
        if isinstance(value, Tensor):
            found[name] = value
        else:
            for k, layer in enumerate(value):
                found |= {f"{name}.{k}.{part}": tensor for part, tensor in layer.items()}
    return found


def run(session: ort.InferenceSession, inputs: dict[str, Any]) -> Arrays:
    """All outputs of a graph; inputs that the graph turned out not to need are left out."""
    types = {value.name: value.type for value in session.get_inputs()}
    feeds = {name: tensor.numpy() for name, tensor in flat(inputs).items() if name in types}
    # A graph of halves takes halves; PyTorch gets the same numbers in float32.
    feeds = {
        name: array.astype(np.float16) if types[name] == "tensor(float16)" else array
        for name, array in feeds.items()
    }
    feeds |= {n.name: np.ones(n.shape, np.int64) for n in session.get_inputs() if n.name == "keep"}
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))  # type: ignore[arg-type]


def reference(graph: Graph, inputs: dict[str, Any]) -> Arrays:
    """What PyTorch computes for the same inputs."""
    with torch.no_grad():
        return {name: tensor.numpy() for name, tensor in graph(**inputs).items()}


def error(got: np.ndarray, expected: np.ndarray) -> float:
    """max|a-b| / max(1, max|b|) over the cells that are not masked.

    Masked scores are the lowest number of their type; `error([1, 2.5], [1, 2])` is 0.25.
    """
    if got.shape != expected.shape:
        raise ValueError(f"shapes {got.shape} and {expected.shape}")
    if not expected.size:
        return 0.0
    seen = expected > np.finfo(expected.dtype).min / 2
    a, b = got[seen].astype(np.float64), expected[seen].astype(np.float64)
    if not np.array_equal(seen, got > np.finfo(got.dtype).min / 2):
        return float("inf")
    return float(np.abs(a - b).max() / max(1.0, np.abs(b).max()))


def errors(got: Arrays, expected: Arrays) -> dict[str, float]:
    """The largest error of each quantity, layers taken together: `layer.3.scores` is `scores`."""
    if set(got) != set(expected):
        raise ValueError(f"outputs differ: {set(got) ^ set(expected)}")
    worst: dict[str, float] = {}
    for name, array in expected.items():
        quantity = re.sub(r"\.\d+", "", name).removeprefix("layer.")
        worst[quantity] = max(worst.get(quantity, 0.0), error(got[name], array))
    return worst


def merge(*found: dict[str, float]) -> dict[str, float]:
    """The larger error of each quantity."""
    names = {name for part in found for name in part}
    return {name: max(part.get(name, 0.0) for part in found) for name in sorted(names)}


def check(
    sessions: dict[str, ort.InferenceSession], graphs: dict[str, Graph], ids: list[int]
) -> dict[str, float]:
    """Compare every graph of a bundle with PyTorch; the largest error of each quantity."""
    model = graphs["model.onnx"].model
    family = graphs["model.onnx"].layout.family
    found: list[dict[str, float]] = []
    if family == "decoder":
        inputs = step(model, padded(ids, left=True))
        got, expected = _both(sessions["model.onnx"], graphs["model.onnx"], inputs)
        found += [errors(got, expected), eager(graphs["model.onnx"], inputs, got)]
        following = continued(inputs, expected)
        found.append(errors(*_both(sessions["model.onnx"], graphs["model.onnx"], following)))
    elif family == "encoder":
        inputs = texts(graphs["model.onnx"], padded(ids, left=False))
        got, expected = _both(sessions["model.onnx"], graphs["model.onnx"], inputs)
        found += [errors(got, expected), eager(graphs["model.onnx"], inputs, got)]
    else:
        got = check_pair(sessions, graphs, ids, found)
    if "rows.onnx" in graphs:
        again = crossed(got, stack(model, "decoder").layers)
        found.append(errors(*_both(sessions["rows.onnx"], graphs["rows.onnx"], again)))
    if "lens.onnx" in graphs:
        found.append(lens(sessions["lens.onnx"], got))
    return merge(*found)


def check_pair(
    sessions: dict[str, ort.InferenceSession],
    graphs: dict[str, Graph],
    ids: list[int],
    found: list[dict[str, float]],
) -> Arrays:
    """Compare an encoder-decoder: its encoder, its decoder on that source, and one step more."""
    inputs, reading = pair(sessions, graphs, ids, found)
    got, expected = _both(sessions["model.onnx"], graphs["model.onnx"], inputs)
    found += [errors(got, expected), eager(graphs["model.onnx"], inputs, got, reading)]
    following = continued(inputs, expected)
    found.append(errors(*_both(sessions["model.onnx"], graphs["model.onnx"], following)))
    return got


def pair(
    sessions: dict[str, ort.InferenceSession],
    graphs: dict[str, Graph],
    ids: list[int],
    found: list[dict[str, float]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs of a decoder that reads what PyTorch's encoder made, and of that encoder.

    The errors of the encoder's graph are added to `found`.
    """
    # The second text is read by two rows.
    source_ids, source_mask = (part[[0, 1, 1]] for part in padded(ids, left=False))
    model = graphs["model.onnx"].model
    tower = stack(model, "encoder")
    reading = {
        "input_ids": source_ids,
        "attention_mask": source_mask,
        "head_mask": torch.ones(tower.layers, tower.heads),
    }
    got, expected = _both(sessions["encoder.onnx"], graphs["encoder.onnx"], reading)
    found.append({f"encoder.{name}": e for name, e in errors(got, expected).items()})
    target = torch.tensor([ids[:-1], ids[1:], ids[:-1]])
    inputs = step(model, (target, torch.ones_like(target)))
    tower = stack(model, "decoder")
    inputs |= {
        "source_mask": source_mask,
        "source": nested(expected, "source", tower.layers),
        "cross_head_mask": torch.ones(tower.layers, tower.heads),
    }
    return inputs, reading


def nested(found: Arrays, kind: str, layers: int) -> Past:
    """The keys and values of every layer ("present" or "source") as a graph's module takes them."""
    return [
        {part: torch.from_numpy(found[f"{kind}.{k}.{part}"]) for part in ("key", "value")}
        for k in range(layers)
    ]


def _both(
    session: ort.InferenceSession, graph: Graph, inputs: dict[str, Any]
) -> tuple[Arrays, Arrays]:
    return run(session, inputs), reference(graph, inputs)


def padded(ids: list[int], *, left: bool) -> tuple[Tensor, Tensor]:
    """Two rows: the ids, and all but two of them padded to the same length; and their mask."""
    short = ids[2:]
    filler, zeros = [ids[0]] * 2, [0] * 2
    row = filler + short if left else short + filler
    seen = zeros + [1] * len(short) if left else [1] * len(short) + zeros
    return torch.tensor([ids, row]), torch.tensor([[1] * len(ids), seen])


def texts(graph: Graph, batch: tuple[Tensor, Tensor]) -> dict[str, Any]:
    """An encoder graph's inputs; the second half of each text is its second segment."""
    inputs = graph.example()[0]
    found = {"input_ids": batch[0], "attention_mask": batch[1], "head_mask": inputs["head_mask"]}
    length = batch[0].shape[1]
    if "first" in inputs:
        found["first"] = torch.arange(length)
    if "segments" in inputs:
        half = (torch.arange(length) > length // 2).long()
        found["segments"] = half.expand(batch[0].shape).contiguous()
    return found


def step(model: PreTrainedModel, batch: tuple[Tensor, Tensor]) -> dict[str, Any]:
    """A decoder's inputs for a text with an empty past."""
    tower = stack(model, "decoder")
    return {
        "input_ids": batch[0],
        "attention_mask": batch[1],
        "first": torch.arange(batch[0].shape[1]),
        "past": zeros(model, tower, len(batch[0]), 0),
        "head_mask": torch.ones(tower.layers, tower.heads),
    }


def continued(inputs: dict[str, Any], computed: Arrays) -> dict[str, Any]:
    """One more token for the rows of a step, crossed over: the last continues the first."""
    present = nested(computed, "present", len(inputs["past"]))
    mask = inputs["attention_mask"].flip(0)
    following = {
        "input_ids": inputs["input_ids"][:, :1],
        "attention_mask": torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1),
        "first": torch.zeros(1, dtype=torch.long),
        "past": _flipped(present),
    }
    if "source" in inputs:
        following["source_mask"] = inputs["source_mask"].flip(0)
        following["source"] = _flipped(inputs["source"])
    return {**inputs, **following}


def _flipped(past: Past) -> Past:
    return [{name: tensor.flip(0) for name, tensor in layer.items()} for layer in past]


def crossed(computed: Arrays, layers: int) -> dict[str, Any]:
    """The inputs of rows.onnx for what a decoder computed: the last row first, and once more."""
    count = len(computed["present.0.key"])
    rows = torch.tensor([*reversed(range(count)), count - 1])
    return {"rows": rows, "present": nested(computed, "present", layers)}


def eager(
    graph: Graph,
    inputs: dict[str, Any],
    got: Arrays,
    reading: dict[str, Any] | None = None,
) -> dict[str, float]:
    """Compare with the model as transformers runs it: logits, hidden states and weights."""
    model, implementation = graph.model, graph.layout.reference
    call = {
        "input_ids": inputs["input_ids"],
        "attention_mask": inputs["attention_mask"],
        "output_hidden_states": True,
        "output_attentions": implementation == "eager",  # the others cannot give them
    }
    if "segments" in inputs:
        call["token_type_ids"] = inputs["segments"]
    if "past" in inputs and reading is None and accepts(model, "position_ids"):
        call["position_ids"] = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0)
    if reading is not None:
        call["decoder_input_ids"] = call.pop("input_ids")
        call["decoder_attention_mask"] = call.pop("attention_mask")
        call |= {name: reading[name] for name in ("input_ids", "attention_mask")}
    _attend(model, implementation)
    try:
        with torch.no_grad():
            output = model(**call)
    finally:
        _attend(model, NAME)
    windowed = reading is None and hasattr(model.config, "attention_window")
    return _eager_errors(output, got, inputs["attention_mask"].bool().numpy(), windowed)


def _attend(model: PreTrainedModel, implementation: str) -> None:
    model.set_attn_implementation(implementation)
    # The older classes refuse the change, though they look the name up at every call.
    model.config._attn_implementation = implementation


def _eager_errors(output: Any, got: Arrays, seen: np.ndarray, windowed: bool) -> dict[str, float]:
    side = "decoder_" if "decoder_hidden_states" in output else ""
    expected: dict[str, np.ndarray] = {}
    for k, tensor in enumerate(output[f"{side}hidden_states"][:-1]):
        # The last one is left to the logits: many families give it after their final norm.
        expected[f"hidden.{k}"] = tensor.numpy()
    for k, tensor in enumerate(output.get(f"{side}attentions") or ()):
        weights = whole(tensor.numpy()) if windowed else tensor.numpy()
        expected[f"layer.{k}.weights"] = weights.swapaxes(1, 2)
    for k, tensor in enumerate(output.get("cross_attentions") or ()):
        expected[f"cross.{k}.weights"] = tensor.transpose(1, 2).numpy()
    if "logits" in output:
        expected["logits"] = output["logits"].numpy()
    worst = {}
    for name, array in expected.items():
        ours = got[name].swapaxes(1, 2) if name.endswith("weights") else got[name]
        worst[name] = error(ours[seen], array[seen])
    return merge(*({re.sub(r"\.\d+", "", n).removeprefix("layer."): e} for n, e in worst.items()))


def whole(weights: np.ndarray) -> np.ndarray:
    """Weights in a window [.., query, width] as a matrix [.., query, key].

    Column `width // 2` of a window is the token itself.
    """
    queries, width = weights.shape[-2:]
    found = np.zeros((*weights.shape[:-1], queries), weights.dtype)
    for column in range(width):
        at = np.arange(queries)
        key = at + column - width // 2
        inside = (key >= 0) & (key < queries)
        found[..., at[inside], key[inside]] = weights[..., at[inside], column]
    return found


def lens(session: ort.InferenceSession, got: Arrays) -> dict[str, float]:
    """The lens of the last hidden state must give the logits."""
    last = max(int(name.split(".")[1]) for name in got if name.startswith("hidden."))
    hidden = got[f"hidden.{last}"]
    # Hidden states of a graph of halves may be float32: some families add up in full.
    kind = np.float16 if session.get_inputs()[0].type == "tensor(float16)" else np.float32
    rows = hidden.reshape(-1, hidden.shape[-1]).astype(kind)
    logits = session.run(["logits"], {"hidden": rows})[0]
    return {"lens": error(logits, got["logits"].reshape(logits.shape))}  # type: ignore[union-attr]
