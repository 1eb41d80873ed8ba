"""A translation made without a model: a real search over logits that a table of words gives."""

from dataclasses import replace

import numpy as np

from engine.decoding.beams import Beam, Search
from engine.decoding.scoring import score
from engine.models.bundle import Generation
from pages.translation.story import Story

SOURCE = ("Le", "·chat", "·noir", "·dort", "·sur", "·le", "·vieux", "·can", "apé", ".", "</s>")
WORDS = ("</s>", " The", " black", " cat", " is", " sleeping", " sleeps", " on", " the", " old",
         " so", "fa", ".", " couch", " a", " dark")  # fmt: skip
SENTENCE = (1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 0)


def logits_after(path: tuple[int, ...]) -> np.ndarray:
    """Logits that prefer the sentence, with doubts that depend on what was written."""
    logits = np.random.default_rng([4, *path]).normal(size=len(WORDS)).astype(np.float32) * 1.3
    logits[SENTENCE[min(len(path), len(SENTENCE) - 1)]] += 4.0
    return logits


def story(search: Search | None = None, *, now: int | None = None, forced: int = 0) -> Story:
    """The winner of a search with its scores and attention that follows the diagonal."""
    beam, paths = Beam([1], search or Search(4, limit=16), Generation(start=0, ends=(0,))), [()]
    while not beam.done:
        beam.advance(np.stack([logits_after(path) for path in paths]))
        paths = [(*paths[r], int(t)) for r, t in zip(beam.rows, beam.ids, strict=True)]
    found = beam.found()
    ids = found.hypotheses[0].ids
    rows = np.stack([logits_after(ids[:t]) for t in range(len(ids))])
    made = Story(
        source=SOURCE,
        target=tuple(WORDS[i].replace(" ", "·") for i in ids),
        weights=diagonal(len(ids), len(SOURCE)),
        scored=score(rows, np.array(ids)),
        found=found,
        labels=dict(enumerate(WORDS)),
        forced=forced,
    )
    return replace(made, now=now)


def diagonal(rows: int, columns: int) -> np.ndarray:
    """Weights that sum to 1 and lie around the diagonal."""
    place = np.linspace(0, columns - 1, rows)[:, None] - np.arange(columns)[None]
    weights = np.exp(-(place**2) / 1.5) + 0.01
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
