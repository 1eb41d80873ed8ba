"""The controls of What if: what is changed, and the seed of another order."""

from __future__ import annotations

from engine.values import Kind
from pages.attention.controls import PAGE
from pages.shell.controls import Control

HEADS, OFF, SHUFFLED, UNMASKED = "Heads off", "Positions off", "Positions shuffled", "Mask off"
CHANGE_CONTROL = Control(
    "change",
    "Changed in the model",
    (HEADS, OFF, SHUFFLED, UNMASKED),
    page=PAGE,
    help="What is changed in the model, which was not made so: heads that add nothing, positions "
    "that say nothing or stand at other words, a decoder that sees later tokens.",
)
ORDER_SEED_CONTROL = Control(
    "reorder",
    "Seed of the other order",
    range(2**32),
    default=1,
    widget="number",
    width=190,
    page=PAGE,
    help="The same seed puts the words in the same order.",
)
OF_WHATIF = (CHANGE_CONTROL, ORDER_SEED_CONTROL)


def changes_of(kind: Kind) -> tuple[str, ...]:
    """What can be changed in a kind of attention: only a decoder has a mask to take off."""
    if kind == "cross":
        return (HEADS,)
    return (HEADS, OFF, SHUFFLED, UNMASKED) if kind == "decoder" else (HEADS, OFF, SHUFFLED)
