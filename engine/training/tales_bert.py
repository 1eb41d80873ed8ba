"""`tales-bert`: an encoder-only model (BERT's architecture) that guesses masked words.

Reads paragraphs of the prose and the English side of the sentence pairs. Whole words are masked;
of those, 80 % become the mask token, 10 % another token, 10 % stay. Some rows are cut in two at a
full stop and joined as a sentence pair, so that the second segment's vector is learnt too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import nn
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

from engine.training import corpora, tokenizers
from engine.training.fit.loop import Batch, Schedule, Task
from engine.training.fit.packing import by_length, gathered, padded
from engine.training.measures import everyday

NAME = "tales-bert"
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the model; the defaults make the shipped one."""

    vocabulary: int = 6144
    width: int = 256
    layers: int = 4
    heads: int = 8
    positions: int = 256
    masked: float = 0.2
    joined: float = 0.2
    batch_tokens: int = 3072
    minutes: float = 25.0
    seed: int = 0
    schedule: Schedule = Schedule(matrices=2e-3, rest=2e-3)


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids that masking must know; `inside` marks those that continue a word."""

    pad: int
    start: int
    end: int
    mask: int
    stop: int
    inside: Bool[np.ndarray, "vocabulary"]


def prepare(corpus: Path, folder: Path, settings: Settings, *, fraction: float = 1.0) -> Task:
    """Everything the loop needs; `folder` may hold an earlier checkpoint's tokenizer."""
    torch.manual_seed(settings.seed)
    texts = training_texts(corpus, fraction=fraction)
    tokenizer = tokenizers.saved(folder) or tokenizers.word_piece(texts, size=settings.vocabulary)
    rows = windows(tokenizer, texts, length=settings.positions - 3)
    return Task(
        name=NAME,
        model=build(settings, tokenizer),
        tokenizer=tokenizer,
        batches=batches(rows, special_ids(tokenizer), settings),
        loss=loss,
        schedule=settings.schedule,
    )


def training_texts(corpus: Path, *, fraction: float) -> list[str]:
    """Paragraphs of the prose, then each English sentence once."""
    documents = corpora.prose(corpus, fraction=fraction).train
    paragraphs = [part for document in documents for part in document.split("\n\n")]
    pairs = corpora.pairs(corpus, fraction=fraction, never=everyday.both_sides()).train
    return paragraphs + list(dict.fromkeys(pair.english for pair in pairs))


def build(settings: Settings, tokenizer: PreTrainedTokenizerFast) -> BertForMaskedLM:
    """A fresh model; no dropout, as the text is hardly read twice."""
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings.width,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        intermediate_size=4 * settings.width,
        max_position_embeddings=settings.positions,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=0,  # [PAD] comes first in BERT_SPECIAL
    )
    return BertForMaskedLM(config)


def special_ids(tokenizer: PreTrainedTokenizerFast) -> Ids:
    """Look up what masking must know."""
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    pad, _, start, end, mask = range(len(tokenizers.BERT_SPECIAL))
    return Ids(
        pad=pad,
        start=start,
        end=end,
        mask=mask,
        stop=tokenizers.number(tokenizer, "."),
        inside=np.array([piece.startswith("##") for piece in pieces]),
    )


def windows(
    tokenizer: PreTrainedTokenizerFast, texts: list[str], *, length: int
) -> list[Int[np.ndarray, "token"]]:
    """Each text as ids without special tokens; longer ones are cut into several rows."""
    every = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    cut = (ids[at : at + length] for ids in every for at in range(0, len(ids), length))
    return [np.array(ids, dtype=np.int32) for ids in cut if len(ids) > 2]


def batches(rows: list[Int[np.ndarray, "token"]], ids: Ids, settings: Settings) -> Iterator[Batch]:
    """Rows of like length, with their special tokens, some joined as pairs, words masked."""
    rng = np.random.default_rng(settings.seed)
    lengths = np.array([len(row) + 3 for row in rows])
    for group, length in by_length(lengths, tokens=settings.batch_tokens, rng=rng):
        framed = [
            frame(rows[number], ids, rng=rng, join=rng.random() < settings.joined)
            for number in group
        ]
        tokens = padded([tokens for tokens, _ in framed], ids.pad, length=length)
        segments = padded([segments for _, segments in framed], 0, length=length)
        chosen = whole_words(tokens, ids, share=settings.masked, rng=rng)
        yield {
            "inputs": torch.from_numpy(hide(tokens, chosen, ids, rng=rng)),
            "mask": torch.from_numpy((tokens != ids.pad).astype(np.int64)),
            "segments": torch.from_numpy(segments),
            "targets": torch.from_numpy(np.where(chosen, tokens, IGNORED)),
            "places": torch.from_numpy(gathered(chosen)),
            "count": torch.tensor(int((tokens != ids.pad).sum())),
        }


def frame(
    row: Int[np.ndarray, "token"], ids: Ids, *, rng: np.random.Generator, join: bool
) -> tuple[list[int], list[int]]:
    """`[CLS] row [SEP]`, or `[CLS] a [SEP] b [SEP]` cut at a full stop, with the segments."""
    tokens = row.tolist()
    stops = [at + 1 for at in range(1, len(tokens) - 2) if tokens[at] == ids.stop] if join else []
    if not stops:
        return [ids.start, *tokens, ids.end], [0] * (len(tokens) + 2)
    cut = stops[int(rng.integers(len(stops)))]
    joined = [ids.start, *tokens[:cut], ids.end, *tokens[cut:], ids.end]
    return joined, [0] * (cut + 2) + [1] * (len(tokens) - cut + 1)


def whole_words(
    tokens: Int[np.ndarray, "row token"], ids: Ids, *, share: float, rng: np.random.Generator
) -> Bool[np.ndarray, "row token"]:
    """Choose about `share` of the words; a word's pieces are chosen together."""
    word = np.cumsum(~ids.inside[tokens], axis=1) - 1
    draws = rng.random(tokens.shape)
    chosen = np.take_along_axis(draws, np.maximum(word, 0), axis=1) < share
    return chosen & ~np.isin(tokens, (ids.pad, ids.start, ids.end))


def hide(
    tokens: Int[np.ndarray, "row token"],
    chosen: Bool[np.ndarray, "row token"],
    ids: Ids,
    *,
    rng: np.random.Generator,
) -> Int[np.ndarray, "row token"]:
    """Chosen tokens: 80 % become the mask token, 10 % any token, 10 % stay."""
    draws = rng.random(tokens.shape)
    other = rng.integers(0, len(ids.inside), tokens.shape)
    hidden = np.where(draws < 0.8, ids.mask, np.where(draws < 0.9, other, tokens))
    return np.where(chosen, hidden, tokens)


def loss(model: BertForMaskedLM, batch: Batch) -> torch.Tensor:
    """Mean negative log-likelihood of the chosen tokens, in nats."""
    states = model.bert(
        input_ids=batch["inputs"],
        attention_mask=batch["mask"],
        token_type_ids=batch["segments"],
    ).last_hidden_state
    logits = model.cls(states.flatten(0, 1)[batch["places"]])
    targets = batch["targets"].flatten()[batch["places"]]
    return nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED)
