"""Models used otherwise than they were made, and filters at two places, once more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.values import Change, Reading
from tests.engine.truths.raw import (
    ENGINE,
    card,
    greedy_translation,
    ids_of,
    kept_by,
    kind,
    next_logits,
    places,
    said,
    softmax,
    start_of,
    truth,
)


def made_by(maker: str, text: str) -> list[int]:
    return ENGINE.tokenized(maker, text).ids.tolist()


@truth
def same_permuted(model: str, text: str, positions: str) -> str:
    """By the words from the last to the first, as any order must do."""
    tokens = ENGINE.tokens(Reading(model, text))
    side = kind(model)
    assert side != "cross"
    own = np.flatnonzero(tokens.own)
    order = np.arange(len(tokens))
    order[own] = own[::-1]
    turned = np.empty_like(tokens.ids)
    turned[order] = tokens.ids
    here = Reading(model, text, change=Change(side, positions=positions, order=tuple(order)))  # type: ignore[arg-type]
    there = Reading(model, text, target=tuple(turned.tolist()))
    if positions == "off":
        there = replace(there, change=Change(side, positions="off"))
    one, two = (ENGINE.hidden(reading, side).states[-1] for reading in (here, there))
    return "yes" if np.allclose(one, two[order], atol=1e-3) else "no"


@truth
def same_id_elsewhere(model: str, text: str, word: str, maker: str) -> str:
    mine, theirs = (
        [ids_of(one, text)[i] for i in places(one, text, word)] for one in (model, maker)
    )
    return "yes" if mine == theirs else "no"


@truth
def read_as(model: str, text: str, word: str, maker: str) -> str:
    return said(model, made_by(maker, text)[places(maker, text, word)[0]])


@truth
def foreign_bits(model: str, text: str, maker: str) -> float:
    """From one prediction at a time, each after the ids before it or with its own masked."""
    ids, bits = made_by(maker, text), []
    if card(model).family == "decoder":
        for end in range(1, len(ids)):
            shares = softmax(ENGINE.following(model, tuple(ids[:end])))
            bits.append(-np.log2(shares[ids[end]]))
        return float(np.mean(bits))
    marks, mask = ENGINE.roles(model), card(model).mask
    assert mask is not None
    for at, own in enumerate(ids):
        if "unknown" in marks.get(own, "unknown"):
            hidden = (*ids[:at], mask, *ids[at + 1 :])
            found = ENGINE.logits(Reading(model, "", target=hidden), (at,)).logits[0]
            bits.append(-np.log2(softmax(found)[own]))
    return float(np.mean(bits))


@truth
def foreign_writes_same(model: str, text: str, maker: str) -> str:
    """By the first 16 tokens of greedy decoding."""

    def written(ids: list[int]) -> list[int]:
        new: list[int] = []
        source = tuple(ids) if card(model).family == "encoder-decoder" else ()
        start = [start_of(model)] if source else ids
        while len(new) < 16 and (not new or new[-1] not in card(model).generation.ends):
            logits = ENGINE.following(model, (*start, *new), source).astype(np.float64)
            logits[list(card(model).generation.banned)] = -np.inf
            new.append(int(logits.argmax()))
        return new

    if card(model).family == "encoder-decoder":
        assert written(ids_of(model, text)) == greedy_translation(model, text)[0][:16]
    return "yes" if written(ids_of(model, text)) == written(made_by(maker, text)) else "no"


@truth
def held_by(model: str, text: str, count: int) -> float:
    return float(100 * np.sort(softmax(next_logits(model, text)))[::-1][:count].sum())


@truth
def keeps_more(model: str, text: str, setting: str) -> str:
    rows = [
        ENGINE.logits(Reading(model, text), (at,)).logits[0]
        for at in range(len(ids_of(model, text)))
    ]
    shares = [softmax(row) for row in rows]
    bits = [-(p * np.log2(np.maximum(p, 1e-300))).sum() for p in shares]
    sharp, flat = (
        kept_by(rows[int(at)], setting).sum() for at in (np.argmin(bits), np.argmax(bits))
    )
    return "equal" if sharp == flat else "flat" if flat > sharp else "sharp"
