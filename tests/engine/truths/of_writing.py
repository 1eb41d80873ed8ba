"""The next token, choosing and translating, once more."""

from __future__ import annotations

import re

import numpy as np

from engine.decoding.beams import Search
from engine.values import Reading
from tests.engine.truths.raw import (
    ENGINE,
    card,
    greedy_translation,
    ids_of,
    kept_by,
    next_logits,
    plain,
    said,
    softmax,
    start_of,
    truth,
    with_setting,
)

# --- The next token ---


@truth
def top_token(model: str, text: str) -> str:
    return said(model, int(next_logits(model, text).argmax()))


@truth
def top_probability(model: str, text: str) -> float:
    return 100 * float(softmax(next_logits(model, text)).max())


@truth
def entropy(model: str, text: str) -> float:
    p = softmax(next_logits(model, text))
    return float(-(p * np.log2(p)).sum())


def word_probability(model: str, text: str, word: str) -> float:
    """The product over the word's tokens, each read after the text and the tokens before it."""
    whole, own = 1.0, ids_of(model, text)
    for token in ENGINE.bare(model, " " + word).ids.tolist():
        whole *= float(softmax(ENGINE.following(model, tuple(own)))[token])
        own.append(token)
    return whole


@truth
def rank_of(model: str, text: str, word: str) -> float:
    p = softmax(next_logits(model, text))
    # A hair more than its own: the two runs differ in the last digit.
    return 1.0 + float((p > word_probability(model, text, word) * (1 + 1e-4)).sum())


@truth
def likelier(model: str, text: str, a: str, b: str) -> str:
    return max((a, b), key=lambda word: word_probability(model, text, word))


@truth
def rank_of_end(model: str, text: str) -> float:
    logits = next_logits(model, text)
    end = max(card(model).generation.ends, key=lambda i: logits[i])
    return 1.0 + float((logits > logits[end]).sum())


@truth
def order_matters(model: str, text: str, a: str, b: str) -> str:
    moved = " ".join({a: b, b: a}.get(word, word) for word in text.split())
    before, after = (softmax(next_logits(model, one)) for one in (text, moved))
    top = int(before.argmax())
    return "yes" if abs(before[top] - after[top]) > 0.005 else "no"


@truth
def top_fill(model: str, text: str) -> str:
    before = len(ENGINE.bare(model, text.split("[MASK]")[0]))  # and one start token
    logits = ENGINE.logits(Reading(model, text), (before + 1,)).logits[0]
    return said(model, int(logits.argmax()))


# --- Choosing ---


@truth
def kept(model: str, text: str, setting: str) -> float:
    return float(kept_by(next_logits(model, text), setting).sum())


@truth
def survives(model: str, text: str, place: int, setting: str) -> str:
    logits = next_logits(model, text)
    token = np.argsort(-logits, kind="stable")[place - 1]
    return "yes" if kept_by(logits, setting)[token] else "no"


@truth
def change_of_top(model: str, text: str, setting: str) -> str:
    logits = next_logits(model, text)
    change = with_setting(logits, setting).max() - softmax(logits).max()
    return "rises" if change > 0.005 else "falls" if change < -0.005 else "stays"


@truth
def top_chance_with(model: str, text: str, setting: str) -> float:
    return 100 * float(with_setting(next_logits(model, text), setting).max())


@truth
def repeats_after(model: str, text: str) -> float | str:
    ids, new = ids_of(model, text), []
    for _ in range(40):
        new.append(int(ENGINE.following(model, tuple(ids + new)).argmax()))
        part = new[-3:]
        letters = any(c.isalpha() for c in "".join(ENGINE.texts(model, part)))
        earlier = [new[i : i + 3] for i in range(len(new) - 3)]
        if len(part) == 3 and letters and part in earlier:
            return float(len(new))
    return "never"


# --- Translation ---


@truth
def written_word(model: str, text: str, place: int) -> str:
    written, _ = greedy_translation(model, text)
    return plain(ENGINE.texts(model, [written[place - 1]], "decoder")[0])


@truth
def translation_length(model: str, text: str) -> float:
    return float(len(greedy_translation(model, text)[0]))


def written_text(model: str, text: str) -> str:
    written, _ = greedy_translation(model, text)
    return "".join(ENGINE.texts(model, written[:-1], "decoder")).strip()


@truth
def translated_as(model: str, text: str, word: str) -> str:
    return "yes" if re.search(rf"\b{word}\b", written_text(model, text), re.I) else "no"


@truth
def least_sure(model: str, text: str) -> str:
    written, steps = greedy_translation(model, text)
    texts = ENGINE.texts(model, written[:-1], "decoder")
    chances = {
        i: step[token]
        for i, (token, step, one) in enumerate(zip(written, steps, texts, strict=False))
        if any(c.isalnum() for c in one)
    }
    return plain(texts[min(chances, key=lambda i: chances[i])])


@truth
def aligned(model: str, text: str, word: str) -> str:
    written, _ = greedy_translation(model, text)
    reading = Reading(model, text, (start_of(model), *written[:-1]))
    cross = np.stack([ENGINE.attention(reading, "cross", k).weights for k in range(3)])
    texts = [plain(one) for one in ENGINE.texts(model, written, "decoder")]
    row = cross.mean(axis=(0, 1))[texts.index(word)]
    source = ids_of(model, text)[:-1]  # the end token last
    return plain(ENGINE.texts(model, [source[int(row[: len(source)].argmax())]])[0])


@truth
def beam_finds_better(model: str, text: str, width: int = 4) -> str:
    """Both sentences scored token by token; the beam's own tokens are the engine's."""
    start, source = start_of(model), tuple(ids_of(model, text))
    greedy, _ = greedy_translation(model, text)
    beam = ENGINE.translation_trace(Reading(model, text), Search(width=width)).translation.written()
    logs = []
    for written in (greedy, list(beam)):
        steps = [
            softmax(ENGINE.following(model, (start, *written[:i]), source))[written[i]]
            for i in range(len(written))
        ]
        logs.append(float(np.log(steps).sum()))
    return "yes" if list(beam) != greedy and logs[1] > logs[0] + 1e-3 else "no"
