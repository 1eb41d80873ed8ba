"""Texts that a model writes: continuations, columns written live, translations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine import policy
from engine.decoding import generation, translation, writing
from engine.decoding.beams import Search, predicted
from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.decoding.sampling import Sampling
from engine.decoding.scoring import Scored
from engine.local.heads import Heads
from engine.local.models import bundle, of
from engine.store import cached
from engine.trace import tracing
from engine.values import Reading

PLACES = 128  # tokens after which the prediction's entropy is computed
CHUNK = 32  # of them in one run: logits of a large vocabulary are large


class Writings(Heads):
    """The part of `engine.api.Engine` about what a model writes."""

    def continued(self, model: str, text: str, count: int) -> Reading:
        reading = Reading(model, text)
        policy.check_writing(1, count)

        def make() -> Reading:
            ids = self.tokens(reading).ids.tolist()
            line = Line(Sampling(temperature=0.0))
            steps = generation.generate(bundle(model), ids, [line], seed=0, limit=count)
            new = [one.id for step in steps for one in step.written]
            return replace(reading, target=(*ids, *new))

        return cached(("continued", of(reading), count), make)

    def room_left(self, model: str, n_tokens: int) -> int:
        return generation.room_left(bundle(model), n_tokens)

    def write(
        self, task: Task, lines: Sequence[Line], *, viewer: str = "", patience: float = 0.0
    ) -> tuple[Generated, ...]:
        return writing.write(bundle(task.model), task, lines, viewer=viewer, patience=patience)

    def look(self, task: Task, lines: Sequence[Line], *, viewer: str) -> tuple[Generated, ...]:
        return writing.look(bundle(task.model), task, lines, viewer=viewer)

    def texts_under_way(self) -> int:
        return writing.under_way()

    def stop_writing(self, task: Task, lines: Sequence[Line], *, viewer: str) -> None:
        writing.stop(bundle(task.model), task, lines, viewer=viewer)

    def translated(self, model: str, text: str) -> Reading:
        reading = Reading(model, text)
        return cached(
            ("translated", of(reading)),
            lambda: translation.translate(bundle(model), reading, Search()).reading(),
        )

    def translation_trace(
        self,
        reading: Reading,
        search: Search,
        *,
        prefix: tuple[int, ...] = (),
        language: str | None = None,
        place: int = 0,
    ) -> translation.Trace:
        policy.check_writing(search.width, search.limit)
        key = (of(reading), search, prefix, language)
        opened = bundle(reading.model)
        found = cached(
            ("translation", *key),
            lambda: translation.translate(
                opened, reading, search, prefix=prefix, language=language
            ),
        )
        return cached(
            ("translation_trace", *key, place), lambda: translation.traced(opened, found, place)
        )

    def next_token_entropies(self, reading: Reading) -> np.ndarray:
        def make() -> np.ndarray:
            count = min(PLACES, len(self.tokens(reading, "decoder")))
            found = [
                predicted(tracing.logits(bundle(reading.model), reading, part).logits)[1]
                for part in (
                    tuple(range(start, min(start + CHUNK, count)))
                    for start in range(0, count, CHUNK)
                )
            ]
            return np.concatenate(found)

        return cached(("next_token_entropies", of(reading)), make)

    def target_scores(self, reading: Reading, ids: tuple[int, ...]) -> Scored:
        return cached(
            ("target_scores", of(reading), ids),
            lambda: translation.scored(bundle(reading.model), reading, ids),
        )
