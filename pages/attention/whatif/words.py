"""What a changed model shows, in sentences computed from its numbers.

In: engine values. Out: plain text of at most 60 words. Knows no page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.whatif.orders import Orders
from pages.attention.whatif.orders_picture import shown
from pages.pictures.names import quoted

SAYS = {"off": "Positions off", "shuffled": "Positions shuffled among the words"}


def orders_said(found: Orders, *, masked: bool) -> str:
    """Whether the changed model can tell the order, and what then tells it."""
    made, now = shown(float(found.as_made[-1])), shown(float(found.changed.max()))
    against = (
        "the words in another order"
        if found.positions == "off"
        else "the words themselves put in that order"
    )
    start = f"{SAYS[found.positions]}, compared with {against}, that order undone: "
    if found.same:
        why = (
            "without positions attention knows no order"
            if found.positions == "off"
            else "its position alone tells where a word stands"
        )
        return (
            f"{start}largest difference in any layer {now}, rounding alone (as made: {made} after "
            f"the last). The same numbers, permuted: {why}."
        )
    why = (
        " Each token still sees only those before it: the mask alone tells the order."
        if masked
        else ""
    )
    last = shown(float(found.changed[-1]))
    return f"{start}{last} after the last layer (as made: {made}). Not the same numbers.{why}"


def order_text(found: Orders, names: Sequence[str]) -> str:
    """The words in the order that they were compared with."""
    moved = [int(at) for at in np.argsort(found.order)]
    return " ".join(names[at] for at in moved[:40]) + (" …" if len(moved) > 40 else "")


def mask_said(before: np.ndarray, after: np.ndarray, ahead: float, head: str) -> str:
    """What the mask is worth: surprise with and without, and where a head looks without it."""
    first, then = float(before.mean()), float(after.mean())
    seen = f"Without its mask head {head} gives {100 * ahead:.0f} % of its weight to later tokens."
    start = (
        f"Mean surprise of the next token: {first:.1f} bits as made, {then:.1f} without the mask"
    )
    if then > first:
        return (
            f"{seen} {start}. Each place now sees the very token that it is to predict, and the "
            "model predicts worse: it never saw the future in training."
        )
    return f"{seen} {start}: each place now sees the very token that it is to predict."


def costliest(names: Sequence[str], before: np.ndarray, after: np.ndarray) -> str:
    """The token whose surprise changed most."""
    at = int(np.abs(after - before).argmax())
    return (
        f"Changed most: {quoted(names[at])}, {before[at]:.1f} → {after[at]:.1f} bits."
        if len(before)
        else ""
    )
