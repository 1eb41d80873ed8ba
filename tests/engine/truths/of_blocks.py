"""The parts of a block, once more: read where the exporter kept the names of weights."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
import onnxruntime as ort

from engine.values import Reading
from tests.engine.truths.raw import ENGINE, SHIPPED, ids_of, plain, truth


@cache
def inside(model: str, text: str) -> dict[str, np.ndarray]:
    """What the biases of a GPT-2 were added in, and what its GELUs gave, at every token."""
    graph = onnx.load(str(SHIPPED / model / "model.onnx"), load_external_data=False)
    bent = [node.output[0] for node in graph.graph.node if node.op_type == "Gelu"]
    names = {f"gelu.{layer}": name for layer, name in enumerate(bent)}
    for node in graph.graph.node:
        for given in node.input:
            if given.endswith("c_proj.bias"):
                _, _, _, layer, part, _, _ = given.split(".")
                names[f"{part}.{layer}"] = node.output[0]
    for name in names.values():
        graph.graph.output.append(onnx.ValueInfoProto(name=name))
    folder = SHIPPED / model
    options = ort.SessionOptions()
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(folder)
    )
    session = ort.InferenceSession(graph.SerializeToString(), options)
    ids = np.array([ids_of(model, text)], dtype=np.int64)
    feeds: dict[str, np.ndarray] = {
        "input_ids": ids, "attention_mask": np.ones_like(ids), "first": np.zeros(1, np.int64),
    }  # fmt: skip
    for node in session.get_inputs():
        if node.name.startswith("past."):
            feeds[node.name] = np.zeros((1, node.shape[1], 0, node.shape[3]), np.float32)
        elif node.name not in feeds:
            kind = np.float32 if "float" in node.type else np.int64
            feeds[node.name] = np.ones(node.shape, kind)
    found = session.run(list(names.values()), feeds)
    return {
        name: np.asarray(one).reshape(ids.shape[1], -1)
        for name, one in zip(names, found, strict=True)
    }


@truth
def adds_more(model: str, text: str, layer: int) -> str:
    found = inside(model, text)
    sizes = [np.sqrt((found[f"{part}.{layer - 1}"][-1] ** 2).sum()) for part in ("attn", "mlp")]
    return ("attention", "feed-forward network")[int(np.argmax(sizes))]


@truth
def strongest_unit(model: str, text: str, layer: int) -> str:
    return f"unit {1 + int(np.abs(inside(model, text)[f'gelu.{layer - 1}'][-1]).argmax())}"


@truth
def unit_fires_at(model: str, text: str, layer: int) -> str:
    activity = np.abs(inside(model, text)[f"gelu.{layer - 1}"])
    place = int(activity[:, int(activity[-1].argmax())].argmax())
    return plain(ENGINE.texts(model, [int(ENGINE.tokens(Reading(model, text)).ids[place])])[0])
