"""`tales-gpt`: a decoder-only model (GPT-2's architecture) that writes old tales.

Learns to continue the prose: documents are joined by the end-of-text token and cut into windows.
One window in four is as long as the model's positions, the others half as long: long windows cost
more, and yet the last positions must be learnt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from engine.training import corpora, tokenizers
from engine.training.loop import Batch, Schedule, Task

NAME = "tales-gpt"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the model; the defaults make the shipped one."""

    vocabulary: int = 6144
    width: int = 256
    layers: int = 6
    heads: int = 8
    positions: int = 512
    batch_tokens: int = 4096
    minutes: float = 45.0
    seed: int = 0
    schedule: Schedule = Schedule(matrices=2e-3, rest=3e-3)


def prepare(corpus: Path, folder: Path, settings: Settings, *, fraction: float = 1.0) -> Task:
    """Everything the loop needs; `folder` may hold an earlier checkpoint's tokenizer."""
    torch.manual_seed(settings.seed)
    texts = corpora.prose(corpus, fraction=fraction).train
    tokenizer = tokenizers.saved(folder) or tokenizers.byte_level(texts, size=settings.vocabulary)
    return Task(
        name=NAME,
        model=build(settings, tokenizer),
        tokenizer=tokenizer,
        batches=windows(encode(tokenizer, texts), settings),
        loss=loss,
        schedule=settings.schedule,
    )


def build(settings: Settings, tokenizer: PreTrainedTokenizerFast) -> GPT2LMHeadModel:
    """A fresh model; no dropout, as the text is hardly read twice."""
    end = tokenizers.number(tokenizer, tokenizers.END_OF_TEXT)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=settings.positions,
        n_embd=settings.width,
        n_layer=settings.layers,
        n_head=settings.heads,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=end,
        eos_token_id=end,
    )
    return GPT2LMHeadModel(config)


def encode(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> np.ndarray:
    """All documents as one row of ids, each one followed by the end-of-text token."""
    end = tokenizers.number(tokenizer, tokenizers.END_OF_TEXT)
    rows = tokenizer(texts, verbose=False)["input_ids"]
    return np.concatenate([np.array([*ids, end], dtype=np.int32) for ids in rows])


def windows(stream: np.ndarray, settings: Settings) -> Iterator[Batch]:
    """Every window of the text once an epoch, in random order, cut elsewhere in each epoch."""
    rng = np.random.default_rng(settings.seed)
    long = settings.positions
    rows = max(1, settings.batch_tokens // long)
    while True:
        offset = int(rng.integers(0, long))
        starts = np.arange(offset, len(stream) - long - 1, long)
        if len(starts) < rows:
            raise ValueError(f"{len(stream)} tokens are too few for {rows} windows of {long}")
        rng.shuffle(starts)
        for number, at in enumerate(range(0, len(starts) - rows + 1, rows)):
            chosen = np.stack([stream[s : s + long + 1] for s in starts[at : at + rows]])
            yield batch(torch.from_numpy(chosen.astype(np.int64)), halves=number % 4 != 0)


def batch(ids: torch.Tensor, *, halves: bool) -> Batch:
    """Inputs and the tokens that follow them, long windows cut in two where `halves`."""
    inputs, targets = ids[:, :-1], ids[:, 1:]
    if halves:
        inputs = inputs.reshape(2 * len(inputs), -1)
        targets = targets.reshape(2 * len(targets), -1)
    return {"inputs": inputs, "targets": targets, "count": torch.tensor(inputs.numel())}


def loss(model: GPT2LMHeadModel, batch: Batch) -> torch.Tensor:
    """Mean negative log-likelihood of the next token, in nats."""
    logits = model(input_ids=batch["inputs"], use_cache=False).logits
    return nn.functional.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten())
