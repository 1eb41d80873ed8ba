"""A reading, taken apart: what the model computed on the way, fetched in parts.

In: a bundle and a `Reading`. Out: frozen values of `engine/values.py`, each from one run of the
graph. An encoder-decoder's decoder side needs its encoder's run too: what that gives is kept
(`sources`). Nothing else is kept between calls; keeping is the business of who calls.

A long text is read block by block (`passing`), each from what left the one before: 1,024 tokens x
12 layers x 12 heads of weights are 604 MB, one layer 50 MB, and all blocks in turn cost one run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float

from engine.errors import NotOffered
from engine.models.bundle import Card, Stack
from engine.models.runtime import Bundle
from engine.trace import outputs, quantities, sides
from engine.trace.outputs import PARTS, Outputs, plain, rows
from engine.trace.running import run, tokens
from engine.values import Attention, Embedded, Hidden, Kind, Layer, Logits, Reading, Side

AT_ONCE = 64 * 10**6  # bytes of attention fetched in one run: short texts come whole


def embedded(bundle: Bundle, reading: Reading, side: Side = "encoder") -> Embedded:
    """How the ids became vectors: token and position parts, and what entered layer 1."""
    cut = tokens(bundle, reading, side)
    graph = sides.graph(bundle.card, side)
    offered = bundle.session(graph).outputs
    wanted = [n for n in ("embedded.token", "embedded.position", "hidden.0") if n in offered]
    if "embedded.token" not in offered:
        raise NotOffered(
            f"{bundle.card.title} looks tokens up in narrower vectors and widens them: there is no "
            "sum of token and position to show. See the layers instead."
        )
    found = run(bundle, reading, side, cut, wanted)
    position = found.get("embedded.position")
    return Embedded(
        tokens=cut,
        token=rows(found["embedded.token"], len(cut)),
        position=None if position is None else rows(position, len(cut)),
        entering=rows(found["hidden.0"], len(cut)),
    )


def layer(bundle: Bundle, reading: Reading, side: Side, index: int) -> Layer:
    """One block of one side, all its heads."""
    return layers(bundle, reading, side, (index,))[0]


def layers(
    bundle: Bundle,
    reading: Reading,
    side: Side,
    indices: Iterable[int] | None = None,
    *,
    parts: tuple[str, ...] = PARTS,
) -> tuple[Layer, ...]:
    """Some blocks (all: None) in one run; `together` says whether all at once is wise.

    `parts` are the quantities fetched besides weights and hidden states; the others are None.
    """
    card = bundle.card
    count = sides.stack(card, side).layers
    chosen = tuple(range(count)) if indices is None else tuple(indices)
    for index in chosen:
        if not 0 <= index < count:
            raise ValueError(f"layer must be in [0, {count}), got {index}")
    cut = tokens(bundle, reading, side)
    wanted = _wanted(bundle, side, chosen, parts)
    found = run(bundle, reading, side, cut, wanted, keep=chosen)
    return tuple(_layer(card, side, index, found, len(cut)) for index in chosen)


def block(
    bundle: Bundle,
    reading: Reading,
    side: Side,
    index: int,
    entering: Float[np.ndarray, "token width"] | None,
) -> Layer:
    """One block alone, for the price of one layer, from what enters it (None: the first block)."""
    below = [] if entering is None else [f"hidden.{index}"]
    wanted = _wanted(bundle, side, (index,))
    if entering is None and index:
        raise ValueError(f"block {index} needs what enters it")
    with bundle.used():
        part = bundle.part(sides.graph(bundle.card, side), below, wanted)
        if part is None:
            return layer(bundle, reading, side, index)
        cut = tokens(bundle, reading, side)
        given = dict.fromkeys(below, entering)
        found = run(bundle, reading, side, cut, wanted, keep=(index,), part=part, given=given)
        return _layer(bundle.card, side, index, found, len(cut))


def passing(
    bundle: Bundle,
    reading: Reading,
    side: Side,
    start: int = 0,
    entering: Float[np.ndarray, "token width"] | None = None,
) -> Iterator[Layer]:
    """Every block of a side from `start` on, each from what left the one below."""
    with bundle.used():
        for index in range(start, sides.stack(bundle.card, side).layers):
            found = block(bundle, reading, side, index, entering)
            entering = found.hidden
            yield found


def together(card: Card, n_tokens: int, side: Side = "encoder") -> bool:
    """Whether all layers' attention of so many tokens is small enough for one run."""
    stack = sides.stack(card, side)
    return stack.layers * _cells(stack, n_tokens) <= AT_ONCE


def hidden(bundle: Bundle, reading: Reading, side: Side = "encoder") -> Hidden:
    """The residual stream: what enters layer 1 and what leaves every block."""
    cut = tokens(bundle, reading, side)
    names = [f"hidden.{k}" for k in range(sides.stack(bundle.card, side).layers + 1)]
    found = run(bundle, reading, side, cut, names)
    return Hidden(tokens=cut, states=np.stack([rows(found[name], len(cut)) for name in names]))


def logits(bundle: Bundle, reading: Reading, positions: tuple[int, ...]) -> Logits:
    """What the model predicts at some positions (of the target, where there are two sides)."""
    card = bundle.card
    side: Side = "decoder" if card.decoder else "encoder"
    _check_predicts(card)
    cut = tokens(bundle, reading, side)
    for position in positions:
        if not 0 <= position < len(cut):
            raise ValueError(f"position must be in [0, {len(cut)}), got {position}")
    found = run(bundle, reading, side, cut, ["logits"], first=positions)
    return Logits(positions=np.array(positions, dtype=np.int64), logits=plain(found["logits"][0]))


def weights(
    bundle: Bundle, reading: Reading, kind: Kind
) -> Iterator[Float[np.ndarray, "head query key"]]:
    """The weights of every layer from one run; nothing else of them is held."""
    card = bundle.card
    side: Side = "encoder" if kind == "encoder" else "decoder"
    if kind == "cross" and not sides.crosses(card, side):
        raise NotOffered(f"{card.title} has one tower, so no attention from one to the other.")
    prefix = "cross" if kind == "cross" else "layer"
    names = [f"{prefix}.{k}.weights" for k in range(sides.stack(card, side).layers)]
    if not gives_attention(bundle, kind):
        raise NotOffered(f"The attention weights of {card.title} were not exported.")
    cut = tokens(bundle, reading, side)
    found = run(bundle, reading, side, cut, names, keep=range(len(names)))
    return (plain(found.pop(name)[0]) for name in names)


def gives_attention(bundle: Bundle, kind: Kind) -> bool:
    """Whether a model's attention weights of a kind were exported."""
    side: Side = "encoder" if kind == "encoder" else "decoder"
    prefix = "cross" if kind == "cross" else "layer"
    return f"{prefix}.0.weights" in bundle.session(sides.graph(bundle.card, side)).outputs


def of_kind(layer: Layer, kind: Kind) -> Attention:
    """The attention of a kind in a block."""
    found = layer.cross if kind == "cross" else layer.attention
    if found is None:
        raise NotOffered("This model has one tower, so no attention from one to the other.")
    return found


def lens(
    bundle: Bundle, states: Float[np.ndarray, "row width"]
) -> Float[np.ndarray, "row vocabulary"]:
    """What the model would predict from rows of hidden states: final norm and output matrix."""
    _check_predicts(bundle.card)
    session = bundle.session("lens")
    name = next(iter(session.inputs))
    rows = np.ascontiguousarray(states, dtype=session.dtype(name))
    return plain(bundle.run("lens", {name: rows}, ["logits"])["logits"])


def _wanted(
    bundle: Bundle, side: Side, indices: Iterable[int], parts: tuple[str, ...] = PARTS
) -> list[str]:
    """What is given of these blocks: what leaves them, their attention's weights and `parts`."""
    offered = bundle.session(sides.graph(bundle.card, side)).outputs
    kinds = ("layer", "cross") if sides.crosses(bundle.card, side) else ("layer",)
    names = [f"hidden.{index + 1}" for index in indices]
    names += [
        f"{kind}.{i}.{part}" for kind in kinds for i in indices for part in ("weights", *parts)
    ]
    names += [quantity.output(i) for quantity in quantities.at("part") for i in indices]
    return [name for name in names if name in offered]


def _layer(card: Card, side: Side, index: int, found: Outputs, n_tokens: int) -> Layer:
    crosses = sides.crosses(card, side)
    return outputs.block(index, sides.stack(card, side), found, n_tokens, crosses=crosses)


def _cells(stack: Stack, n_tokens: int) -> int:
    """Bytes of one layer's weights and scores."""
    return 2 * 4 * stack.heads * n_tokens**2


def _check_predicts(card: Card) -> None:
    if not card.predicts:
        raise NotOffered(f"{card.title} makes vectors; it has no output matrix to predict tokens.")
