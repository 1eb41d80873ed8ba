"""`fr-en`: an encoder-decoder (Marian's architecture) that translates French into English.

Sinusoidal positions as in the 2017 paper, one unigram vocabulary for both languages, label
smoothing. The decoder starts from the padding token and writes until `</s>`, as Marian does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import GenerationConfig, MarianConfig, MarianMTModel, PreTrainedTokenizerFast

from engine.training import corpora, tokenizers
from engine.training.fit.loop import Batch, Schedule, Task
from engine.training.fit.packing import by_length, gathered, padded
from engine.training.measures import everyday

NAME = "fr-en"
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the model; the defaults make the shipped one."""

    vocabulary: int = 6144
    width: int = 256
    inner: int = 768
    layers: int = 3
    heads: int = 8
    positions: int = 256
    dropout: float = 0.0
    smoothing: float = 0.1
    batch_tokens: int = 2048
    minutes: float = 35.0
    seed: int = 0
    schedule: Schedule = Schedule(matrices=2e-3, rest=2e-3)


def prepare(corpus: Path, folder: Path, settings: Settings, *, fraction: float = 1.0) -> Task:
    """Everything the loop needs; `folder` may hold an earlier checkpoint's tokenizer."""
    torch.manual_seed(settings.seed)
    pairs = corpora.pairs(corpus, fraction=fraction, never=everyday.both_sides()).train
    french, english = [pair.french for pair in pairs], [pair.english for pair in pairs]
    tokenizer = tokenizers.saved(folder) or tokenizers.unigram(
        french + english, size=settings.vocabulary
    )
    sources = tokenizer(french)["input_ids"]
    targets = tokenizer(english)["input_ids"]
    return Task(
        name=NAME,
        model=build(settings, tokenizer),
        tokenizer=tokenizer,
        batches=batches(
            sources, targets, settings, pad=tokenizers.number(tokenizer, tokenizers.PAD)
        ),
        loss=Loss(settings.smoothing),
        schedule=settings.schedule,
    )


def build(settings: Settings, tokenizer: PreTrainedTokenizerFast) -> MarianMTModel:
    """A fresh model; encoder, decoder and output share one matrix of token vectors."""
    pad = tokenizers.number(tokenizer, tokenizers.PAD)
    end = tokenizers.number(tokenizer, tokenizers.END)
    config = MarianConfig(
        vocab_size=len(tokenizer),
        decoder_vocab_size=len(tokenizer),
        max_position_embeddings=settings.positions,
        d_model=settings.width,
        encoder_layers=settings.layers,
        decoder_layers=settings.layers,
        encoder_attention_heads=settings.heads,
        decoder_attention_heads=settings.heads,
        encoder_ffn_dim=settings.inner,
        decoder_ffn_dim=settings.inner,
        activation_function="relu",
        dropout=settings.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        scale_embedding=True,
        share_encoder_decoder_embeddings=True,
        tie_word_embeddings=True,
        pad_token_id=pad,
        eos_token_id=end,
        bos_token_id=None,
        decoder_start_token_id=pad,
        forced_eos_token_id=None,
    )
    model = MarianMTModel(config)
    model.generation_config = GenerationConfig(
        pad_token_id=pad,
        eos_token_id=end,
        decoder_start_token_id=pad,
        bad_words_ids=[[pad]],
        max_length=settings.positions,
    )
    return model


def batches(
    sources: Sequence[list[int]], targets: Sequence[list[int]], settings: Settings, *, pad: int
) -> Iterator[Batch]:
    """Pairs of like length; the decoder reads the target one token late, from the pad token."""
    keep = [
        row
        for row, (source, target) in enumerate(zip(sources, targets, strict=True))
        if max(len(source), len(target)) < settings.positions
    ]
    lengths = np.array([max(len(sources[row]), len(targets[row])) for row in keep])
    rng = np.random.default_rng(settings.seed)
    for group, length in by_length(lengths, tokens=settings.batch_tokens, rng=rng):
        rows = [keep[number] for number in group]
        source = torch.from_numpy(padded([sources[row] for row in rows], pad, length=length))
        target = torch.from_numpy(padded([targets[row] for row in rows], IGNORED, length=length))
        late = torch.full_like(target, pad)
        late[:, 1:] = target[:, :-1].masked_fill(target[:, :-1] == IGNORED, pad)
        yield {
            "source": source,
            "source_mask": (source != pad).long(),
            "late": late,
            "targets": target,
            "places": torch.from_numpy(gathered(target.numpy() != IGNORED)),
            "count": (target != IGNORED).sum() + (source != pad).sum(),
        }


@dataclass(frozen=True, slots=True)
class Loss:
    """Mean negative log-likelihood of the target's tokens, in nats, with label smoothing."""

    smoothing: float

    def __call__(self, model: MarianMTModel, batch: Batch) -> torch.Tensor:
        """The loss of one batch; padding is left out before the big product."""
        states = model.model(
            input_ids=batch["source"],
            attention_mask=batch["source_mask"],
            decoder_input_ids=batch["late"],
            use_cache=False,
        ).last_hidden_state
        logits = model.lm_head(states.flatten(0, 1)[batch["places"]]) + model.final_logits_bias
        targets = batch["targets"].flatten()[batch["places"]]
        return nn.functional.cross_entropy(
            logits, targets, ignore_index=IGNORED, label_smoothing=self.smoothing
        )
