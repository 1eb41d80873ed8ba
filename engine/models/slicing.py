"""One block of a model's graph, as a graph of its own: what makes long texts quick.

    whole = read(path.read_bytes())
    whole.part(["hidden.3"], ["hidden.4", "layer.3.weights"])  # bytes that ONNX Runtime opens

ONNX Runtime runs a whole graph whatever is asked of it. Cut at the residual stream, layer 4 of a
long text costs one layer, and layers can be shown as they come. Weights stay in their file. The
few fields that matter are read from the bytes themselves (`engine.models.wire`), as the app does
without the onnx package. Knows nothing of bundles and sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.models import wire
from engine.models.wire import fields, tagged

# Numbers of fields in onnx.proto.
GRAPH = 7  # of ModelProto
NODE, INITIALIZER, INPUT, OUTPUT, VALUE_INFO, SPARSE = 1, 5, 11, 12, 13, 15  # of GraphProto
NODE_INPUT, NODE_OUTPUT, OPERATION, ATTRIBUTE = 1, 2, 4, 5  # of NodeProto
INNER_GRAPH, INNER_GRAPHS = 6, 11  # of AttributeProto
TENSOR_NAME, VALUE_NAME = 8, 1
ELEMENTS = {"float32": wire.FLOAT32, "float16": wire.FLOAT16}
PRODUCTS = frozenset({"MatMul", "Gemm", "MatMulNBits", "FusedMatMul"})


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: its bytes, its name in ONNX, the names of what it needs and what comes out.

    `products` says that a product of matrices lies in an inner graph of it.
    """

    data: bytes
    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    products: bool = False


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

    def cut(
        self,
        given: Iterable[str],
        wanted: Iterable[str],
        types: Mapping[str, str] | None = None,
    ) -> tuple[bytes, frozenset[str]]:
        """The same, and the names of its inputs.

        Values inside the graph may be given and wanted as well as outputs: of one that is given,
        `types` has the numpy name.
        """
        types = types or {}
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
        entering = [name for name in self.outputs if name in given]
        entering += sorted(given & ends - self.outputs.keys())
        body += [tagged(INPUT, self._described(name, types)) for name in entering]
        body += [tagged(OUTPUT, self._described(name, {})) for name in wanted]
        inputs = frozenset(ends & (self.inputs.keys() | given))
        return self.model + tagged(GRAPH, b"".join(body)), inputs

    def _described(self, name: str, types: Mapping[str, str]) -> bytes:
        """A value's name and type; ONNX Runtime finds out the type of what comes out itself."""
        if name in self.outputs:
            return self.outputs[name]
        return wire.value(name, ELEMENTS[types[name]] if name in types else None)


def read(data: bytes) -> Whole | None:
    """Take a model's bytes apart; None where its graph has what cannot be cut (sparse weights)."""
    model, graph = [], b""
    for number, field, payload in fields(data):
        if number == GRAPH:
            graph = payload
        else:
            model.append(field)
    rest: list[bytes] = []
    nodes: list[Node] = []
    named: dict[int, dict[str, bytes]] = {INITIALIZER: {}, INPUT: {}, OUTPUT: {}}
    for number, field, payload in fields(graph):
        if number == SPARSE:
            return None
        if number == NODE:
            nodes.append(_node(field, payload))
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


def _texts(message: bytes, number: int) -> tuple[str, ...]:
    return tuple(payload.decode() for n, _, payload in fields(message) if n == number)


def _node(field: bytes, payload: bytes) -> Node:
    inner = [_texts(node, OPERATION) for node in _inner(payload)]
    return Node(
        field,
        "".join(_texts(payload, OPERATION)),
        _needs(payload),
        _texts(payload, NODE_OUTPUT),
        products=any(set(names) & PRODUCTS for names in inner),
    )


def _inner(node: bytes) -> Iterator[bytes]:
    """The nodes of the inner graphs of a node."""
    for number, _, attribute in fields(node):
        if number == ATTRIBUTE:
            for field, _, graph in fields(attribute):
                if field in (INNER_GRAPH, INNER_GRAPHS):
                    yield from (one for n, _, one in fields(graph) if n == NODE)


def _needs(node: bytes) -> tuple[str, ...]:
    """What goes into a node, and what its inner graphs take from around them.

    Names that are of an inner graph alone are among them; nothing outside is called so.
    """
    found = list(_texts(node, NODE_INPUT))
    found += [name for one in _inner(node) for name in _needs(one)]
    return tuple(found)
