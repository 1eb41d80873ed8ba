"""Products with weights that stay float16, in the file and in memory, and compute in float32.

A `Cast` of a constant is worked out once, at opening, and what it gives is held: half the disk, no
memory spared. So these graphs are opened with an option that forbids that (`open_session`), and
each product is the branch of an `If` whose condition is true at every run: its matrix becomes
float32 when the product is due, not as soon as it can, and is gone after it. ONNX Runtime maps the
file, so the weights are pages that the system may drop, and no copy is made at opening. Matrices of
many rows (the output matrix) are taken in parts, so that no large float32 one is ever there. What
is looked up (token vectors) becomes float32 row by row. Numbers are those of the rounded weights in
float32, cell by cell.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from engine.export.weights.products import (
    drop_unused,
    initializer,
    outputs_by_inputs,
    take_the_place,
    weight_of,
)
from engine.export.weights.storage import INLINE, Weights, digest

DOMAIN = "com.microsoft"
PART = 2**22  # numbers of a matrix that are float32 at once: 16 MB
ROWS = 32  # parts are of a multiple of these, so that each begins where vectors may


def halve(program: ir.Model, weights: Weights) -> None:
    """Replace products with weights, and look-ups in them; `weights` is where the halves go."""
    graph = program.graph
    runs: list[ir.Value] = []  # the condition, made at first use

    def condition() -> ir.Value:
        if not runs:
            runs.append(_always(graph))
        return runs[0]

    for node in list(graph):
        if node.op_type in ("MatMul", "Gemm"):
            matrix = outputs_by_inputs(node)
            half = None if matrix is None else _exactly(matrix)
            if half is not None:
                _product(graph, node, half, condition(), weights)
        elif node.op_type == "Gather":
            _look_up(graph, node)
    program.opset_imports.setdefault(DOMAIN, 1)
    drop_unused(graph)


def _exactly(matrix: np.ndarray) -> np.ndarray | None:
    """The matrix as float16; None where it is small, or another then: no weight of the model's."""
    if matrix.nbytes < INLINE:
        return None
    with np.errstate(over="ignore"):
        half = np.ascontiguousarray(matrix, dtype=np.float16)
    return half if np.array_equal(half, matrix) else None


def _always(graph: ir.Graph) -> ir.Value:
    """A condition that is true, which only a run can tell."""
    given = graph.inputs[0]
    size = ir.node("Size", [given])
    below = initializer(graph, "halves.below", np.array(-1, dtype=np.int64))
    true = ir.node("Greater", [size.outputs[0], below])
    graph.insert_before(graph[0], [size, true])
    return true.outputs[0]


def _product(
    graph: ir.Graph, node: ir.Node, half: np.ndarray, condition: ir.Value, weights: Weights
) -> None:
    """x @ W (+ b), W [output, input] cast part by part within the branch of an `If`."""
    rows, columns = half.shape
    each = max(1, PART // columns // ROWS) * ROWS
    cuts = [slice(start, min(rows, start + each)) for start in range(0, rows, each)]
    weights.hold(half, cuts)
    name = f"{weight_of(node).name}.{digest(half)[:6]}"
    given = node.inputs[0]
    assert given is not None
    new: list[ir.Node] = []
    for place, cut in enumerate(cuts):
        kept = initializer(graph, f"{name}.half.{place}", half[cut])
        new.append(_branch(given, kept, condition))
    if len(cuts) > 1:
        new.append(ir.node("Concat", [one.outputs[0] for one in new], {"axis": -1}))
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        new.append(ir.node("Add", [new[-1].outputs[0], node.inputs[2]]))
    take_the_place(graph, node, new)


def _branch(given: ir.Value, kept: ir.Value, condition: ir.Value) -> ir.Node:
    """`given` times the transpose of a half matrix; the other branch never runs."""
    # Named here: names that are left to be given inside a branch may be those of the graph around.
    name = f"{kept.name}.{given.name}"
    cast = ir.node("Cast", [kept], {"to": ir.DataType.FLOAT}, outputs=[_float(f"{name}.cast")])
    product = ir.node(
        "FusedMatMul",
        [given, cast.outputs[0]],
        {"transB": 1},
        domain=DOMAIN,
        outputs=[_float(f"{name}.product")],
    )
    same = ir.node("Identity", [given], outputs=[_float(f"{name}.same")])
    branches = {
        "then_branch": ir.Graph([], product.outputs, nodes=[cast, product], name=f"{name}.then"),
        "else_branch": ir.Graph([], same.outputs, nodes=[same], name=f"{name}.else"),
    }
    return ir.node("If", [condition], branches)


def _float(name: str) -> ir.Value:
    return ir.Value(name=name, type=ir.TensorType(ir.DataType.FLOAT))


def _look_up(graph: ir.Graph, node: ir.Node) -> None:
    """Rows of a matrix, made float32 after they were picked."""
    table, ids = node.inputs[0], node.inputs[1]
    if table is None or ids is None or table.const_value is None or not table.is_initializer():
        return
    axis = node.attributes.get("axis")
    if len(table.const_value.shape) != 2 or table.const_value.dtype != ir.DataType.FLOAT:
        return
    half = _exactly(table.const_value.numpy())
    if half is None or (axis is not None and axis.as_int() != 0):
        return
    kept = initializer(graph, f"{table.name}.rows", half)
    picked = ir.node("Gather", [kept, ids])
    cast = ir.node("Cast", [picked.outputs[0]], {"to": ir.DataType.FLOAT})
    take_the_place(graph, node, [picked, cast])
