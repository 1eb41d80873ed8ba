"""What is captured from a model, one entry each: the registry of quantities.

A quantity is something that a model computes on the way to its prediction and that its graphs give
as an output. The exporter asks here what to record and where, the trace which outputs to ask for
and what they are called in a value, the tests what it must equal, and `docs/quantities.md` is
written from it:

    python -m engine.trace.quantities > docs/quantities.md

To add one, write its entry, record it where its hook says (`engine/export/graphs/capture.py`; a
part by its path in `engine/export/families.py`), give the value a field of its name and axes
(`engine/values.py`) and write the page anew. The tests of every family check it without more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.values import Family

# Where a quantity is captured:
#   embedding  what a module of a tower gives, found by the tower's path of the quantity's name
#   stream     what enters the first block and what leaves every block
#   part       what a module inside every block gives, found by the tower's path of that name
#   router     the module of a block of a mixture that sends each token to experts
#   attention  in the one attention function that every model computes with
#   output     what the output matrix gives at the positions asked for
#   block      nowhere at export: `engine/blocks/anatomy.py` finds it in the finished graph
Hook = Literal["embedding", "stream", "part", "router", "attention", "output", "block"]
Sublayer = Literal["layer", "cross"]  # a block's attention to its own text, to the source

EVERY: tuple[Family, ...] = ("encoder", "decoder", "encoder-decoder")


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something captured from a model.

    `axes` are those of the value, as in `engine/values.py`; `hook` is where it is captured;
    `families` have it, but for the model types that are `lacking` it; of some quantities there are
    `only` a few types. `sublayers` are the attentions that give it. `formula` says how it follows
    `of` others of the same attention, and `computed` does so in numpy: what the graphs give must
    equal that; `beside` are others that take part where a model has them, by their names. The tests
    compare the rest with transformers. `always`: an attention without it is not shown at all.
    """

    name: str
    axes: str
    hook: Hook
    meaning: str
    families: tuple[Family, ...] = EVERY
    lacking: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    sublayers: tuple[Sublayer, ...] = ("layer", "cross")
    formula: str = ""
    of: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    computed: Callable[..., np.ndarray] | None = None
    always: bool = False

    def output(self, layer: int = 0, sublayer: Sublayer = "layer") -> str:
        """The graph output that holds it: `SCORES.output(3) == "layer.3.scores"`."""
        return {
            "embedding": f"embedded.{self.name}",
            "stream": f"{self.name}.{layer}",
            "part": f"{self.name}.{layer}",
            "router": f"{self.name}.{layer}",
            "attention": f"{sublayer}.{layer}.{self.name}",
            "output": self.name,
            "block": f"{self.name}.{layer}",
        }[self.hook]


def _softmax(scores: np.ndarray, sink: np.ndarray | None = None) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares = powers / powers.sum(axis=-1, keepdims=True)
    return shares if sink is None else shares * (1 - sink[..., None])


def _left(weights: np.ndarray) -> np.ndarray:
    return 1 - weights.sum(axis=-1)


# Their scores are a sum of three products: no one query and key give them.
SUMMED = ("deberta-v2", "xlnet")
SINKS = ("gpt_oss",)
# Mixtures have no one set of hidden units; XLNet's stream lies the other way round in its graph.
NOT_OPENED = (
    "xlnet",
    "mixtral",
    "qwen2_moe",
    "qwen3_moe",
    "olmoe",
    "granitemoe",
    "gpt_oss",
    "deepseek_v2",
    "deepseek_v3",
    "switch_transformers",
)

QUANTITIES = (
    Quantity(
        "token",
        "token width",
        "embedding",
        "The row of the embedding table for each token's id, where it is as wide as the stream.",
    ),
    Quantity(
        "position",
        "token width",
        "embedding",
        "The vector of each position, where positions are added to the tokens' vectors.",
    ),
    Quantity(
        "hidden",
        "token width",
        "stream",
        "The residual stream: 0 enters the first block, k leaves block k (before a final norm).",
    ),
    Quantity(
        "query",
        "head query dim",
        "attention",
        "What each token asks for, with its position where that is rotary.",
        lacking=SUMMED,
    ),
    Quantity(
        "key",
        "head key dim",
        "attention",
        "What each token offers to be found by; keys that heads share are repeated.",
        lacking=SUMMED,
        sublayers=("layer",),
    ),
    Quantity(
        "value",
        "head key dim",
        "attention",
        "What each token hands on where it is attended to; shared ones are repeated.",
        lacking=SUMMED,
        sublayers=("layer",),
    ),
    Quantity(
        "scores",
        "head query key",
        "attention",
        "What enters the softmax: scaled, position bias and mask added.",
        lacking=SUMMED,
    ),
    Quantity(
        "weights",
        "head query key",
        "attention",
        "How much each token attends to each; every row sums to 1, with its sink if it has one.",
        formula="softmax(scores) × (1 − sink)",
        of=("scores",),
        beside=("sink",),
        computed=_softmax,
        always=True,
    ),
    Quantity(
        "sink",
        "head query",
        "attention",
        "The share of each row that goes to no token, where a score for it was learnt.",
        only=SINKS,
        formula="1 − Σ weights",
        of=("weights",),
        computed=_left,
    ),
    Quantity(
        "output",
        "head query dim",
        "attention",
        "What each head adds up, before the output projection; 0 where the head is ablated.",
        formula="weights × value",
        of=("weights", "value"),
        computed=np.matmul,
    ),
    Quantity(
        "experts",
        "token expert",
        "router",
        "The weight of each expert of a mixture's block; 0 where the token is not sent to it.",
        families=("decoder", "encoder-decoder"),
    ),
    Quantity(
        "reads",
        "token width",
        "block",
        "What enters the feed-forward network: after the norm, where that comes before.",
        lacking=NOT_OPENED,
    ),
    Quantity(
        "units",
        "token unit",
        "block",
        "Hidden units of the feed-forward network, after its nonlinearity; of gated ones the "
        "product of gate and value.",
        lacking=NOT_OPENED,
    ),
    Quantity(
        "vector",
        "token width",
        "block",
        "What a sub-layer (attention, cross-attention, feed-forward) adds to the residual stream.",
        lacking=NOT_OPENED,
    ),
    Quantity(
        "logits",
        "row vocabulary",
        "output",
        "A number for each token of the vocabulary; softmax makes them probabilities.",
    ),
)


def at(hook: Hook) -> tuple[Quantity, ...]:
    """The quantities that are captured at a hook, in the order of the registry."""
    return tuple(quantity for quantity in QUANTITIES if quantity.hook == hook)


def find(name: str, hook: Hook) -> Quantity:
    """The quantity of that name; `KeyError` where nobody has declared it."""
    found = [quantity for quantity in at(hook) if quantity.name == name]
    if not found:
        raise KeyError(f"no quantity called {name!r} is captured at {hook!r}")
    return found[0]


def given(quantity: Quantity, family: Family, model_type: str) -> bool:
    """Whether models of a type give a quantity."""
    if quantity.only and model_type not in quantity.only:
        return False
    return family in quantity.families and model_type not in quantity.lacking


def page() -> str:
    """The page of quantities, `docs/quantities.md`."""
    lines = [
        "# Quantities",
        "",
        "What is captured from a model. `engine/trace/quantities.py` declares each and writes this",
        "page: `python -m engine.trace.quantities > docs/quantities.md`. Layers count from 0 here.",
        "",
        "| quantity | graph output | axes | meaning | equals | families |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, QUANTITIES)]) + "\n"


def _row(quantity: Quantity) -> str:
    outputs = [quantity.output(0, sublayer) for sublayer in quantity.sublayers]
    if quantity.hook != "attention":
        outputs = outputs[:1]
    elif "cross" not in quantity.sublayers:
        outputs.append(f"source.0.{quantity.name}")  # of a source: its encoder gives them
    named = ", ".join(f"`{name.replace('.0', '.k')}`" for name in outputs)
    if quantity.hook == "block":
        named = "none: found inside the graph"
    families = "all" if quantity.families == EVERY else ", ".join(quantity.families)
    if quantity.only:
        families = f"only {', '.join(quantity.only)}"
    if quantity.hook == "router":
        families += "; mixtures only"
    if quantity.lacking:
        families += f"; not {', '.join(quantity.lacking)}"
    cells = [quantity.name, named, quantity.axes, quantity.meaning, quantity.formula, families]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(page(), end="")
