"""A decoder's graph with keys and values in their place: what makes writing quick on the CPU.

    found = edited(whole, layers=6, heads=8, key_heads=8)  # None where attention is of another form

`model.onnx` joins the past and the new keys and values in every layer of every step, and computes
scores and weights that writing does not need. Here each layer's self-attention becomes one
`com.microsoft.GroupQueryAttention`, whose past and present are one buffer that it writes into. The
rest of the graph stays as it is, weights and cross-attention included, so that nothing is exported
twice and every bundle that exists can be written with. What the attention computes is read off the
graph: a layer with a bias of its own, a window, a soft cap or a sink makes none of it. Whether the
result is right is proved by running both (`engine.decoding.rows.in_place`).

Knows nothing of bundles and sessions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.models import wire
from engine.models.slicing import INITIALIZER, INPUT, Node, Whole

FLAT, HEADS = "in_place.flat", "in_place.heads"  # shapes
LENGTHS, TOTAL = "lengths", "total"  # inputs: of each row, its tokens before the newest; the most
WIDTHS = 8  # a head's width is a multiple of it, or ONNX Runtime's operation refuses it
SPLIT = (0, 2, 1, 3)  # [batch, head, token, dim] <-> [batch, token, head, dim]
MOVED = frozenset(
    ("Identity", "Transpose", "Reshape", "Expand", "Unsqueeze", "Squeeze", "Tile", "Gather", "Cast")
)
"""Operations that only put numbers elsewhere: between keys and scores they repeat grouped keys."""
MASKING = MOVED | frozenset(
    ("Where", "And", "LessOrEqual", "Concat", "Range", "Shape", "Add", "Slice", "Constant")
)
"""What a mask is made of that hides later tokens and what was filled up, and nothing else."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A graph in place: its bytes, its inputs, and those that stand for a past's shape.

    `shapes` maps such an input to the part [start, end) of [batch, key_head, past, dim] that is its
    value: the buffer's own shape says its capacity, not how much of it is used.
    """

    data: bytes
    inputs: frozenset[str]
    shapes: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Attention:
    """One layer's: names of its query, newest key and value, of its output; factor of scores."""

    query: str
    key: str
    value: str
    output: str
    scale: float


def edited(whole: Whole, *, layers: int, heads: int, key_heads: int) -> Edited | None:
    """The graph that writes in place; None where a layer's attention is of another form."""
    producers = {name: node for node in whole.nodes for name in node.outputs}
    width = wire.axes(wire.payload(whole.inputs["past.0.key"]))[-1] if layers else None
    if width is None or width % WIDTHS:
        return None
    found = [_attention(whole, producers, layer) for layer in range(layers)]
    if None in found:
        return None
    fresh = {one.output: (k, one) for k, one in enumerate(found) if one is not None}
    joins = {f"present.{k}.{name}" for k in range(layers) for name in ("key", "value")}
    shapes: dict[str, tuple[int, int]] = {}
    nodes: list[Node] = []
    for node in whole.nodes:
        outputs = set(node.outputs)
        if node.operation == "Shape" and node.inputs[0].startswith("past."):
            ends = wire.integers(node.data)
            shapes[node.outputs[0]] = (ends.get("start", 0), ends.get("end", 4))
        elif made := outputs & fresh.keys():
            layer, attention = fresh[made.pop()]
            nodes += _in_place(layer, attention, heads, key_heads)
        elif not outputs & joins:
            nodes.append(node)
    return _assembled(whole, nodes, shapes, heads, layers)


# -- reading the attention off the graph -------------------------------------------------------


def _attention(whole: Whole, producers: Mapping[str, Node], layer: int) -> _Attention | None:
    key = _newest(producers, layer, "key")
    value = _newest(producers, layer, "value")
    query = _inner(producers, f"layer.{layer}.query")
    output = _inner(producers, f"layer.{layer}.output")
    scores = producers.get(_inner(producers, f"layer.{layer}.scores"))
    if key is None or value is None or scores is None or f"layer.{layer}.sink" in producers:
        return None
    if query not in producers or output not in producers or scores.operation != "Add":
        return None
    for product, mask in (scores.inputs, scores.inputs[::-1]):
        scale = _scaled(whole, producers, product, query, f"present.{layer}.key")
        if scale is not None and _hides_later_tokens_alone(whole, producers, mask):
            return _Attention(query, key, value, output, scale)
    return None


def _inner(producers: Mapping[str, Node], name: str) -> str:
    """The quantity before the slice that gives it out (`engine.export.graphs.keeping`)."""
    return f"{name}.whole" if f"{name}.whole" in producers else name


def _newest(producers: Mapping[str, Node], layer: int, name: str) -> str | None:
    """What is put behind a past."""
    join = producers.get(f"present.{layer}.{name}")
    if join is None or join.operation != "Concat" or len(join.inputs) != 2:
        return None
    return join.inputs[1] if join.inputs[0] == f"past.{layer}.{name}" else None


def _scaled(
    whole: Whole, producers: Mapping[str, Node], name: str, query: str, keys: str
) -> float | None:
    """The factor of `query` times `keys`, if that is what a value is."""
    scale, node = 1.0, producers.get(name)
    if node is not None and node.operation == "Mul":
        numbers = [_number(whole, one) for one in node.inputs]
        scale = next((one for one in numbers if one is not None), 0.0)
        node = producers.get(node.inputs[0 if numbers[0] is None else 1])
    if node is None or node.operation != "MatMul" or not scale or node.inputs[0] != query:
        return None
    end = node.inputs[1]
    while end != keys:
        node = producers.get(end)
        if node is None or node.operation not in MOVED:
            return None
        end = node.inputs[0]
    return scale


def _hides_later_tokens_alone(whole: Whole, producers: Mapping[str, Node], mask: str) -> bool:
    """Whether a mask comes from the order of tokens, compared once, and from `attention_mask`."""
    needed, seen, compared = [mask], set(), 0
    while needed:
        name = needed.pop()
        node = producers.get(name)
        if name in seen or not name:
            continue
        seen.add(name)
        if node is None:
            known = name in whole.initializers or name.startswith("past.")
            if not known and name not in ("input_ids", "attention_mask"):
                return False
        elif node.operation not in MASKING:
            return False
        else:
            compared += node.operation == "LessOrEqual"
            needed += node.inputs if node.operation != "Shape" else ()
    return compared == 1


def _number(whole: Whole, name: str) -> float | None:
    """The value of a single float32 that lies in the graph itself."""
    found = whole.initializers.get(name)
    return None if found is None else wire.single(wire.payload(found))


# -- writing the new nodes ----------------------------------------------------------------------


def _in_place(layer: int, found: _Attention, heads: int, key_heads: int) -> list[Node]:
    """The nodes that take the place of one layer's attention."""
    here = f"in_place.{layer}"
    nodes: list[Node] = []
    for name, given in (("query", found.query), ("key", found.key), ("value", found.value)):
        nodes += [
            _node("Transpose", [given], [f"{here}.{name}.split"], perm=SPLIT),
            _node("Reshape", [f"{here}.{name}.split", FLAT], [f"{here}.{name}"]),
        ]
    attention = _node(
        "GroupQueryAttention",
        [
            *(f"{here}.{name}" for name in ("query", "key", "value")),
            *(f"past.{layer}.{name}" for name in ("key", "value")),
            LENGTHS,
            TOTAL,
        ],
        [f"{here}.flat", *(f"present.{layer}.{name}" for name in ("key", "value"))],
        domain="com.microsoft",
        num_heads=heads,
        kv_num_heads=key_heads,
        scale=found.scale,
    )
    return [
        *nodes,
        attention,
        _node("Reshape", [f"{here}.flat", HEADS], [f"{here}.heads"]),
        _node("Transpose", [f"{here}.heads"], [found.output], perm=SPLIT),
    ]


def _node(operation: str, inputs: list[str], outputs: list[str], **more: Any) -> Node:
    data = wire.node(operation, inputs, outputs, **more)
    return Node(data, operation, tuple(inputs), tuple(outputs))


def _assembled(
    whole: Whole, nodes: list[Node], shapes: dict[str, tuple[int, int]], heads: int, layers: int
) -> Edited:
    """A model of some nodes that gives logits and buffers."""
    buffers = [f"present.{k}.{name}" for k in range(layers) for name in ("key", "value")]
    numbers = {FLAT: (0, 0, -1), HEADS: (0, 0, heads, -1)}
    given = {name: wire.value(name, wire.INT64, axes=1) for name in shapes}
    given |= {name: wire.value(name, wire.INT32, axes=1) for name in (LENGTHS, TOTAL)}
    fresh = Whole(
        whole.model + wire.opset("com.microsoft", 1),
        whole.graph,
        tuple(nodes),
        whole.initializers
        | {name: wire.tagged(INITIALIZER, wire.tensor(name, n)) for name, n in numbers.items()},
        whole.inputs | {name: wire.tagged(INPUT, data) for name, data in given.items()},
        whole.outputs | {name: wire.value(name, wire.FLOAT32) for name in buffers},
    )
    data, inputs = fresh.cut([], ["logits", *buffers])
    return Edited(data, inputs, {name: ends for name, ends in shapes.items() if name in inputs})
