"""Products with constant matrices in a graph: which they are, and others put in their place.

In: a graph of `onnx_ir`. What is put there instead, and why, is another module's (`int8`,
`halves`).
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir


def weight_of(node: ir.Node) -> ir.Value:
    """The initializer that a product multiplies with, or what stands in its place."""
    weight = node.inputs[1]
    assert weight is not None
    return _constant(weight) or weight


def outputs_by_inputs(node: ir.Node) -> np.ndarray | None:
    """The constant matrix of a product, [output, input]; None where there is none."""
    weight = node.inputs[1]
    if weight is None:
        return None
    plain = _constant(weight)
    if plain is None or plain.const_value is None or len(plain.const_value.shape) != 2:
        return None
    if plain.const_value.dtype != ir.DataType.FLOAT:
        return None
    options = {name: attribute.value for name, attribute in node.attributes.items()}
    if options.get("transA") or options.get("alpha", 1.0) != 1 or options.get("beta", 1.0) != 1:
        return None
    turned = (plain is not weight) != bool(options.get("transB"))
    matrix = plain.const_value.numpy()
    return matrix if turned else matrix.T


def _constant(value: ir.Value) -> ir.Value | None:
    """The initializer behind a value, or behind its transpose."""
    if value.is_initializer():
        return value
    node = value.producer()
    if node is None or node.op_type != "Transpose" or node.inputs[0] is None:
        return None
    order = node.attributes.get("perm")
    turned = order is None or list(order.as_ints()) == [1, 0]
    return node.inputs[0] if turned and node.inputs[0].is_initializer() else None


def take_the_place(graph: ir.Graph, node: ir.Node, new: list[ir.Node]) -> None:
    """Put nodes where one was: the last one's output takes its output's name and users."""
    old, result = node.outputs[0], new[-1].outputs[0]
    name = old.name
    result.type, result.shape = old.type, old.shape
    graph.insert_before(node, new)
    for place, value in enumerate(graph.outputs):
        if value is old:
            graph.outputs[place] = result
    ir.convenience.replace_all_uses_with(old, result)
    graph.remove(node, safe=True)
    result.name = name


def initializer(graph: ir.Graph, name: str, array: np.ndarray) -> ir.Value:
    """The constant of that name, made at first use."""
    if name in graph.initializers:
        return graph.initializers[name]
    tensor = ir.tensor(array, name=name)
    value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype))
    value.const_value = tensor
    graph.register_initializer(value)
    return value


def drop_unused(graph: ir.Graph) -> None:
    """Remove the constants that nothing needs any more, and their transposes."""
    for node in list(graph):
        result = node.outputs[0]
        if node.op_type == "Transpose" and not result.uses() and not result.is_graph_output():
            graph.remove(node, safe=True)
    for value in list(graph.initializers.values()):
        if not value.uses() and not value.is_graph_output():
            del graph.initializers[value.name or ""]
