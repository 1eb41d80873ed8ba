"""What there is to be seen of a tuning, from its own numbers; and the tables beside it.

In: cards, texts, figures. Out: sentences and columns. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.tuning.adapters import Card, Pair
from engine.tuning.asking import Changed, Written
from engine.tuning.datasets import DATASETS
from engine.tuning.plans import Tuning, shapes, trained

HALF = 2  # bytes of a number in float16
NEGLIGIBLE = 1e-6  # of the largest singular value: beyond it a value counts as 0


def short(card: Card) -> str:
    """A tuned model's name among others of the same base."""
    what = f"rank {card.rank}" if card.method == "low-rank" else "all weights"
    return f"{DATASETS[card.dataset].title if card.dataset in DATASETS else card.dataset}, {what}"


def cost_said(card: Card, base: int) -> str:
    """How many numbers were trained, and the bytes that they take."""
    share = 100 * card.trained / base
    sizes = f"{HALF * card.trained / 1e6:.2f} MB beside {HALF * base / 1e6:.1f} MB in float16"
    if card.method == "all":
        return f"All {card.trained:,} weights were trained; their changes take {sizes}."
    return (
        f"{card.trained:,} numbers were trained, {share:.1f} % of {base:,}: for each matrix of d × "
        f"k weights r (d + k), with r = {card.rank}. They take {sizes}."
    )


def forgotten_said(card: Card, own: Pair | None) -> str:
    """What was learnt and what was forgotten, in bits per byte."""
    learnt, lost = card.learnt, card.forgotten
    said = f"Held-out sentences of its kind: {learnt.before:.2f} → {learnt.after:.2f} bits per byte"
    said += f"; {card.other_text}: {lost.before:.2f} → {lost.after:.2f}, {_changed(lost)}."
    if own is not None:
        said += f" The text above: {own.before:.2f} → {own.after:.2f}."
    if card.answers is not None:
        said += f" Right answers: {_percent(card.answers.before)} → {_percent(card.answers.after)}."
    return said


def _changed(pair: Pair) -> str:
    share = 100 * (pair.after / pair.before - 1) if pair.before else 0.0
    return f"{abs(share):.0f} % {'worse' if share > 0 else 'better'}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def curve_said(card: Card) -> str:
    """How the losses went."""
    best = min(card.curve, key=lambda one: one[2])
    said = (
        f"Held-out loss {card.curve[0][2]:.2f} → {best[2]:.2f} nats a token, lowest at step "
        f"{best[0]:,} of {card.curve[-1][0]:,}; the weights of that step were kept."
    )
    gap = best[2] - best[1]
    return said + (f" The training loss lies {gap:.2f} below it." if gap > 0.05 else "")


def change_said(found: Changed, matrix: str, card: Card) -> str:
    """How large the change of a matrix is, and how many directions it has."""
    rank = int((found.singular > NEGLIGIBLE * max(found.singular.max(), 1e-30)).sum())
    norm = float(np.linalg.norm(found.delta))
    rows, columns = found.delta.shape
    said = f"The change of {named(matrix)} ({rows} × {columns}) has {norm / found.of:.1%} of its "
    said += f"length (Frobenius norm) and {rank} of {len(found.singular)} singular values above 0"
    if card.method == "low-rank":
        return f"{said}: the rank that its two factors allow."
    return f"{said}: training all weights bounds no rank."


def named(matrix: str) -> str:
    """A matrix as a learner finds it: `named("transformer.h.0.attn.c_attn.weight")`."""
    parts = matrix.removesuffix(".weight").split(".")
    if len(parts) == 5 and parts[1] == "h":
        return f"{'.'.join(parts[3:])} of layer {int(parts[2]) + 1}"
    return parts[-1]


def texts_table(prompt: str, found: Written) -> Mapping[str, Sequence[Any]]:
    """Both texts as columns."""
    return {"model": ["before", "after"], "text": [found.before, found.after]}


def bits_table(card: Card, own: Pair | None) -> Mapping[str, Sequence[Any]]:
    """Bits per byte before and after, text by text."""
    rows = [("held-out sentences of its kind", card.learnt), (card.other_text, card.forgotten)]
    rows += [] if own is None else [("the text above", own)]
    return {
        "text": [name for name, _ in rows],
        "before": [pair.before for _, pair in rows],
        "after": [pair.after for _, pair in rows],
    }


def curve_table(card: Card) -> Mapping[str, Sequence[Any]]:
    """The loss curves as columns."""
    steps, train, held = zip(*card.curve, strict=True)
    return {"step": steps, "training_loss": train, "held_out_loss": held}


def singular_table(found: Changed) -> Mapping[str, np.ndarray]:
    """The singular values as columns."""
    return {"number": np.arange(1, len(found.singular) + 1), "singular_value": found.singular}


def parameters_table(plan: Tuning, card: Any) -> Mapping[str, Sequence[Any]]:
    """d, k, d k and r (d + k) of each matrix of a block."""
    every = shapes(card)
    return {
        "matrix": list(every),
        "d": [d for d, _ in every.values()],
        "k": [k for _, k in every.values()],
        "d k": [d * k for d, k in every.values()],
        f"r (d + k), r = {plan.rank}": [plan.rank * (d + k) for d, k in every.values()],
    }


def plan_said(plan: Tuning, card: Any) -> str:
    """How many numbers a tuning would train, and what they would take."""
    count = trained(card, plan)
    return (
        f"{count:,} numbers to train, {100 * count / card.parameters:.1f} % of the model; "
        f"{HALF * count / 1e6:.2f} MB in float16."
    )
