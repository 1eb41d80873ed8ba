"""All moments of a training asked the same, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np

from engine import policy
from engine.decoding import generation
from engine.decoding.continuation import Line
from engine.errors import NotOffered, TextTooLong
from engine.local.models import bundle, digest
from engine.local.teaching.objectives import Objectives
from engine.models import catalog
from engine.models.runtime import Bundle
from engine.moments import places, spelling
from engine.moments.asking import Grown, Surprise, Written
from engine.moments.course import Course, Moment, course
from engine.moments.places import Places
from engine.objectives.example import LONGEST, Exercise
from engine.store import cached
from engine.tokenizers.tokens import piece_texts, tokenize
from engine.values import Reading

T = TypeVar("T")
MOST = 64  # tokens that each moment writes
WORDS = 40  # words that are placed at once
SPELLER = "tales-bert"  # its vocabulary is the list of words


class Moments(Objectives):
    """The part of `engine.api.Engine` about the moments of a training."""

    def training_course(self) -> Course:
        changed = _changed()
        return cached(("training course", changed), course) if changed else course()

    def moments_written(
        self, prompt: str, line: Line, *, length: int, seed: int
    ) -> tuple[Written, ...]:
        told = self.training_course()
        if not 0 < length <= MOST:
            raise NotOffered(f"{length} new tokens: 1 to {MOST} are written by each moment.")
        policy.check_writing(len(told.moments), length)

        last = told.moments[-1].model
        # All moments have one tokenizer: it is read once.
        ids = self.tokens(Reading(last, prompt)).ids.tolist()
        if len(ids) > LONGEST:
            raise TextTooLong(
                f"The prompt has {len(ids):,} tokens; the moments continue at most {LONGEST}. "
                f"Shorten it by {len(ids) - LONGEST:,}."
            )

        def write(one: Moment) -> list[int]:
            steps = generation.generate(bundle(one.model), ids, [line], seed=seed, limit=length)
            return [token.id for step in steps for token in step.written]

        def make() -> tuple[Written, ...]:
            known = self._known_words()
            every = _each(told, write)
            texts = ["".join(piece_texts(bundle(last), new)) for new in every]
            return tuple(
                Written(text, spelling.share(text, known), tuple(spelling.spans(text, known)))
                for text in texts
            )

        return cached(("moments written", _state(told), prompt, line, length, seed), make)

    def moments_surprise(self, text: str) -> Surprise:
        told = self.training_course()

        def make() -> Surprise:
            every = _each(
                told, lambda one: self.example_losses(Exercise(one.model, text, "next token"))
            )
            return Surprise(
                self.tokens(Reading(told.moments[-1].model, text)),
                np.stack([one.nats for one in every]).astype(np.float32),
                every[0].chance,
            )

        return cached(("moments surprise", _state(told), text), make)

    def moments_attention(self, text: str, layer: int, head: int) -> Grown:
        told = self.training_course()
        last = told.moments[-1].model
        tokens = self.tokens(Reading(last, text))
        if len(tokens) > LONGEST:
            raise TextTooLong(
                f"The text has {len(tokens):,} tokens; maps of at most {LONGEST} are drawn here. "
                f"Shorten it by {len(tokens) - LONGEST:,}."
            )

        def make() -> Grown:
            every = _each(
                told,
                lambda one: self.attention(Reading(one.model, text), "decoder", layer).weights[
                    head
                ],
            )
            return Grown(tokens, np.stack(every).astype(np.float32))

        return cached(("moments attention", _state(told), text, layer, head), make)

    def moments_places(self, words: Sequence[str]) -> Places:
        told = self.training_course()
        policy.check_text(*words)
        last = bundle(told.moments[-1].model)
        asked = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))[:WORDS]
        ids = {word: one for word in asked if (one := _single(last, word)) is not None}
        if len(ids) < 3:
            raise NotOffered(
                f"{len(ids)} of {len(asked)} words are one token of {last.card.title}; a map needs "
                "3. Write short, common words."
            )

        def make() -> Places:
            vectors = _each(
                told, lambda one: np.array(self.vectors(one.model, "token")[list(ids.values())])
            )
            return places.places(tuple(ids), np.stack(vectors))

        return cached(("moments places", _state(told), tuple(ids.items())), make)

    def _known_words(self) -> frozenset[str]:
        key = ("known words", digest(SPELLER))
        return cached(key, lambda: spelling.words_of(_pieces(bundle(SPELLER))))


def _each(told: Course, ask: Callable[[Moment], T]) -> list[T]:
    """What every moment answers; those that were not open before are closed again.

    Nine models at once would push everybody else's out of memory.
    """
    found = []
    for one in told.moments:
        opened = bundle(one.model)
        before = opened.is_loaded
        try:
            found.append(ask(one))
        finally:
            if not before:
                opened.close()
    return found


def _state(told: Course) -> Hashable:
    return tuple(digest(one.model) for one in told.moments)


def _changed() -> tuple[str, int] | None:
    found = sorted(catalog.MOMENTS.glob("*/training.json"))
    return (str(found[0]), found[0].stat().st_mtime_ns) if found else None


def _single(opened: Bundle, word: str) -> int | None:
    """The token that is this word after a space, if one alone is."""
    ids = tokenize(opened, f" {word}").ids
    return int(ids[0]) if len(ids) == 1 else None


def _pieces(opened: Bundle) -> list[str]:
    reader = opened.reader("encoder")
    return [reader.piece(i) for i in range(opened.card.vocabulary)]
