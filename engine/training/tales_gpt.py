"""`tales-gpt`: a decoder-only model (GPT-2's architecture) that writes old tales.

Learns to continue the prose: documents are joined by the end-of-text token and cut into windows.
Beside them in every batch lie windows of generated lessons (see `lessons`), so that it also learns
to follow the examples of a prompt. One batch in four has windows as long as the model's positions,
in the others they are cut in two: long windows cost more, and yet the last positions must be
learnt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from engine.training import corpora, lessons, tokenizers
from engine.training.fit.loop import Batch, Schedule, Task

NAME = "tales-gpt"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the model; the defaults make the shipped one."""

    vocabulary: int = 6144
    width: int = 256
    layers: int = 6
    heads: int = 8
    positions: int = 512
    lessons: float = 0.25  # of the tokens, at most a third
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
        batches=batches(
            encode(tokenizer, texts), encode(tokenizer, generated(texts, settings)), settings
        ),
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


def generated(prose: list[str], settings: Settings) -> list[str]:
    """Lessons in their share of all characters, so that an epoch of both takes as long."""
    wanted = sum(map(len, prose)) * settings.lessons / (1 - settings.lessons)
    found: list[str] = []
    for text in lessons.texts(settings.seed):
        if wanted <= 0:
            return found
        found.append(text)
        wanted -= len(text)
    raise AssertionError("lessons never end")


def batches(prose: np.ndarray, taught: np.ndarray, settings: Settings) -> Iterator[Batch]:
    """Windows of both texts side by side, a batch of `batch_tokens` tokens after the other."""
    rng = np.random.default_rng(settings.seed)
    rows = max(2, settings.batch_tokens // settings.positions)
    few = max(1, round(rows * settings.lessons))
    pairs = zip(
        windows(prose, rows - few, length=settings.positions, rng=rng),
        windows(taught, few, length=settings.positions, rng=rng),
        strict=False,  # neither ends
    )
    for number, both in enumerate(pairs):
        yield batch(torch.from_numpy(np.concatenate(both)), halves=number % 4 != 0)


def windows(
    stream: np.ndarray, rows: int, *, length: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """`rows` windows of `length` + 1 ids at a time, for ever: every window of the text once an
    epoch, in random order, cut elsewhere in each epoch."""
    while True:
        offset = int(rng.integers(0, length))
        starts = np.arange(offset, len(stream) - length - 1, length)
        if len(starts) < rows:
            raise ValueError(f"{len(stream)} tokens are too few for {rows} windows of {length}")
        rng.shuffle(starts)
        for at in range(0, len(starts) - rows + 1, rows):
            chosen = [stream[s : s + length + 1] for s in starts[at : at + rows]]
            yield np.stack(chosen).astype(np.int64)


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
