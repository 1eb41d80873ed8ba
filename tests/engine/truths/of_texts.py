"""Tokens, models and vectors, once more."""

from __future__ import annotations

import json
import re

import numpy as np

from engine.values import Reading
from tests.engine.truths.raw import (
    ENGINE,
    SHIPPED,
    all_weights,
    card,
    cosine,
    ids_of,
    next_logits,
    places,
    said,
    states,
    truth,
)

# --- Tokens ---


@truth
def token_count(model: str, text: str) -> float:
    data = json.loads((SHIPPED / model / "tokenizer.json").read_text("utf-8"))
    special = {one["id"] for one in data["added_tokens"] if one["special"]}
    return float(sum(i not in special for i in ids_of(model, text)))


@truth
def tokens_of(model: str, text: str, word: str) -> float:
    return float(len(places(model, text, word)))


@truth
def is_one_token(model: str, text: str, word: str) -> str:
    return "yes" if len(places(model, text, word)) == 1 else "no"


@truth
def most_split_word(model: str, text: str) -> str:
    words = re.findall(r"\w+(?:['’]\w+)*|[^\w\s]", text)
    counts = {w: len(ENGINE.bare(model, w if text.startswith(w) else " " + w)) for w in words}
    return max(counts, key=lambda word: counts[word])


@truth
def same_id_twice(model: str, text: str, word: str) -> str:
    ids = ids_of(model, text)
    first, second = ([ids[i] for i in places(model, text, word, nth)] for nth in (1, 2))
    return "yes" if first == second else "no"


# --- Models ---


@truth
def has_template(model: str, text: str) -> str:
    written = json.loads((SHIPPED / model / "card.json").read_text("utf-8"))
    return "yes" if written.get("template") else "no"


@truth
def family(model: str, text: str) -> str:
    towers = (card(model).encoder is not None, card(model).decoder is not None)
    return {(True, False): "encoder", (False, True): "decoder"}.get(towers, "encoder-decoder")


@truth
def parameters(model: str, text: str) -> float:
    """From the architectures: matrices and biases of each part, counted."""
    d, words = 256, 6144
    block = 12 * d * d + 13 * d  # four square matrices, a feed-forward four times as wide, norms
    if model == "tales-gpt":
        count = words * d + 512 * d + 6 * block + 2 * d
    elif model == "tales-bert":
        head = d * d + d + 2 * d + words
        count = (words + 256 + 2) * d + 2 * d + 4 * block + head
    else:
        inner = 768  # a feed-forward three times as wide
        narrow = 4 * d * d + 4 * d + 2 * d * inner + inner + d + 4 * d
        cross = 4 * d * d + 4 * d + 2 * d
        count = words * d + 2 * 256 * d + 3 * narrow + 3 * (narrow + cross)
    return count / 1e6


@truth
def layer_count(model: str, text: str) -> float:
    return float(len(states(model, text)) - 1)


@truth
def head_count(model: str, text: str) -> float:
    return float(np.prod(all_weights(model, text).shape[:2]))


@truth
def vector_width(model: str, text: str) -> float:
    return float(ENGINE.vectors(model, "token").shape[1])


@truth
def position_kind(model: str, text: str) -> str:
    """Waves in pairs of sine and cosine have rows of one length; learned rows do not."""
    lengths = np.linalg.norm(ENGINE.vectors(model, "position").astype(np.float64), axis=1)
    return "sinusoidal" if np.allclose(lengths, lengths[0], rtol=1e-3) else "learned"


@truth
def vocabulary_size(model: str, text: str) -> float:
    return float(len(next_logits(model, text)))


@truth
def room_left(model: str, text: str) -> float:
    return float(len(ENGINE.vectors(model, "position")) - len(ids_of(model, text)))


# --- Vectors ---


def nearest_word(model: str, vector: np.ndarray, without: list[str]) -> str:
    table = ENGINE.vectors(model, "token").astype(np.float64)
    close = table @ vector / np.maximum(np.linalg.norm(table, axis=1), 1e-12)
    for token in np.argsort(-close):
        name = said(model, int(token))
        if name.isalpha() and name not in without:
            return name
    raise AssertionError("no word is near")


def row_of(model: str, word: str) -> np.ndarray:
    (token,) = ENGINE.bare(model, " " + word).ids.tolist()
    return ENGINE.vectors(model, "token")[token].astype(np.float64)


@truth
def nearest(model: str, text: str, word: str) -> str:
    return nearest_word(model, row_of(model, word), [word])


@truth
def analogy(model: str, text: str, a: str, b: str, c: str) -> str:
    vector = row_of(model, a) - row_of(model, b) + row_of(model, c)
    return nearest_word(model, vector, [a, b, c])


def twins(model: str, text: str, word: str) -> list[float]:
    first, second = (places(model, text, word, nth)[0] for nth in (1, 2))
    return [cosine(one[first], one[second]) for one in states(model, text)]


@truth
def parting_layer(model: str, text: str, word: str) -> str:
    return f"layer {1 + int(np.argmin(twins(model, text, word)[1:]))}"


@truth
def twins_alike(model: str, text: str, word: str, after: int) -> float:
    return twins(model, text, word)[after]


@truth
def same_word_enters_equal(model: str, text: str, word: str) -> str:
    tokens, positions = (ENGINE.vectors(model, name) for name in ("token", "position"))
    ids = ids_of(model, text)
    a, b = (places(model, text, word, nth)[0] for nth in (1, 2))
    sums = [tokens[ids[i]] + positions[i] for i in (a, b)]
    return "yes" if np.allclose(*sums, atol=1e-5) else "no"


@truth
def sees_what_follows(model: str, text: str, word: str) -> str:
    end = re.search(rf"\b{word}\b", text, re.IGNORECASE).end()  # type: ignore[union-attr]
    whole, short = (
        states(model, one)[-1][places(model, one, word)[-1]] for one in (text, text[:end])
    )
    return "no" if np.allclose(whole, short, atol=1e-3) else "yes"


@truth
def largest_update(model: str, text: str) -> str:
    stream = states(model, text)[:, -1].astype(np.float64)
    added = np.sqrt(((stream[1:] - stream[:-1]) ** 2).sum(axis=1))
    return f"layer {1 + int(added.argmax())}"


@truth
def settles_at(model: str, text: str) -> float:
    last = len(ids_of(model, text)) - 1
    tops = ENGINE.logit_lens(Reading(model, text), "decoder", last).argmax(axis=1)
    assert tops[-1] == next_logits(model, text).argmax()
    others = np.flatnonzero(tops != tops[-1])
    return float(others[-1] + 1 if len(others) else 0)
