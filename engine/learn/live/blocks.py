"""Live answers about the parts of a block: what each adds, which hidden unit fires, and where."""

from __future__ import annotations

import numpy as np

from engine.blocks.parts import Parts
from engine.blocks.units import strongest
from engine.learn.asking import Answer, Asked, Candidate, NoQuestion, Number, first_of, live
from engine.learn.words import named, plain_word
from engine.values import Side

NAMES = {
    "attention": "attention",
    "cross-attention": "cross-attention",
    "feed-forward": "feed-forward network",
}
SHOWN = 4  # units or words that are compared


@live(families=("decoder", "encoder"), facts=("best", "stream"))
def adds_more(at: Asked, layer: Number) -> Answer:
    """The part of a layer that adds the longer vector to the last token."""
    block, place = _opened(at, layer), _last(at)
    sizes = {
        one.sublayer: float(np.linalg.norm(one.vector[place].astype(np.float64)))
        for one in block.updates
    }
    stream = float(np.linalg.norm(block.updates[0].into[place])) if block.updates else 0.0
    return first_of(
        [Candidate(NAMES[name], size, f"length {size:.1f}") for name, size in sizes.items()],
        lambda best: (
            f"The {best.name} of layer {layer} adds the longer vector, {best.shown}; the token's "
            f"vector enters with length {stream:.1f}."
        ),
        stream=f"{stream:.1f}",
    )


@live(families=("decoder", "encoder"), facts=("best", "units"))
def strongest_unit(at: Asked, layer: Number) -> Answer:
    """The hidden unit of a layer that fires most at the last token."""
    activity = _units(at, layer)[_last(at)]
    order = np.argsort(-np.abs(activity), kind="stable")[:SHOWN]
    count = f"{len(activity):,}"
    return first_of(
        [
            Candidate(
                f"unit {int(i) + 1}", abs(float(activity[i])), f"activation {activity[i]:.2f}"
            )
            for i in order
        ],
        lambda best: f"Of {count} hidden units {best.name} fires most: {best.shown}.",
        units=count,
    )


@live(families=("decoder", "encoder"), facts=("best", "unit"))
def unit_fires_at(at: Asked, layer: Number) -> Answer:
    """The word at which the unit that fires most at the last token fires most of all."""
    block, place = _opened(at, layer), _last(at)
    activity = _units(at, layer)
    unit = strongest(block, place, 1)[0]
    names = at.engine.token_names(at.reading, _side(at))[0]
    own = ~at.engine.tokens(at.reading, _side(at)).special
    best: dict[str, tuple[float, str]] = {}
    for name, active, counts in zip(names, activity[:, unit].tolist(), own, strict=True):
        if counts and (word := plain_word(name)):
            best[word] = max(best.get(word, (-1.0, "")), (abs(active), f"activation {active:.2f}"))
    return first_of(
        [Candidate(word, score, shown) for word, (score, shown) in best.items()],
        lambda first: f"Unit {unit + 1} fires most at “{named(first.name)}”: {first.shown}.",
        unit=str(unit + 1),
    )


def _side(at: Asked) -> Side:
    return "decoder" if at.family == "decoder" else "encoder"


def _last(at: Asked) -> int:
    """The last token that belongs to the text, as on the page."""
    tokens = at.engine.tokens(at.reading, _side(at))
    return int(np.flatnonzero(tokens.own)[-1]) if at.family == "encoder" else len(tokens) - 1


def _opened(at: Asked, layer: int) -> Parts:
    return at.engine.parts(at.reading, _side(at), layer - 1)


def _units(at: Asked, layer: int) -> np.ndarray:
    found = _opened(at, layer).units
    if found is None:
        raise NoQuestion("The hidden units of this block cannot be told apart.")
    return found
