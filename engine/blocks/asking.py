"""What the engine answers about the parts of a block: a part of `engine.api.Engine`.

A protocol, as the whole is; `engine.local.blocks` answers in this process.
"""

from __future__ import annotations

from typing import Protocol

from engine.blocks.commitment import Commitment
from engine.blocks.parts import Parts, Updates
from engine.blocks.units import Pushes
from engine.values import Reading, Side


class Blocks(Protocol):
    """Hidden units, what each part of a block adds, and where answers settle."""

    def parts(self, reading: Reading, side: Side, layer: int) -> Parts:
        """One block (0-based) opened for every token. Raises `NotOffered` for no such layer."""
        ...

    def updates(self, reading: Reading, side: Side) -> Updates:
        """Lengths and angles of what every part of every block adds, for every token."""
        ...

    def pushes(
        self, reading: Reading, side: Side, layer: int, position: int, units: tuple[int, ...]
    ) -> Pushes:
        """What units (0-based) of a block push up and down at a position.

        Raises `NotOffered` for a mixture of experts, and for units that do not exist.
        """
        ...

    def commitment(self, reading: Reading, side: Side, place: int) -> Commitment:
        """From which layer on the places around one hold to their answers.

        Raises `NotOffered` where there is no output matrix.
        """
        ...
