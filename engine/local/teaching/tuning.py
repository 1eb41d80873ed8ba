"""Tuned models beside the one they come from, and trainings of one's own."""

from __future__ import annotations

import numpy as np

from engine import policy
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.sampling import Sampling
from engine.errors import EmptyText, NotOffered, TextTooLong
from engine.jobs.registry import Job
from engine.local.teaching.objectives import Objectives
from engine.models import catalog, runtime
from engine.models.runtime import Bundle
from engine.policy import Visitor
from engine.settings import settings
from engine.store import cached
from engine.tokenizers.tokens import detokenize, tokenize
from engine.tuning import adapters, bits, folders, merging, packing, running, weights
from engine.tuning.adapters import Adapter, Card, Pair
from engine.tuning.asking import Changed, Written
from engine.tuning.plans import Own, Tuning

LONGEST = 2000  # characters of a text whose bits are counted
TOKENS = 80  # that a prompt is continued by, at most


class Tuned(Objectives):
    """The part of `engine.api.Engine` about tuning and training."""

    def adapters(self) -> tuple[Card, ...]:
        return folders.cards()

    def comes_along(self, adapter: str) -> bool:
        return folders.is_shipped(adapter)

    def packed(self, model: str, visitor: Visitor) -> bytes:
        policy.check_training(visitor)
        return packing.packed(catalog.find(model))

    def tuned_matrices(self, adapter: str) -> tuple[str, ...]:
        return tuple(name for name, one in _adapter(adapter).changes.items() if _is_matrix(one))

    def tuned_texts(
        self, adapter: str, prompt: str, *, count: int, temperature: float, seed: int
    ) -> Written:
        count = min(count, TOKENS)
        policy.check_text(prompt)
        policy.check_writing(2, count)
        card = folders.card(adapter)

        def make() -> Written:
            both = (self._base(card), self._tuned(adapter))
            texts = (_written(one, both[0], prompt, count, temperature, seed) for one in both)
            return Written(*texts)

        return cached(("tuned texts", _key(card), prompt, count, temperature, seed), make)

    def tuned_bits(self, adapter: str, text: str) -> Pair:
        if len(text) > LONGEST:
            raise TextTooLong(
                f"The text has {len(text):,} characters; at most {LONGEST:,} are compared here. "
                f"Shorten it by {len(text) - LONGEST:,}."
            )
        card = folders.card(adapter)

        def make() -> Pair:
            both = (self._base(card), self._tuned(adapter))
            return Pair(*(_bits(one, both[0], text) for one in both))

        return cached(("tuned bits", _key(card), text), make)

    def tuned_change(self, adapter: str, matrix: str) -> Changed:
        card = folders.card(adapter)

        def make() -> Changed:
            change = _adapter(adapter).changes.get(matrix)
            if change is None or not _is_matrix(change):
                raise NotOffered(f"{card.title} leaves {matrix[:60]!r} as it is.")
            before = weights.read(folders.base(card) / "model.onnx")[matrix]
            norm = float(np.linalg.norm(before))
            return Changed(change.delta(), change.singular_values().astype(np.float32), norm)

        return cached(("tuned change", _key(card), matrix), make)

    def save_tuned(self, adapter: str, visitor: Visitor) -> str:
        policy.check_training(visitor)
        card = folders.card(adapter)
        name = catalog.check_name(f"{card.base}-{card.name}")
        out = settings().models / name
        if not out.exists():
            merging.merge(folders.base(card), adapters.read(folders.folder(adapter)), out)
        return name

    def delete_adapter(self, adapter: str, visitor: Visitor) -> None:
        policy.check_training(visitor)
        folders.delete(adapter)

    def tune(self, plan: Tuning, visitor: Visitor) -> Job:
        return running.tune(plan, visitor)

    def train_own(self, text: str, plan: Own, name: str, visitor: Visitor) -> Job:
        return running.train_own(text, plan, name, visitor)

    def trainings(self, visitor: Visitor) -> tuple[Job, ...]:
        return running.trainings(visitor)

    def finish_training(self, job: Job, visitor: Visitor) -> None:
        running.finish(job, visitor)

    def _base(self, card: Card) -> Bundle:
        return runtime.open_bundle(folders.base(card))

    def _tuned(self, adapter: str) -> Bundle:
        return runtime.open_bundle(folders.merged(adapter))


def _adapter(name: str) -> Adapter:
    place, card = folders.folder(name), folders.card(name)
    return cached(("adapter", _key(card)), lambda: adapters.read(place))


def _key(card: Card) -> tuple[str, str]:
    return card.base_digest, card.sha256


def _is_matrix(change: adapters.Change) -> bool:
    return change.whole is None or change.whole.ndim == 2


def _written(
    bundle: Bundle, base: Bundle, prompt: str, count: int, temperature: float, seed: int
) -> str:
    # The base's tokenizer is the tuned one's too, and came with the app.
    ids = tokenize(base, prompt).ids.tolist()
    line = Line(Sampling(temperature=temperature))
    steps = generate(bundle, ids, [line], seed=seed, limit=count)
    new = [one.id for step in steps for one in step.written]
    return detokenize(base, new)


def _bits(bundle: Bundle, base: Bundle, text: str) -> float:
    ids = tokenize(base, text).ids
    if not len(ids):
        raise EmptyText("There is no text to measure: type a few words.")
    start = bundle.card.generation.start or 0
    found = bits.of_ids(bundle, np.array([start, *ids]))
    return found / len(text.encode("utf-8", "replace"))
