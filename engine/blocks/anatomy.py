"""Where in a finished graph a block keeps its parts: hidden units, and what is added to the stream.

    anatomy(whole, 3).units  # "gelu_3", the value that the second matrix of layer 4 multiplies

In: a graph in parts (`engine.models.slicing`) and a layer. Out: the names of values inside it. The
exporter names what enters and leaves a block; what lies between is found by its shape, so that
every bundle has it, those of earlier exporters too. The *hidden units* are what enters a product
with weights and comes, through a nonlinearity and past no attention and no norm, from other
products with weights: after the activation function, of gated networks the product of gate and
value. *Added* to the stream is what its sums join. Whether the names are right the tests of every
family say, against hooks of PyTorch. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from engine.models.slicing import PRODUCTS, Node, Whole

Sublayer = Literal["attention", "cross-attention", "feed-forward"]

# What changes the form of an array and none of its numbers.
SAME = frozenset(
    {"Reshape", "Identity", "Cast", "Dropout", "Squeeze", "Unsqueeze", "Flatten", "Transpose"}
)
PARTS = SAME | {"Split", "Slice", "Concat", "Gather"}
NORMS = frozenset({"LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"})
COUNTS = frozenset({"Shape", "Size"})  # their results hang on no number of the stream


@dataclass(frozen=True, slots=True)
class Added:
    """What a sub-layer adds to the stream: the sum of some values.

    `into` is the value that it is added to, where a norm has made that; None: the stream as it
    has become by the block's additions before.
    """

    sublayer: Sublayer
    values: tuple[str, ...]
    into: str | None = None


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The values of one block, by name; None and () where it does not have them or hides them.

    `units` are the hidden units, `entering` is what enters their first product, `given` what enters
    the second and `product` what leaves that. `parallel`: the feed-forward network reads what the
    attention reads. `normed_after`: the sums are normalized, not what the sub-layers read.
    """

    start: str
    units: str | None = None
    entering: str | None = None
    given: str | None = None
    product: str | None = None
    added: tuple[Added, ...] = ()
    parallel: bool = False
    normed_after: bool = False


def anatomy(whole: Whole, layer: int) -> Anatomy:
    """Look for the parts of a block; a mixture of experts has no one set of units."""
    block = Block(whole, layer)
    if f"experts.{layer}" in whole.outputs:
        return Anatomy(block.start)
    found = [one for node in block.nodes if (one := block.second_product(node))]
    if len(found) != 1:
        return Anatomy(block.start)
    units, entering, given, product = found[0]
    added, normed_after = block.additions(units)
    names = {one.sublayer for one in added}
    if not {"attention", "feed-forward"} <= names:
        return Anatomy(block.start, units, entering, given, product)
    attention = next(one for one in added if one.sublayer == "attention")
    before = block.above([units])
    parallel = not any(value in before for value in attention.values)
    return Anatomy(block.start, units, entering, given, product, added, parallel, normed_after)


class Block:
    """One block of a graph: the nodes between what enters and what leaves it."""

    def __init__(self, whole: Whole, layer: int) -> None:
        """Gather the nodes that lead from `hidden.layer` to `hidden.layer + 1`."""
        self.makers = {name: node for node in whole.nodes for name in node.outputs}
        self.given = frozenset(whole.inputs)
        self.start, self.end = self.behind(f"hidden.{layer}"), f"hidden.{layer + 1}"
        inside = self.above([self.end], stop=frozenset([self.start]))
        self.nodes = [node for node in whole.nodes if inside & set(node.outputs)]
        self.moving = {self.start}  # what hangs on the stream
        for node in self.nodes:
            if node.operation not in COUNTS and any(name in self.moving for name in node.inputs):
                self.moving |= set(node.outputs)

    def behind(self, name: str) -> str:
        """The value itself where a name is a copy of it made for the graph's caller."""
        node = self.makers.get(name)
        return self.behind(node.inputs[0]) if node and node.operation == "Identity" else name

    def above(self, names: Iterable[str], stop: frozenset[str] = frozenset()) -> set[str]:
        """Everything that values hang on, themselves included."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name and name not in found:
                found.add(name)
                node = self.makers.get(name)
                if node and name not in stop:
                    waiting += node.inputs
        return found

    def factor(self, node: Node) -> str | None:
        """What a product with constant weights multiplies; None for everything else."""
        if node.operation not in PRODUCTS and not node.products:
            return None
        moving = [name for name in dict.fromkeys(node.inputs) if name in self.moving]
        if len(moving) != 1:
            return None
        others = [name for name in node.inputs if name not in self.moving]
        # An `If` around a product hangs on its condition, which hangs on the graph's inputs.
        constant = node.products or not self.above(others) & self.given
        return moving[0] if constant else None

    def plain(self, name: str) -> str:
        """The value before its form was changed."""
        node = self.makers.get(name)
        if name == self.start or node is None or node.operation not in SAME:
            return name
        return self.plain(node.inputs[0])

    def second_product(self, node: Node) -> tuple[str, str, str, str] | None:
        """Units, what enters their first product, and both ends of the second, if this is it."""
        given = self.factor(node)
        if given is None:
            return None
        units = self.plain(given)
        entering: str | None = None
        bent = False
        waiting, seen = [units], set()
        while waiting:
            name = waiting.pop()
            if name in seen or name not in self.moving:
                continue
            seen.add(name)
            maker = self.makers.get(name)
            if name == self.start or maker is None or maker.operation in NORMS:
                return None
            if maker.operation.startswith("Reduce") or maker.operation == "Softmax":
                return None  # a norm, an attention
            first = self.factor(maker)
            if first is not None:
                entering = self.plain(first)
                continue
            if maker.operation in PRODUCTS:
                return None  # of two things that hang on the stream: an attention
            bent |= maker.operation not in PARTS and not self._shifts(maker)
            waiting += maker.inputs
        return (units, entering, given, node.outputs[0]) if entering and bent else None

    def _shifts(self, node: Node) -> bool:
        """Whether a node adds or multiplies a constant."""
        moving = [name for name in node.inputs if name in self.moving]
        return node.operation in ("Add", "Mul", "Sub", "Div") and len(moving) == 1

    def additions(self, units: str) -> tuple[tuple[Added, ...], bool]:
        """What is added to the stream, in order, and whether the sums are normalized."""
        parts: list[tuple[Sublayer, str, str | None]] = []
        end, normed, reached = self.behind(self.end), False, False
        while True:
            top = self.plain(end)
            maker = self.makers.get(top)
            if maker is not None and maker.operation in NORMS and top != self.start:
                normed, top = True, maker.inputs[0]
            terms = list(self.terms(top))
            # The sum that is normalized once more is the stream, too.
            deeper = [name for name in terms if self._is_sum(name, units)]
            into = deeper[0] if deeper else None
            for name in terms:
                if name == self.start:
                    reached = True
                elif name != into:
                    parts.append((self.sublayer(name, units), name, into))
            if into is None:
                break
            end = into
        order: tuple[Sublayer, ...] = ("attention", "cross-attention", "feed-forward")
        added = []
        for kind in order:
            mine = [(name, into) for which, name, into in parts if which == kind]
            if mine:
                added.append(Added(kind, tuple(name for name, _ in mine), mine[0][1]))
        return (tuple(added), normed) if reached else ((), normed)

    def terms(self, name: str) -> Iterator[str]:
        """What a value is the sum of, as far as both sides of it hang on the stream."""
        top = self.plain(name)
        node = self.makers.get(top)
        if top != self.start and node is not None and node.operation == "Add":
            if all(one in self.moving for one in node.inputs):
                for one in node.inputs:
                    yield from self.terms(one)
                return
        yield top

    def _is_sum(self, name: str, units: str) -> bool:
        """Whether a term is a norm of a sum with the stream in it."""
        node = self.makers.get(name)
        if name == self.start or node is None or node.operation not in NORMS:
            return False
        return len(list(self.terms(node.inputs[0]))) > 1

    def sublayer(self, name: str, units: str) -> Sublayer:
        """Which part of the block a value comes from."""
        above = self.above([name], stop=frozenset([self.start]))
        if units in above:
            return "feed-forward"
        sources = any(one.startswith("source.") for one in above & self.given)
        return "cross-attention" if sources else "attention"
