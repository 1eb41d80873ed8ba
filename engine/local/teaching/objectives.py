"""Training examples and what they cost the models that are here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import numpy as np

from engine import policy
from engine.local.models import bundle, digest
from engine.local.predecessors import Predecessors
from engine.objectives import running
from engine.objectives.example import Example, Exercise, Shown, Target, example, why_not
from engine.objectives.losses import Losses, joined, losses
from engine.store import cached
from engine.tokenizers.tokens import piece_texts, tokenize
from engine.values import Side

ROWS = 32  # rows of logits held at once


class Objectives(Predecessors):
    """The part of `engine.api.Engine` about training objectives."""

    def objectives(self, model: str) -> Mapping[Target, str]:
        opened = bundle(model)
        return {one: why_not(opened, one) for one in get_args(Target)}

    def training_example(self, case: Exercise) -> Example:
        policy.check_text(case.text, case.target)
        key = ("training example", digest(case.model), case)
        return cached(key, lambda: example(bundle(case.model), case))

    def example_losses(self, case: Exercise) -> Losses:
        opened = bundle(case.model)

        def make() -> Losses:
            right = [one.id for one in self.training_example(case).says]
            parts = [range(k, min(k + ROWS, len(right))) for k in range(0, len(right), ROWS)]
            return joined(
                [
                    losses(running.logits(opened, case, part), [right[k] for k in part])
                    for part in parts
                ]
            )

        return cached(("example losses", digest(case.model), case), make)

    def answer_logits(self, case: Exercise, place: int) -> np.ndarray:
        def make() -> np.ndarray:
            return running.logits(bundle(case.model), case, (place,))[0].astype(np.float32)

        return cached(("answer logits", digest(case.model), case, place), make)

    def guessed(self, case: Exercise, place: int, guess: str) -> Shown | None:
        word = guess.strip()
        if not word:
            return None
        opened = bundle(case.model)
        right = self.training_example(case).says[place].text
        # A word in a text begins with its space where the tokenizer keeps that in the token.
        side: Side = "decoder" if opened.card.decoder else "encoder"
        cut = tokenize(opened, f" {word}" if right.startswith(" ") else word, side=side)
        own = cut.ids[cut.own]
        return (
            Shown(piece_texts(opened, own[:1].tolist(), side=side)[0], int(own[0]))
            if len(own)
            else None
        )
