"""A graph that computes with 8-bit numbers: every product with a constant matrix becomes one.

In: a float32 graph. Out: the same graph, its `MatMul` and `Gemm` by weights turned into ONNX
Runtime's `MatMulNBits`, which keeps the weights in blocks of 32 with a scale each and rounds what
meets them to 8 bits too, block by block. One row of a batch never changes another, as it would
under `DynamicQuantizeLinear`, whose scale is that of the whole batch: columns of one prompt would
move when a column is added. Token vectors are kept as int8 with a scale a row, and only the rows
that are looked up become float32. Scores, norms and sums stay float32. Meant for the CPU.

Other forms of blocks (`int4`) go the same way: `quantize` asks for the form of each matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from engine.export.weights.products import (
    drop_unused,
    initializer,
    outputs_by_inputs,
    take_the_place,
    weight_of,
)
from engine.export.weights.storage import INLINE, Stored, digest

BITS = 8
BLOCK = 32  # columns that share a scale
ZERO = 2 ** (BITS - 1)  # what stands for 0 in an unsigned byte
INT8_ACTIVATIONS = 4  # `accuracy_level`: what is multiplied is rounded to 8 bits as well
DOMAIN = "com.microsoft"


@dataclass(frozen=True, slots=True)
class Blocks:
    """A matrix in blocks of columns, as `MatMulNBits` takes them.

    `values` are bytes [row, block, byte], `scales` float32 [row, block]; `zeros` are bytes with
    what stands for 0 in each block, None where that is the middle of all numbers. `shifts`
    [row, block] are added to every number of a block, where they are.
    """

    bits: int
    size: int
    values: np.ndarray
    scales: np.ndarray
    zeros: np.ndarray | None = None
    shifts: np.ndarray | None = None


Form = Callable[[np.ndarray], Blocks]


def eight(matrix: np.ndarray) -> Blocks:
    """A matrix [row, column] in the blocks of this module."""
    return Blocks(BITS, BLOCK, *blocks(matrix))


def quantize(program: ir.Model, tokens: dict[str, Stored], form: Form = eight) -> None:
    """Replace products with weights, and look-ups in the matrices whose digests are `tokens`.

    `form` puts the matrix [output, input] of a product into blocks.
    """
    graph = program.graph
    for node in list(graph):
        if node.op_type in ("MatMul", "Gemm"):
            _product(graph, node, form)
        elif node.op_type == "Gather":
            _look_up(graph, node, tokens)
    program.opset_imports.setdefault(DOMAIN, 1)
    drop_unused(graph)


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


def _product(graph: ir.Graph, node: ir.Node, form: Form) -> None:
    """x @ W (+ b) by numbers of few bits, where W is a constant matrix."""
    matrix = outputs_by_inputs(node)
    if matrix is None or matrix.nbytes < INLINE:
        return
    outputs, inputs = matrix.shape
    found = form(matrix)
    name = f"{weight_of(node).name}.{digest(found.values)[:6]}"
    kind = f"uint{found.bits}"
    given = [
        node.inputs[0],
        initializer(graph, f"{name}.{kind}", found.values),
        initializer(graph, f"{name}.scales", found.scales),
    ]
    if found.zeros is not None:
        given.append(initializer(graph, f"{name}.zeros", found.zeros))
    attributes = {
        "K": inputs,
        "N": outputs,
        "bits": found.bits,
        "block_size": found.size,
        "accuracy_level": INT8_ACTIVATIONS,
    }
    new = [ir.node("MatMulNBits", given, attributes, domain=DOMAIN)]
    if found.shifts is not None:
        new += _shifted(graph, node.inputs[0], new[0].outputs[0], found, name)
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        new.append(ir.node("Add", [new[-1].outputs[0], node.inputs[2]]))
    take_the_place(graph, node, new)


def _shifted(
    graph: ir.Graph, given: ir.Value | None, product: ir.Value, found: Blocks, name: str
) -> list[ir.Node]:
    """What the shifts of the blocks add to a product: each times the sum of what it meets."""
    assert found.shifts is not None
    by_block = initializer(graph, f"{name}.shifts", np.ascontiguousarray(found.shifts.T))
    shape = np.array([0, 0, -1, found.size], dtype=np.int64)
    if given is not None and given.shape is not None and len(given.shape) == 2:
        shape = shape[1:]
    cut = initializer(graph, f"blocks.{len(shape)}.{found.size}", shape)
    axis = initializer(graph, "blocks.last", np.array([-1], dtype=np.int64))
    parts = ir.node("Reshape", [given, cut])
    sums = ir.node("ReduceSum", [parts.outputs[0], axis], {"keepdims": 0})
    more = ir.node("MatMul", [sums.outputs[0], by_block])
    return [parts, sums, more, ir.node("Add", [product, more.outputs[0]])]


def _look_up(graph: ir.Graph, node: ir.Node, tokens: dict[str, Stored]) -> None:
    """Rows of a matrix of token vectors, made float32 after they were picked."""
    table, ids = node.inputs[0], node.inputs[1]
    if table is None or ids is None or table.const_value is None or not table.is_initializer():
        return
    kept = tokens.get(digest(table.const_value.numpy()))
    if kept is None or kept.scales is None or kept.transposed:
        return
    values = initializer(graph, f"{table.name}.rows", kept.values)
    scales = initializer(graph, f"{table.name}.rows.scales", kept.scales)
    picked = ir.node("Gather", [values, ids])
    cast = ir.node("Cast", [picked.outputs[0]], {"to": ir.DataType.FLOAT})
    factors = ir.node("Gather", [scales, ids])
    product = ir.node("Mul", [cast.outputs[0], factors.outputs[0]])
    take_the_place(graph, node, [picked, cast, factors, product])
