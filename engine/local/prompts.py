"""Prompts: how many examples fit, how probable and how right the answers are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from engine import policy
from engine.errors import NotOffered, TextTooLong
from engine.jobs import registry
from engine.jobs.registry import Job, Report
from engine.local.models import bundle, digest
from engine.local.spaces import Spaces
from engine.prompting import accuracy
from engine.prompting import answers as scoring
from engine.prompting import prompt as made
from engine.prompting import sources as attended
from engine.prompting.accuracy import Graded, Trial
from engine.prompting.answers import Scores
from engine.prompting.prompt import Prompt
from engine.prompting.sources import Sources
from engine.settings import settings
from engine.store import cached
from engine.values import Reading

KIND = "grade"  # what `engine.policy` knows the jobs by
PATIENCE = 20.0  # seconds that items go on being graded when nobody looks
BATCH = 8192  # tokens of prompts read in one batch, at most
BLOCK = 8  # items in one batch, at most


class Prompts(Spaces):
    """The part of `engine.api.Engine` about prompts."""

    def window(self, model: str) -> int:
        most = settings().max_tokens
        return min(self.card(model).limit or most, most)

    def examples_that_fit(self, model: str, prompt: Prompt, new_tokens: int) -> int:
        room = self.window(model) - new_tokens

        def tokens(count: int) -> int:
            return len(self._read(model, prompt, count))

        key = ("examples that fit", digest(model), prompt, room)
        return cached(key, lambda: made.fitting(len(prompt.whole), room, tokens))

    def answer_scores(
        self, model: str, prompts: Sequence[Prompt], counts: Sequence[int], answers: Sequence[str]
    ) -> Scores:
        pairs = tuple(zip(prompts, counts, strict=True))
        policy.check_text(*answers)

        def make() -> Scores:
            ids = [self._read(model, asked, count) for asked, count in pairs]
            self._check(model, max(map(len, ids)))
            opened = bundle(model)
            cut = scoring.answer_ids(opened, pairs[0][0].text(pairs[0][1]), answers)
            rows = max(1, BATCH // max(map(len, ids)))
            parts = [
                scoring.scores(opened, ids[start : start + rows], cut)
                for start in range(0, len(ids), rows)
            ]
            return scoring.joined(parts)

        return cached(("answer scores", digest(model), pairs, tuple(answers)), make)

    def grade(self, trial: Trial, *, viewer: str) -> Job:
        policy.check_writing(len(trial.items) * len(trial.counts), 1)

        def score(asked: Sequence[Prompt], count: int) -> Scores:
            return self.answer_scores(trial.model, asked, [count] * len(asked), trial.answers)

        def work(report: Report) -> Graded:
            found = accuracy.graded(trial)
            for found in accuracy.grade(trial, score, block=BLOCK):
                report.show(found)
                report.progress(float(found.done.sum()) / found.picked.size)
                report.stage(f"{found.done.sum()} of {found.picked.size} questions answered")
                report.check()
            return found

        return registry.start(_key(trial), work, viewer=viewer, patience=PATIENCE)

    def grading(self, trial: Trial) -> Job | None:
        return registry.find(_key(trial))

    def sources(self, model: str, prompt: Prompt, count: int) -> Sources:
        if not self.gives_attention(model, "decoder"):
            title = self.card(model).title
            raise NotOffered(f"The attention weights of {title} were not exported.")
        reading = Reading(model, prompt.text(count))

        def make() -> Sources:
            tokens = self.tokens(reading)
            last = len(tokens) - 1
            layers = self.stack(model, "decoder").layers
            every = (self.attention(reading, "decoder", k) for k in range(layers))
            weights = [layer.weights[:, last] for layer in every]
            return attended.sources(
                tokens,
                np.stack(weights).astype(np.float32),
                examples=prompt.example_at(count),
                answers=prompt.answered_at(count),
                logits=self.logits(reading, (last,)).logits[0],
            )

        return cached(("sources", digest(model), prompt, count), make)

    def _check(self, model: str, size: int) -> None:
        window = self.window(model)
        if size > window:
            raise TextTooLong(
                f"The prompt has {size:,} tokens; the context window has {window:,} positions. "
                "Shorten it, or take fewer examples."
            )

    def _read(self, model: str, prompt: Prompt, count: int) -> list[int]:
        # However long: a prompt over the window is counted to say what does not fit.
        return self.tokenized(model, prompt.text(count)).ids.tolist()


def _key(trial: Trial) -> str:
    told = hashlib.blake2b(repr(trial).encode("utf-8", "replace"), digest_size=16).hexdigest()
    return f"{KIND}:{digest(trial.model)}:{told}"
