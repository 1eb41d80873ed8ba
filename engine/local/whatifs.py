"""Models used otherwise than they were made: other positions, no mask, another tokenizer's ids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine import policy
from engine.decoding import batch, generation
from engine.decoding.continuation import Line
from engine.decoding.sampling import Sampling
from engine.errors import EmptyText, NotOffered
from engine.local.models import bundle, digest, of
from engine.local.predecessors import Predecessors
from engine.store import cached
from engine.tokenizers.roles import UNKNOWN
from engine.trace import changes, tracing
from engine.values import Change, Reading, Side
from engine.whatif import foreign as reading_of
from engine.whatif import orders
from engine.whatif.foreign import Foreign
from engine.whatif.orders import Orders, Positions


class WhatIfs(Predecessors):
    """The part of `engine.api.Engine` about models that are changed."""

    def orders(self, reading: Reading, side: Side, positions: Positions, seed: int) -> Orders:
        def make() -> Orders:
            tokens = self.tokens(reading, side)
            changes.check_length(self.card(reading.model), len(tokens))

            def states(change: Change | None) -> np.ndarray:
                return self.hidden(replace(reading, change=change), side).states

            return orders.compared(states, tokens, changes.shuffle(tokens, seed), side, positions)

        return cached(("orders", of(reading), side, positions, seed), make)

    def next_token_bits(self, reading: Reading) -> np.ndarray:
        def make() -> np.ndarray:
            card = self.card(reading.model)
            if card.decoder is None:
                raise NotOffered(f"{card.title} predicts masked tokens, not the next one.")
            ids = self.tokens(reading, "decoder").ids
            changes.check_length(card, len(ids))
            # Straight from the run: logits of all positions are too large to be kept.
            places = tuple(range(len(ids) - 1))
            if not places:
                return np.zeros(0, dtype=np.float32)
            found = tracing.logits(bundle(reading.model), reading, places)
            return reading_of.surprise(found.logits, ids[1:])

        return cached(("next_token_bits", of(reading)), make)

    def foreign(self, reader: str, maker: str, text: str) -> Foreign:
        if not text.strip():
            raise EmptyText("The text is empty. Type a word or choose a sample.")
        policy.check_text(text)
        policy.check_writing(2, reading_of.WRITTEN)

        def make() -> Foreign:
            own = self.tokens(Reading(reader, text))
            made = self.tokenized(maker, text)
            most = min(reading_of.MOST, self.card(reader).limit or reading_of.MOST)
            left_out = max(0, len(made) - most)
            ids = made.ids[:most]
            gone = reading_of.outside(ids, self.card(reader).vocabulary)
            if gone.all():
                raise NotOffered(
                    f"None of the ids that {self.card(maker).title} makes is in the vocabulary of "
                    f"{self.card(reader).title}: there is nothing to read."
                )
            read = tuple(ids[~gone].tolist())
            mine = tuple(own.ids[:most].tolist())
            texts = iter(self.texts(reader, read))
            return Foreign(
                reader=reader,
                maker=maker,
                made=made,
                outside=gone,
                taken_for=tuple("" if out else next(texts) for out in gone),
                bits=reading_of.spread(self._bits(reader, read), gone),
                own_bits=self._bits(reader, mine),
                written=self._written(reader, read),
                own_written=self._written(reader, mine),
                left_out=left_out,
            )

        return cached(("foreign", digest(reader), digest(maker), text), make)

    def _bits(self, model: str, ids: tuple[int, ...]) -> np.ndarray:
        """Surprise of each id, NaN where the model predicts none."""
        card, opened = self.card(model), bundle(model)
        if card.family == "decoder":
            told = self.next_token_bits(Reading(model, "", target=ids))
            return np.concatenate([np.full(1, np.nan, dtype=np.float32), told])
        if card.family == "encoder-decoder" or card.mask is None or not card.predicts:
            return np.full(len(ids), np.nan, dtype=np.float32)

        def logits(hidden: tuple[int, ...], at: int) -> np.ndarray:
            return tracing.logits(opened, Reading(model, "", target=hidden), (at,)).logits[0]

        roles = self.roles(model)
        special = np.array([roles.get(i, UNKNOWN) != UNKNOWN for i in ids], dtype=bool)
        return reading_of.by_masking(ids, card.mask, special, logits)

    def _written(self, model: str, ids: tuple[int, ...]) -> str | None:
        """What a model writes after ids, or of them where it translates; always the likeliest."""
        card, opened = self.card(model), bundle(model)
        if card.decoder is None:
            return None
        source, begun = None, ids
        if card.family == "encoder-decoder":
            if card.generation.start is None:
                return None
            source = batch.encode(opened, np.array([ids], dtype=np.int64))
            begun = (card.generation.start,)
        room = generation.room_left(opened, len(begun))
        if room < 1:
            return ""
        steps = generation.generate(
            opened,
            begun,
            [Line(Sampling(temperature=0.0))],
            seed=0,
            limit=min(room, reading_of.WRITTEN),
            source=source,
        )
        new = [one.id for step in steps for one in step.written if one.end != "end"]
        return "".join(self.texts(model, new, "decoder"))
