"""`tales-mini`: a decoder so small that its whole training can be kept, moment by moment.

Learns from the prose alone, with a vocabulary of its own that is a third of `tales-gpt`'s: bundles
of all moments are to take no more room than one model that comes along. The moments are shares of
the training, close together at its beginning, where most happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.training import corpora, tales_gpt, tokenizers
from engine.training.fit.loop import Batch, Schedule, Task

NAME = "tales-mini"
MOMENTS = (0.0, 1 / 512, 1 / 128, 1 / 40, 1 / 16, 1 / 6, 1 / 3, 2 / 3, 1.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the model; the defaults make the one that comes along."""

    vocabulary: int = 2048
    width: int = 96
    layers: int = 4
    heads: int = 6
    positions: int = 256
    batch_tokens: int = 2048
    minutes: float = 35.0
    seed: int = 0
    schedule: Schedule = Schedule(matrices=2e-3, rest=3e-3)

    def model(self) -> tales_gpt.Settings:
        """The sizes as `tales-gpt` calls them."""
        shared = ("vocabulary", "width", "layers", "heads", "positions")
        return tales_gpt.Settings(**{name: getattr(self, name) for name in shared})


def prepare(corpus: Path, folder: Path, settings: Settings, *, fraction: float = 1.0) -> Task:
    """Everything the loop needs; `folder` may hold an earlier checkpoint's tokenizer."""
    torch.manual_seed(settings.seed)
    texts = corpora.prose(corpus, fraction=fraction).train
    tokenizer = tokenizers.saved(folder) or tokenizers.byte_level(texts, size=settings.vocabulary)
    return Task(
        name=NAME,
        model=tales_gpt.build(settings.model(), tokenizer),
        tokenizer=tokenizer,
        batches=batches(tales_gpt.encode(tokenizer, texts), settings),
        loss=tales_gpt.loss,
        schedule=settings.schedule,
        moments=MOMENTS,
    )


def batches(prose: np.ndarray, settings: Settings) -> Iterator[Batch]:
    """Windows of the prose, a batch of `batch_tokens` tokens after the other."""
    rng = np.random.default_rng(settings.seed)
    rows = max(1, settings.batch_tokens // settings.positions)
    found = tales_gpt.windows(prose, rows, length=settings.positions, rng=rng)
    for number, ids in enumerate(found):
        yield tales_gpt.batch(torch.from_numpy(ids), halves=number % 4 != 0)
