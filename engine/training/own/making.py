"""What is trained on a text of one's own: its tokenizer, a fresh model, windows, samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from engine.errors import NotAllowed
from engine.training import tales_gpt, tokenizers
from engine.training.fit.attention import NAME as PRODUCTS
from engine.tuning.plans import OWN_ROWS, POSITIONS, Own

HELD_OUT = 0.1  # the end of the text
MEASURED = 8  # windows of it at most
SHORT = 16  # tokens of a window at least
TEMPERATURE = 0.8


@dataclass(frozen=True, slots=True)
class Made:
    """All that a training needs."""

    model: GPT2LMHeadModel
    tokenizer: PreTrainedTokenizerFast
    batches: Iterator[torch.Tensor]
    held_out: torch.Tensor
    start: int


def made(text: str, plan: Own, vocabulary: int) -> Made:
    """A tokenizer of the text's own, a model of random weights, windows of its tokens."""
    torch.manual_seed(plan.seed)
    at = int(len(text) * (1 - HELD_OUT))
    tokenizer = tokenizers.byte_level([text[:at]], size=vocabulary)
    settings = tales_gpt.Settings(
        width=plan.width, layers=plan.layers, heads=plan.heads, positions=POSITIONS
    )
    model = tales_gpt.build(settings, tokenizer)
    model.set_attn_implementation(PRODUCTS)
    learnt, rest = (tales_gpt.encode(tokenizer, [part]) for part in (text[:at], text[at:]))
    length = min(POSITIONS, len(learnt) // 4, len(rest) - 2)
    if length < SHORT:
        raise NotAllowed(
            f"The text has {len(learnt) + len(rest):,} tokens: too few to hold some of them out. "
            "Give a longer text."
        )
    return Made(
        model,
        tokenizer,
        _windows(learnt, length, plan.seed),
        _held_out(rest, length),
        tokenizers.number(tokenizer, tokenizers.END_OF_TEXT),
    )


def written(made: Made, count: int) -> str:
    """What the model writes from nothing, the same draws at every look."""
    chance = torch.Generator().manual_seed(0)
    ids = torch.tensor([[made.start]])
    made.model.eval()
    with torch.no_grad():
        for _ in range(count):
            logits = made.model(input_ids=ids[:, -POSITIONS:]).logits[0, -1]
            shares = torch.softmax(logits / TEMPERATURE, -1)
            drawn = torch.multinomial(shares, 1, generator=chance)
            if drawn.item() == made.start:
                break
            ids = torch.cat([ids, drawn[None]], 1)
    return str(made.tokenizer.decode(ids[0, 1:]))


def _windows(stream: np.ndarray, length: int, seed: int) -> Iterator[torch.Tensor]:
    """Windows at random places: a short text has too few that do not overlap."""
    rng = np.random.default_rng(seed)
    while True:
        starts = rng.integers(0, len(stream) - length, OWN_ROWS)
        rows = [stream[start : start + length + 1] for start in starts]
        yield torch.from_numpy(np.stack(rows).astype(np.int64))


def _held_out(stream: np.ndarray, length: int) -> torch.Tensor:
    starts = np.linspace(0, len(stream) - length - 1, MEASURED).astype(int)
    rows = [stream[start : start + length + 1] for start in np.unique(starts)]
    return torch.from_numpy(np.stack(rows).astype(np.int64))
