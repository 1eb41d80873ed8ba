"""Which tower and which graph a side of a model is: of a model of one tower, both are that one.

In: a card and a side. Out: its stack, its graph, the kind of its attention. Reads no text.
"""

from __future__ import annotations

from engine.models.bundle import Card, Stack
from engine.models.runtime import Graph
from engine.values import Kind, Side


def two(card: Card) -> bool:
    """Whether a model has an encoder and a decoder."""
    return card.family == "encoder-decoder"


def crosses(card: Card, side: Side) -> bool:
    """Whether a side looks at the other one."""
    return two(card) and side == "decoder"


def graph(card: Card, side: Side) -> Graph:
    """The graph that a side is in."""
    return "encoder" if two(card) and side == "encoder" else "model"


def kind(card: Card, side: Side) -> Kind:
    """The kind of a side's own attention; a model of one tower has its own, whatever is asked."""
    return side if card.family == "encoder-decoder" else card.family


def stack(card: Card, side: Side) -> Stack:
    """The tower of a side; a model of one tower has it on whatever side is asked for."""
    return card.encoder if side == "encoder" and card.encoder else card.tower
