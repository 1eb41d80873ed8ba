"""Live answers about what models cost: memory, compute, loss. Arithmetic on well-known shapes."""

from __future__ import annotations

from typing import Annotated, Literal

from engine.costs import memory, scaling
from engine.costs.known_shapes import KNOWN
from engine.costs.memory import Use
from engine.costs.scaling import LAWS
from engine.landscape import amounts
from engine.learn.asking import Answer, Asked, NoQuestion, Number, OneOf, live

BITS = Literal["fp32", "bf16", "int8", "int4"]


Known = Annotated[str, OneOf(lambda: tuple(KNOWN))]
"""A well-known shape by its name: `Llama 2 7B`."""
Law = Annotated[str, OneOf(lambda: tuple(LAWS))]
"""A fit of the loss by its name: `Chinchilla`."""


@live(facts=("parameters", "each"))
def weights_gigabytes(at: Asked, of: Known, precision: BITS) -> Answer:
    """How many GB the weights of a well-known model take in a precision."""
    shape = KNOWN[of]
    found = shape.parameters * memory.BYTES[precision]
    return Answer(
        found / 1e9,
        amounts.nbytes(found),
        f"{of} has {shape.parameters:,} parameters of {memory.BYTES[precision]:g} bytes each: "
        f"{amounts.nbytes(found)}.",
        facts={
            "parameters": amounts.count(shape.parameters),
            "each": f"{memory.BYTES[precision]:g}",
        },
    )


@live(facts=("each",))
def cache_gigabytes(at: Asked, of: Known, tokens: Number) -> Answer:
    """How many GB the keys and values of so many tokens take in 16 bits."""
    found = KNOWN[of].cache_bytes(tokens)
    if not found:
        raise NoQuestion(f"{of} is an encoder: it keeps no keys and values.")
    return Answer(
        found / 1e9,
        amounts.nbytes(found),
        f"{of} keeps {amounts.nbytes(found)} of keys and values for {tokens:,} tokens.",
        facts={"each": amounts.nbytes(found / tokens)},
    )


@live(facts=("total",), counts=True)
def training_bytes(at: Asked, of: Known) -> Answer:
    """How many bytes a parameter takes to train with Adam in mixed precision."""
    found = memory.memory(KNOWN[of], Use("full"))
    total = found["weights"] + found["gradients"] + found["optimizer"]
    each = total / KNOWN[of].parameters
    return Answer(
        each,
        f"{each:g} bytes",
        f"Weights, gradients and the optimizer take {each:g} bytes a parameter: "
        f"{amounts.nbytes(total)} for {of}, before activations.",
        facts={"total": amounts.nbytes(total)},
    )


@live(facts=("share",), counts=True)
def adapter_parameters(at: Asked, of: Known, rank: Number) -> Answer:
    """How many parameters an adapter of a rank has, on queries and values of every layer."""
    shape = KNOWN[of]
    count = memory.adapter_parameters(shape, Use("low rank", rank=min(rank, memory.RANKS[1])))
    share = 100 * count / shape.parameters
    return Answer(
        float(count),
        amounts.count(count),
        f"r (d + k) for two matrices of every layer are {count:,} parameters, {share:.2g} % of "
        f"{of}.",
        facts={"share": f"{share:.2g} %"},
    )


@live(facts=("first", "second"))
def bigger_or_longer(
    at: Asked, law: Law, bigger: Number, short: Number, smaller: Number, long: Number
) -> Answer:
    """Whether a fit gives a bigger model on fewer tokens or a smaller one on more less loss.

    Sizes are in billion parameters, `short` and `long` in billion tokens.
    """
    one, other = (
        float(LAWS[law].loss(n * 1e9, d * 1e9)) for n, d in ((bigger, short), (smaller, long))
    )
    first, second = f"{one:.3f}", f"{other:.3f}"
    if first == second:
        raise NoQuestion(f"Both have the same loss by this fit: {first} nats.")
    best = "bigger" if one < other else "longer"
    return Answer(
        best,
        best,
        f"{bigger:,} billion parameters on {short:,} billion tokens have a loss of {first} nats, "
        f"{smaller:,} billion on {long:,} billion one of {second}.",
        facts={"first": first, "second": second},
    )


@live(facts=("parameters", "tokens"))
def best_ratio(at: Asked, law: Law) -> Answer:
    """How many tokens a parameter a fit finds best at 5.76e23 FLOP, Chinchilla's budget."""
    found = scaling.best(LAWS[law], 5.76e23)
    return Answer(
        found.ratio,
        f"{found.ratio:.0f}",
        f"Best are {amounts.count(found.parameters)} parameters and "
        f"{amounts.count(found.tokens)} tokens: {found.ratio:.0f} tokens a parameter.",
        facts={
            "parameters": amounts.count(found.parameters),
            "tokens": amounts.count(found.tokens),
        },
    )
