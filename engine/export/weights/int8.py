"""A graph that computes with 8-bit numbers: every product with a constant matrix becomes one.

In: a float32 graph. Out: the same graph, its `MatMul` and `Gemm` by weights turned into ONNX
Runtime's `MatMulNBits`, which keeps the weights in blocks of 32 with a scale each and rounds what
meets them to 8 bits too, block by block. One row of a batch never changes another, as it would
under `DynamicQuantizeLinear`, whose scale is that of the whole batch: columns of one prompt would
move when a column is added. Token vectors are kept as int8 with a scale a row, and only the rows
that are looked up become float32. Scores, norms and sums stay float32. Meant for the CPU.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from engine.export.weights.storage import INLINE, Stored, digest

BITS = 8
BLOCK = 32  # columns that share a scale
ZERO = 2 ** (BITS - 1)  # what stands for 0 in an unsigned byte
INT8_ACTIVATIONS = 4  # `accuracy_level`: what is multiplied is rounded to 8 bits as well
DOMAIN = "com.microsoft"


def quantise(program: ir.Model, tokens: dict[str, Stored]) -> None:
    """Replace products with weights, and look-ups in the matrices whose digests are `tokens`."""
    graph = program.graph
    for node in list(graph):
        if node.op_type in ("MatMul", "Gemm"):
            _product(graph, node)
        elif node.op_type == "Gather":
            _look_up(graph, node, tokens)
    program.opset_imports.setdefault(DOMAIN, 1)
    for value in list(graph.initializers.values()):
        if not value.uses() and not value.is_graph_output():
            del graph.initializers[value.name or ""]


def blocks(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[row, column] -> bytes [row, block, 32] and a float32 scale [row, block] for each block.

    The last block is filled up with what stands for 0.
    """
    rows, columns = matrix.shape
    count = -(-columns // BLOCK)
    filled = np.zeros((rows, count * BLOCK), dtype=np.float32)
    filled[:, :columns] = matrix
    parts = filled.reshape(rows, count, BLOCK)
    largest = np.abs(parts).max(axis=-1, keepdims=True)
    scales = np.where(largest > 0, largest / np.float32(ZERO - 1), np.float32(1))
    values = np.clip(np.rint(parts / scales), 1 - ZERO, ZERO - 1) + ZERO
    return values.astype(np.uint8), scales[:, :, 0].astype(np.float32)


def _product(graph: ir.Graph, node: ir.Node) -> None:
    """x @ W (+ b) by 8-bit numbers, where W is a constant matrix."""
    matrix = _outputs_by_inputs(node)
    if matrix is None or matrix.nbytes < INLINE:
        return
    weight = node.inputs[1]
    assert weight is not None
    outputs, inputs = matrix.shape
    values, scales = blocks(matrix)
    name = f"{(_constant(weight) or weight).name}.{digest(values)[:6]}"
    given = [
        node.inputs[0],
        _initializer(graph, f"{name}.uint8", values),
        _initializer(graph, f"{name}.scales", scales),
    ]
    attributes = {
        "K": inputs,
        "N": outputs,
        "bits": BITS,
        "block_size": BLOCK,
        "accuracy_level": INT8_ACTIVATIONS,
    }
    new = [ir.node("MatMulNBits", given, attributes, domain=DOMAIN)]
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        new.append(ir.node("Add", [new[0].outputs[0], node.inputs[2]]))
    _take_the_place(graph, node, new)


def _outputs_by_inputs(node: ir.Node) -> np.ndarray | None:
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


def _look_up(graph: ir.Graph, node: ir.Node, tokens: dict[str, Stored]) -> None:
    """Rows of a matrix of token vectors, made float32 after they were picked."""
    table, ids = node.inputs[0], node.inputs[1]
    if table is None or ids is None or table.const_value is None or not table.is_initializer():
        return
    kept = tokens.get(digest(table.const_value.numpy()))
    if kept is None or kept.scales is None or kept.transposed:
        return
    values = _initializer(graph, f"{table.name}.rows", kept.values)
    scales = _initializer(graph, f"{table.name}.rows.scales", kept.scales)
    picked = ir.node("Gather", [values, ids])
    cast = ir.node("Cast", [picked.outputs[0]], {"to": ir.DataType.FLOAT})
    factors = ir.node("Gather", [scales, ids])
    product = ir.node("Mul", [cast.outputs[0], factors.outputs[0]])
    _take_the_place(graph, node, [picked, cast, factors, product])


def _take_the_place(graph: ir.Graph, node: ir.Node, new: list[ir.Node]) -> None:
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


def _initializer(graph: ir.Graph, name: str, array: np.ndarray) -> ir.Value:
    """The constant of that name, made at first use."""
    if name in graph.initializers:
        return graph.initializers[name]
    tensor = ir.tensor(array, name=name)
    value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype))
    value.const_value = tensor
    graph.register_initializer(value)
    return value
