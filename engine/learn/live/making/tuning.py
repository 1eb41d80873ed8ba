"""Live answers about tuning: what is trained, what a change is, what is forgotten."""

from __future__ import annotations

from typing import Literal

import numpy as np

from engine.learn.asking import Answer, Asked, NoQuestion, Number, live
from engine.tuning.adapters import Card
from engine.tuning.plans import shapes

Matrix = Literal["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]
NEGLIGIBLE = 1e-6  # of the largest singular value


@live(families=("decoder",), facts=("weights", "d", "k"), counts=True)
def factor_numbers(at: Asked, matrix: Matrix, rank: Number) -> Answer:
    """How many numbers the two factors of a matrix have: r (d + k)."""
    card = at.engine.card(at.model)
    if card.architecture != "gpt2":
        raise NoQuestion(f"{card.title} has no matrix called {matrix}: its blocks are others.")
    d, k = shapes(card)[matrix]
    count = rank * (d + k)
    return Answer(
        float(count),
        f"{count:,}",
        f"{matrix} has {d:,} inputs and {k:,} outputs: {rank} × ({d:,} + {k:,}) = {count:,}.",
        facts={"weights": f"{d * k:,}", "d": f"{rank * d:,}", "k": f"{rank * k:,}"},
    )


@live(families=("decoder",), facts=("trained", "all"))
def trained_share(at: Asked, adapter: str) -> Answer:
    """What share of a model's numbers a tuning trains, in percent."""
    card = _card(at, adapter)
    every = at.engine.card(card.base).parameters
    share = 100 * card.trained / every
    return Answer(
        share,
        f"{share:.1f} %",
        f"{card.trained:,} of {every:,} numbers: {share:.1f} %.",
        facts={"trained": f"{card.trained:,}", "all": f"{every:,}"},
    )


@live(families=("decoder",), facts=("before", "after"))
def tuned_cost(at: Asked, adapter: str) -> Answer:
    """Whether a text costs more or less after a tuning, in bits per byte."""
    found = at.engine.tuned_bits(_card(at, adapter).name, at.text)
    if abs(found.after - found.before) < 0.005:
        raise NoQuestion("This text costs the same before and after, to two digits.")
    value = "more" if found.after > found.before else "less"
    before, after = f"{found.before:.2f}", f"{found.after:.2f}"
    return Answer(
        value,
        value,
        f"The text costs {before} bits per byte before the tuning and {after} after it.",
        facts={"before": before, "after": after},
    )


@live(families=("decoder",), facts=("before", "after"))
def forgotten_share(at: Asked, adapter: str) -> Answer:
    """By how many percent the texts that a model once learned from cost more after a tuning."""
    card = _card(at, adapter)
    pair = card.forgotten
    share = 100 * (pair.after / pair.before - 1)
    before, after = f"{pair.before:.2f}", f"{pair.after:.2f}"
    return Answer(
        share,
        f"{share:.0f} %",
        f"{card.other_text} cost {before} bits per byte before and {after} after: {share:.0f} %.",
        facts={"before": before, "after": after},
    )


@live(families=("decoder",), facts=("of",), counts=True)
def change_rank(at: Asked, adapter: str, matrix: Matrix, layer: Number) -> Answer:
    """How many singular values of a matrix's change are above 0."""
    card = _card(at, adapter)
    found = at.engine.tuned_change(card.name, f"transformer.h.{layer - 1}.{matrix}.weight")
    count = int((found.singular > NEGLIGIBLE * np.max(found.singular)).sum())
    return Answer(
        float(count),
        f"{count}",
        f"{count} of {len(found.singular)} are above 0: the factors have {card.rank} directions.",
        facts={"of": f"{len(found.singular)}"},
    )


def _card(at: Asked, adapter: str) -> Card:
    """The card of an adapter of the model that is asked about."""
    card = next((one for one in at.engine.adapters() if one.name == adapter), None)
    if card is None or card.base != at.model:
        raise NoQuestion(f"No tuning of {at.model} is called {adapter[:40]!r} here.")
    return card
