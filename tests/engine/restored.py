"""A shipped bundle's weights, back in PyTorch.

The repository holds bundles, not checkpoints. `restored` reads the weights out of a bundle's graphs
as ONNX Runtime computes them (int8 times its scales) and puts them into the model that the recipe
builds. Every parameter must be found, so a graph cannot be compared with anything but its own
weights.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from transformers import PreTrainedTokenizerFast

from engine.training import recipes

Arrays = dict[str, np.ndarray]


@cache
def restored(bundle: Path) -> Any:
    """The PyTorch model of a shipped bundle, whose folder is named as its recipe."""
    recipe = recipes.find(bundle.name)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(bundle / "tokenizer.json"))
    model = recipe.build(recipe.Settings(), tokenizer)
    found: Arrays = {}
    for path in sorted(bundle.glob("*.onnx")):
        found |= parameters(onnx.load(path))
    fill(model, found)
    model.set_attn_implementation("eager")
    return model.eval()


def parameters(graph: onnx.ModelProto) -> Arrays:
    """Parameters by the name that PyTorch gives them, as the graph computes with them.

    A matrix that the exporter folded has lost its name; the bias added to its product has not.
    """
    known = {value.name: numpy_helper.to_array(value) for value in graph.graph.initializer}
    known |= {
        node.output[0]: numpy_helper.to_array(node.attribute[0].t)
        for node in graph.graph.node
        if node.op_type == "Constant" and node.attribute[0].name == "value"
    }
    made_by = {}
    named: Arrays = {}
    for node in graph.graph.node:
        made_by |= {name: node for name in node.output}
        if node.op_type in FOLDED and all(name in known for name in node.input):
            known[node.output[0]] = FOLDED[node.op_type](*(known[name] for name in node.input))
        if node.op_type == "Add" and node.input[1].endswith(".bias"):
            product = made_by.get(node.input[0])
            if product is not None and product.op_type == "MatMul" and product.input[1] in known:
                weight = node.input[1].removesuffix("bias") + "weight"
                named[weight] = known[product.input[1]].T
    return {name.removeprefix("model."): value for name, value in (named | known).items()}


FOLDED = {
    "Cast": lambda values: values.astype(np.float32),
    "Mul": lambda values, scales: values * scales,
    "Transpose": lambda values: values.T,
}


def fill(model: Any, found: Arrays) -> None:
    """Put the arrays into the model; a parameter that is not among them is an error."""
    with torch.no_grad():
        for name, parameter in [*model.named_parameters(), *model.named_buffers()]:
            if not parameter.is_floating_point():
                continue
            array = found[name if name in found else alias(name)]
            parameter.copy_(torch.from_numpy(np.array(array)))


def alias(name: str) -> str:
    """The name under which a graph keeps a matrix that a model uses twice."""
    return TIED.get(name, name)


TIED = {
    "transformer.wte.weight": "lm_head.weight",
    "model.shared.weight": "lm_head.weight",
    "bert.embeddings.word_embeddings.weight": "cls.predictions.decoder.weight",
    "cls.predictions.bias": "cls.predictions.decoder.bias",
}
