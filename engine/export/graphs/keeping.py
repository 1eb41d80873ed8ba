"""Let the caller of a graph say of which layers it wants the attention.

ONNX Runtime holds every output of a graph to the end of a run, also those that nobody asked for:
12 layers of weights and scores of 1,024 tokens took 2.3 GB. So each quantity of attention is given
through a slice of its heads, all or none, by the input `keep` [layer] (1 gives, 0 does not). With
one layer kept the same run took 1.1 GB.
"""

from __future__ import annotations

import re

import numpy as np
import onnx_ir as ir

from engine.trace import quantities

NAMES = "|".join(quantity.name for quantity in quantities.at("attention"))
GATED = re.compile(rf"(?:layer|cross)\.(\d+)\.(?:{NAMES})")
HEAD_AXIS = 1
ALL = np.iinfo(np.int64).max  # a slice's end beyond the axis means its end


def gate(program: ir.Model) -> None:
    """Add `keep` to a graph that gives attention; other graphs stay as they are."""
    graph = program.graph
    found = {}
    for place, value in enumerate(graph.outputs):
        match = GATED.fullmatch(value.name or "")
        if match and value.producer() is not None:
            found[place] = int(match[1])
    if not found:
        return
    ends = _ends(graph, layers=max(found.values()) + 1)
    zero, axis = _constant(graph, "keep.zero", [0]), _constant(graph, "keep.axis", [HEAD_AXIS])
    for place, layer in found.items():
        _gate(graph, place, [zero, ends[layer], axis])


def _gate(graph: ir.Graph, place: int, slicing: list[ir.Value]) -> None:
    """Put a slice between a quantity and the output of its name."""
    inner = graph.outputs[place]
    name, producer = inner.name, inner.producer()
    assert name is not None and producer is not None
    inner.name = f"{name}.whole"
    shape = None
    if inner.shape is not None:
        shape = ir.Shape([None if i == HEAD_AXIS else dim for i, dim in enumerate(inner.shape)])
    given = ir.Value(name=name, type=inner.type, shape=shape)
    graph.outputs[place] = given
    # Right after its producer: a slice that ran later would keep the whole quantity in memory.
    graph.insert_after(producer, ir.node("Slice", [inner, *slicing], outputs=[given]))


def _ends(graph: ir.Graph, *, layers: int) -> list[ir.Value]:
    """For each layer where the slice of its heads ends: at 0 or beyond them all."""
    keep = ir.Value(name="keep", type=ir.TensorType(ir.DataType.INT64), shape=ir.Shape([layers]))
    graph.inputs.append(keep)
    beyond = ir.node("Mul", [keep, _constant(graph, "keep.all", [ALL])], name="keep.ends")
    picks = [
        ir.node("Gather", [beyond.outputs[0], _constant(graph, f"keep.index.{k}", [k])])
        for k in range(layers)
    ]
    graph.insert_before(graph[0], [beyond, *picks])
    return [pick.outputs[0] for pick in picks]


def _constant(graph: ir.Graph, name: str, numbers: list[int]) -> ir.Value:
    tensor = ir.tensor(np.array(numbers, dtype=np.int64), name=name)
    value = ir.Value(
        name=name,
        type=ir.TensorType(ir.DataType.INT64),
        shape=ir.Shape([len(numbers)]),
        const_value=tensor,
    )
    graph.register_initializer(value)
    return value
