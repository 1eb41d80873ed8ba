"""`tales-rnn`: a recurrent network that learns from what `tales-gpt` learns from.

Same texts, same lessons among them, same tokens: what differs is the architecture, and that the
windows are shorter. One of 512 tokens is 512 steps one after the other here, and most of what a
recurrent network can be taught about distance it learns from the last hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from engine.training import corpora, tales_gpt, tokenizers
from engine.training.fit.loop import Batch, Schedule, Task
from engine.training.fit.recurrent import Recurrent, RecurrentConfig

NAME = "tales-rnn"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the model; the defaults make the one that comes along."""

    width: int = 256
    hidden: int = 512
    positions: int = 256  # of a training window; the network itself knows no limit
    lessons: float = 0.25
    batch_tokens: int = 2048
    minutes: float = 35.0
    seed: int = 0
    schedule: Schedule = Schedule(matrices=2e-3, rest=3e-3)

    def reading(self) -> tales_gpt.Settings:
        """How the texts are read: what `tales-gpt` calls by the same names."""
        shared = ("positions", "lessons", "batch_tokens", "seed")
        return tales_gpt.Settings(**{name: getattr(self, name) for name in shared})


def prepare(corpus: Path, folder: Path, settings: Settings, *, fraction: float = 1.0) -> Task:
    """Everything the loop needs; the tokens are those of the `tales-gpt` that comes along."""
    torch.manual_seed(settings.seed)
    texts = corpora.prose(corpus, fraction=fraction).train
    tokenizer = tokenizers.saved(folder) or tokenizers.shipped("tales-gpt")
    reading = settings.reading()
    config = RecurrentConfig(len(tokenizer), settings.width, settings.hidden)
    return Task(
        name=NAME,
        model=Recurrent(config),
        tokenizer=tokenizer,
        batches=tales_gpt.batches(
            tales_gpt.encode(tokenizer, texts),
            tales_gpt.encode(tokenizer, tales_gpt.generated(texts, reading)),
            reading,
        ),
        loss=loss,
        schedule=settings.schedule,
    )


def loss(model: Recurrent, batch: Batch) -> torch.Tensor:
    """Mean negative log-likelihood of the next token, in nats."""
    logits = model(input_ids=batch["inputs"])
    return nn.functional.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten())
