"""Where in a model's graph the parts of a block are that can be restored.

In: a graph taken apart (`slicing`) and a layer. Out: names of values: the residual stream, what the
heads of a block add up, what its feed-forward network gives. The first two are outputs of every
bundle; the third is found by the shape of the graph: a block ends in the sum of its residual stream
and its feed-forward network. Runs nothing.
"""

from __future__ import annotations

from functools import cached_property

from engine.models.slicing import Node, Whole
from engine.trace import quantities

# What changes neither whose numbers they are nor how many there are.
THROUGH = {"Cast", "Div", "Identity", "Mul", "Reshape"}
COUNTS = {"Shape", "Size"}  # nothing of a value but how long it is
HEADS, STREAM = quantities.find("output", "attention"), quantities.find("hidden", "stream")


def stream(whole: Whole, layer: int) -> str:
    """What enters a block, [batch, token, width]; that of the number of layers leaves the last."""
    return _read(whole, STREAM.output(layer), {"Identity"})


def heads(whole: Whole, layer: int) -> str:
    """What the heads of a block add up, [batch, head, token, dim], read by its output matrix.

    The output matrix maps every token by itself: restoring this at a token is restoring what the
    attention adds there.
    """
    return _read(whole, HEADS.output(layer), {"Identity", "Slice"})


def _read(whole: Whole, name: str, copies: set[str]) -> str:
    """The value that the graph goes on with; an output may be a copy, one that `keep` shortens."""
    for node in whole.nodes:
        if name in node.outputs and node.operation in copies:
            return node.inputs[0]
    return name


def feed_forward(whole: Whole, layer: int) -> str | None:
    """What the feed-forward network of a block gives, before it is added; None where none is seen.

    The last sum of two values that both follow from what enters the block adds the two: where they
    come one after the other, one operand follows from the other; where attention and feed-forward
    stand side by side, one follows from no attention.
    """
    block = _Block(whole, stream(whole, layer), stream(whole, layer + 1), heads(whole, layer))
    sums = [node for node in block.nodes if block.adds(node)]
    return block.added(sums[-1]) if sums else None


class _Block:
    """The nodes from what enters a block to what leaves it, and what follows from what."""

    def __init__(self, whole: Whole, entering: str, leaving: str, heads: str) -> None:
        self.entering, self.heads = entering, heads
        producers = {name: at for at, node in enumerate(whole.nodes) for name in node.outputs}
        needed, chosen = [leaving], set[int]()
        while needed:
            name = needed.pop()
            at = None if name == entering else producers.get(name)
            if at is not None and at not in chosen:
                chosen.add(at)
                needed += whole.nodes[at].inputs
        self.nodes = tuple(whole.nodes[at] for at in sorted(chosen))
        self.producers = {name: node for node in self.nodes for name in node.outputs}

    @cached_property
    def own(self) -> set[str]:
        """What follows from the residual stream that enters."""
        return self._following(self.entering)

    @cached_property
    def attended(self) -> set[str]:
        """What follows from the heads."""
        return self._following(self.heads)

    def adds(self, node: Node) -> bool:
        """Whether a node adds two values of the block: no bias, no constant."""
        return node.operation == "Add" and len(self._operands(node)) == 2

    def added(self, node: Node) -> str:
        """Of a sum with the residual stream what the feed-forward network gave."""
        one, two = self._operands(node)
        if self._follows(two, one):
            return self._within(two)
        if self._follows(one, two):
            return self._within(one)
        free = [name for name in (one, two) if name not in self.attended]
        return self._within(free[0]) if len(free) == 1 else node.outputs[0]

    def _within(self, name: str) -> str:
        """The feed-forward network's part of a value that may be a sum with the attention's."""
        node = self.producers.get(name)
        if node is None or not self.adds(node):
            return name
        apart = [part not in self.attended for part in self._operands(node)]
        one, two = self._operands(node)
        if sum(apart) == 1 or self._follows(one, two) or self._follows(two, one):
            return self.added(node)
        return name  # a sum of several networks of one block (experts)

    def _operands(self, node: Node) -> list[str]:
        return [name for name in node.inputs if name in self.own]

    def _follows(self, name: str, origin: str) -> bool:
        """Whether a value is computed from another one, whatever that was multiplied with."""
        origin = self._bare(origin)
        return name != origin and name in self._following(origin)

    def _bare(self, name: str) -> str:
        while (node := self.producers.get(name)) is not None and node.operation in THROUGH:
            operands = self._operands(node)
            if len(operands) != 1:
                break
            name = operands[0]
        return name

    def _following(self, origin: str) -> set[str]:
        found = {origin}
        for node in self.nodes:
            if node.operation not in COUNTS and not found.isdisjoint(node.inputs):
                found.update(node.outputs)
        return found
