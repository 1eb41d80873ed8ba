"""One block of a model's graph, as a graph of its own: what makes long texts quick.

    whole = read(path.read_bytes())
    whole.part(["hidden.3"], ["hidden.4", "layer.3.weights"])  # bytes that ONNX Runtime opens

ONNX Runtime runs a whole graph whatever is asked of it. Cut at the residual stream, layer 4 of a
long text costs one layer, and layers can be shown as they come. Weights stay in their file. The
few fields that matter are read from the bytes themselves (onnx.proto, protocol buffers' wire
format), as the app does without the onnx package. Knows nothing of bundles and sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Numbers of fields in onnx.proto.
GRAPH = 7  # of ModelProto
NODE, INITIALIZER, INPUT, OUTPUT, VALUE_INFO, SPARSE = 1, 5, 11, 12, 13, 15  # of GraphProto
NODE_INPUT, NODE_OUTPUT, ATTRIBUTE = 1, 2, 5  # of NodeProto
INNER_GRAPH, INNER_GRAPHS = 6, 11  # of AttributeProto
TENSOR_NAME, VALUE_NAME = 8, 1
VARINT, EIGHT, SIZED, FOUR = 0, 1, 2, 5  # wire types


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: its bytes, and the names of what goes in and comes out."""

    data: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """A model's graph in parts; every `bytes` is a field with its tag."""

    model: bytes
    graph: bytes
    nodes: tuple[Node, ...]
    initializers: dict[str, bytes]
    inputs: dict[str, bytes]
    outputs: dict[str, bytes]

    def part(self, given: Iterable[str], wanted: Iterable[str]) -> bytes:
        """A model that computes `wanted` from `given` outputs and whatever else it needs."""
        return self.cut(given, wanted)[0]

    def cut(self, given: Iterable[str], wanted: Iterable[str]) -> tuple[bytes, frozenset[str]]:
        """The same, and the names of its inputs."""
        given, wanted = set(given), list(wanted)
        producers = {name: i for i, node in enumerate(self.nodes) for name in node.outputs}
        needed, chosen, ends = list(wanted), set(), set()
        while needed:
            name = needed.pop()
            if not name or name in ends:
                continue
            ends.add(name)
            place = None if name in given else producers.get(name)
            if place is not None and place not in chosen:
                chosen.add(place)
                needed += self.nodes[place].inputs
        body = [self.graph, *(self.nodes[place].data for place in sorted(chosen))]
        body += [data for name, data in self.initializers.items() if name in ends]
        body += [data for name, data in self.inputs.items() if name in ends]
        body += [_tagged(INPUT, self.outputs[name]) for name in self.outputs if name in given]
        body += [_tagged(OUTPUT, self.outputs[name]) for name in wanted]
        inputs = frozenset(ends & (self.inputs.keys() | (given & self.outputs.keys())))
        return self.model + _tagged(GRAPH, b"".join(body)), inputs


def read(data: bytes) -> Whole | None:
    """Take a model's bytes apart; None where its graph has what cannot be cut (inner graphs)."""
    model, graph = [], b""
    for number, field, payload in _fields(data):
        if number == GRAPH:
            graph = payload
        else:
            model.append(field)
    rest: list[bytes] = []
    nodes: list[Node] = []
    named: dict[int, dict[str, bytes]] = {INITIALIZER: {}, INPUT: {}, OUTPUT: {}}
    for number, field, payload in _fields(graph):
        if number == SPARSE:
            return None
        if number == NODE:
            if _has_graphs(payload):
                return None
            inputs, outputs = _texts(payload, NODE_INPUT), _texts(payload, NODE_OUTPUT)
            nodes.append(Node(field, inputs, outputs))
        elif number in named:
            name = _texts(payload, TENSOR_NAME if number == INITIALIZER else VALUE_NAME)[0]
            # Outputs become inputs of the next part: kept without their tag.
            named[number][name] = payload if number == OUTPUT else field
        elif number != VALUE_INFO:
            rest.append(field)
    return Whole(
        b"".join(model),
        b"".join(rest),
        tuple(nodes),
        named[INITIALIZER],
        named[INPUT],
        named[OUTPUT],
    )


def _fields(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, whole bytes and payload of each field of a message."""
    at = 0
    while at < len(data):
        start = at
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            _, end = _varint(data, at)
        elif wire in (EIGHT, FOUR):
            end = at + (8 if wire == EIGHT else 4)
        elif wire == SIZED:
            size, at = _varint(data, at)
            end = at + size
        else:
            raise ValueError(f"wire type {wire} at byte {start} is not of this format")
        yield number, data[start:end], data[at:end]
        at = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, and the place after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _tagged(number: int, payload: bytes) -> bytes:
    return _packed(number << 3 | SIZED) + _packed(len(payload)) + payload


def _packed(value: int) -> bytes:
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def _texts(message: bytes, number: int) -> tuple[str, ...]:
    return tuple(payload.decode() for n, _, payload in _fields(message) if n == number)


def _has_graphs(node: bytes) -> bool:
    inner = (INNER_GRAPH, INNER_GRAPHS)
    attributes = [payload for number, _, payload in _fields(node) if number == ATTRIBUTE]
    return any(number in inner for one in attributes for number, _, _ in _fields(one))
