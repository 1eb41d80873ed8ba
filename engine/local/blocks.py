"""The parts of a block: hidden units, what is added to the stream, where answers settle."""

from __future__ import annotations

from engine.blocks import commitment
from engine.blocks import parts as opening
from engine.blocks import units as unit_pushes
from engine.blocks.commitment import Commitment
from engine.blocks.parts import Parts, Updates
from engine.blocks.units import Pushes
from engine.errors import NotOffered
from engine.local.models import bundle, of
from engine.local.traces import Traces
from engine.models.bundle import Card
from engine.store import cached
from engine.trace import sides, tracing
from engine.values import Reading, Side

KEPT = 24 * 10**6  # bytes of a text's opened blocks that are kept when all are opened at once


class Blocks(Traces):
    """The part of `engine.api.Engine` about the parts of a block."""

    def parts(self, reading: Reading, side: Side, layer: int) -> Parts:
        def make() -> Parts:
            opened, states = bundle(reading.model), self.hidden(reading, side).states
            return opening.parts(opened, reading, side, layer, states)

        return cached(("block parts", of(reading), side, layer), make)

    def updates(self, reading: Reading, side: Side) -> Updates:
        def make() -> Updates:
            opened, states = bundle(reading.model), self.hidden(reading, side).states
            # Of a short text every layer is asked for next: kept, a click on one costs nothing.
            keeps = opening.weight(*states.shape) <= KEPT

            def one(layer: int) -> Parts:
                if keeps:
                    return self.parts(reading, side, layer)
                return opening.parts(opened, reading, side, layer, states)

            with opened.used():
                return opening.updates(map(one, range(len(states) - 1)), states)

        return cached(("updates", of(reading), side), make)

    def pushes(
        self, reading: Reading, side: Side, layer: int, position: int, units: tuple[int, ...]
    ) -> Pushes:
        def make() -> Pushes:
            opened, states = bundle(reading.model), self.hidden(reading, side).states
            if not 0 <= position < states.shape[1]:
                raise NotOffered(f"The text has tokens 1 to {states.shape[1]}.")
            lens = (
                (lambda some: tracing.lens(opened, some))
                if _says(self.card(reading.model), side)
                else None
            )
            block = self.parts(reading, side, layer)
            return unit_pushes.pushes(opened, side, block, position, units, states[-1], lens)

        return cached(("pushes", of(reading), side, layer, position, units), make)

    def commitment(self, reading: Reading, side: Side, place: int) -> Commitment:
        opened, states = bundle(reading.model), self.hidden(reading, side).states
        if not _says(self.card(reading.model), side):
            raise NotOffered(
                f"This side of {opened.card.title} has no output matrix, so nothing is predicted "
                "after its layers."
            )
        layers, count = len(states) - 1, states.shape[1]
        most = commitment.room(layers, opened.card.width, opened.card.vocabulary)
        start, end = commitment.window(min(max(place, 0), count - 1), count, most)

        def make() -> Commitment:
            return commitment.commitment(
                lambda some: tracing.lens(opened, some), states, start, end
            )

        return cached(("commitment", of(reading), side, start, end), make)


def _says(card: Card, side: Side) -> bool:
    """Whether the output matrix reads what leaves the layers of a side."""
    return card.predicts and not (sides.two(card) and side == "encoder")
