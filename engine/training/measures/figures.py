"""What the shipped models can do, measured on held-out text through our own engine.

In: an opened bundle and held-out text. Out: plain numbers. Knows no torch: what is measured is what
the app runs, weights rounded as they are shipped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from tokenizers import Tokenizer

from engine.decoding.beams import Search
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.sampling import Sampling
from engine.decoding.translation import translate_all
from engine.models.runtime import Bundle
from engine.tokenizers.reader import Reader
from engine.trace.tracing import hidden
from engine.training import lessons
from engine.training.measures.homonyms import Homonym
from engine.tuning import bits
from engine.tuning.bits import predicted
from engine.values import Reading

# -- tales-gpt ----------------------------------------------------------------------------------


def tokenizer_of(bundle: Bundle) -> Tokenizer:
    """The whole tokenizer of a bundle that our own recipe made: the app opens but its names."""
    return Reader(bundle.folder / "tokenizer.json").tokenizer


def bits_per_byte(bundle: Bundle, texts: Sequence[str]) -> float:
    """Mean bits that a byte costs; each token sees at least 256 before it, or half a window."""
    bits = sum(text_bits(bundle, text) for text in texts)
    return bits / sum(len(text.encode("utf-8")) for text in texts)


def text_bits(bundle: Bundle, text: str) -> float:
    """Bits of one text, read after an end-of-text token."""
    ids = np.array([bundle.card.generation.start, *tokenizer_of(bundle).encode(text).ids])
    return bits.of_ids(bundle, ids)


def samples(bundle: Bundle, prompt: str, *, count: int, limit: int = 60) -> list[str]:
    """Seeded continuations at temperature 0.8, prompt included."""
    ids = tokenizer_of(bundle).encode(prompt).ids
    lines = [Line(Sampling(temperature=0.8), run=run) for run in range(count)]
    written: list[list[int]] = [[] for _ in lines]
    for step in generate(bundle, ids, lines, seed=0, limit=limit):
        for token in step.written:
            written[token.line].append(token.id)
    return [tokenizer_of(bundle).decode([*ids, *row]) for row in written]


def fluent(text: str) -> bool:
    """No four words three times over, and at least one sentence ends."""
    words = re.findall(r"[\w']+", text.lower())
    fours = Counter(zip(words, words[1:], words[2:], words[3:], strict=False))
    ends = re.search(r"[a-z][.!?]", text) is not None
    return ends and max(fours.values(), default=0) < 3


def in_context(bundle: Bundle, task: str, *, examples: int, count: int) -> float:
    """Share of held-out prompts of a task that greedy writing answers as it should, in [0, 1]."""
    items = lessons.prompts(task, examples, count=count)
    return sum(answered(bundle, item.asked) == item.answer for item in items) / len(items)


def answered(bundle: Bundle, prompt: str, *, limit: int = 30) -> str:
    """What greedy writing puts after a prompt, up to the end of its line."""
    decode = tokenizer_of(bundle).decode

    def line_is_over(new: Sequence[int]) -> bool:
        return "\n" in decode(list(new)).lstrip()

    ids = tokenizer_of(bundle).encode(prompt).ids
    greedy = [Line(Sampling(temperature=0))]
    steps = generate(bundle, ids, greedy, seed=0, limit=limit, ends=line_is_over)
    new = [token.id for step in steps for token in step.written]
    return decode(new).strip().split("\n")[0].strip()


# -- fr-en --------------------------------------------------------------------------------------


def translated(
    bundle: Bundle, sentences: Sequence[str], *, width: int, batch: int = 32
) -> list[str]:
    """Best translation of each sentence, greedy where `width` is 1."""
    # Sentences of like length share a batch: less padding, and they end together.
    order = sorted(range(len(sentences)), key=lambda at: len(sentences[at]))
    found = [""] * len(sentences)
    for start in range(0, len(order), batch):
        group = order[start : start + batch]
        readings = [Reading(bundle.card.name, sentences[at]) for at in group]
        for at, result in zip(
            group, translate_all(bundle, readings, Search(width=width)), strict=True
        ):
            found[at] = result.texts[0]
    return found


# -- tales-bert ---------------------------------------------------------------------------------


def masked_hits(
    bundle: Bundle, texts: Sequence[str], *, share: float = 0.15, seed: int = 0
) -> tuple[float, float]:
    """How often a masked piece is the likeliest guess, and among the five likeliest."""
    rng = np.random.default_rng(seed)
    ranks = np.concatenate([masked_ranks(bundle, text, share=share, rng=rng) for text in texts])
    return float((ranks < 1).mean()), float((ranks < 5).mean())


def masked_ranks(
    bundle: Bundle, text: str, *, share: float, rng: np.random.Generator
) -> Int[np.ndarray, "masked"]:
    """Mask about `share` of the words whole; the rank of each true piece among the guesses."""
    coded = tokenizer_of(bundle).encode(text)
    ids = np.array(coded.ids[: bundle.card.limit])
    chosen = chosen_words(coded.word_ids[: len(ids)], share=share, rng=rng)
    if not chosen.any():
        return np.array([], dtype=np.int64)
    places, mask = np.flatnonzero(chosen), bundle.card.mask
    if mask is None:
        raise ValueError(f"{bundle.card.name} has no mask token")
    logits = predicted(bundle, np.where(chosen, mask, ids)[None], places.tolist())[0]
    true = logits[np.arange(len(places)), ids[places]]
    return (logits > true[:, None]).sum(axis=1)


def chosen_words(
    words: Sequence[int | None], *, share: float, rng: np.random.Generator
) -> Bool[np.ndarray, "token"]:
    """Whole words at random; special tokens belong to no word."""
    known = sorted({word for word in words if word is not None})
    taken = {word for word in known if rng.random() < share}
    return np.array([word in taken for word in words])


def homonym_accuracy(bundle: Bundle, homonym: Homonym) -> Float[np.ndarray, "layer"]:
    """Leave-one-out: how often the nearest sentence, by the word's vector, has the same sense."""
    sentences = (*homonym.first, *homonym.second)
    sense = np.repeat([0, 1], [len(homonym.first), len(homonym.second)])
    states = np.stack([word_states(bundle, text, homonym.word) for text in sentences], axis=1)
    units = states / np.linalg.norm(states, axis=2, keepdims=True)
    cosine = units @ units.transpose(0, 2, 1)
    cosine[:, np.arange(len(sense)), np.arange(len(sense))] = -np.inf
    return (sense[cosine.argmax(axis=2)] == sense).mean(axis=1)


def word_states(bundle: Bundle, text: str, word: str) -> Float[np.ndarray, "layer width"]:
    """The word's hidden state in a sentence, from what enters layer 1 on; mean over its pieces."""
    match = re.search(rf"\b{word}\b", text, flags=re.IGNORECASE)
    if match is None:
        raise ValueError(f"{word!r} is not in {text!r}")
    found = hidden(bundle, Reading(bundle.card.name, text))
    spans = found.tokens.spans
    inside = (spans[:, 0] >= match.start()) & (spans[:, 1] <= match.end())
    return found.states[:, inside & ~found.tokens.special].mean(axis=1)
