"""Passages ranked for a query, once more: from the file, hidden states and the formula of BM25."""

from __future__ import annotations

import re
import tomllib
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from engine.values import Reading
from tests.engine.truths.raw import ENGINE, cosine, truth

FILE = Path(__file__).parents[3] / "assets" / "passages.toml"


def of(name: str) -> dict[str, Any]:
    sets = tomllib.loads(FILE.read_text("utf-8"))["set"]
    return next(one for one in sets if one["name"] == name)


def less(query: str, without: str) -> str:
    for word in without.split():
        query = re.sub(rf"(?:^|(?<=\s)){re.escape(word)}\??(?=\s|$)", "", query)
    return " ".join(query.split())


def bm25(name: str, without: str) -> np.ndarray:
    """Robertson and Zaragoza 2009, k1 = 1.5 and b = 0.75, one passage and word after the other."""
    one = of(name)
    held = [re.findall(r"[a-z0-9']+", text.lower()) for text in one["passages"]]
    mean = sum(map(len, held)) / len(held)
    scores = []
    for words in held:
        score = 0.0
        for word in re.findall(r"[a-z0-9']+", less(one["query"], without).lower()):
            having = sum(word in other for other in held)
            rarity = log(1 + (len(held) - having + 0.5) / (having + 0.5))
            often = words.count(word)
            score += rarity * often / (often + 1.5 * (0.25 + 0.75 * len(words) / mean))
        scores.append(score)
    return np.array(scores)


def cosines(model: str, name: str, after: int, pooling: str, without: str) -> np.ndarray:
    one = of(name)

    def vector(text: str) -> np.ndarray:
        rows = ENGINE.hidden(Reading(model, text), "encoder").states[after].astype(np.float64)
        return {"mean": rows.mean(0), "first token": rows[0], "maximum": rows.max(0)}[pooling]

    query = vector(less(one["query"], without))
    return np.array([cosine(query, vector(text)) for text in one["passages"]])


def ranks(scores: np.ndarray) -> np.ndarray:
    """How many have more, and one more."""
    return 1 + (scores[None, :] > scores[:, None]).sum(axis=1)


@truth
def first_by_words(model: str, text: str, passages: str, without: str = "") -> str:
    return of(passages)["passages"][int(bm25(passages, without).argmax())]


@truth
def first_by_vectors(
    model: str, text: str, passages: str, after: int, pooling: str = "mean", without: str = ""
) -> str:
    found = cosines(model, passages, after, pooling, without)
    return of(passages)["passages"][int(found.argmax())]


@truth
def rank_by_words(model: str, text: str, passages: str, without: str = "") -> float:
    return float(ranks(bm25(passages, without))[of(passages)["answers"] - 1])


@truth
def rank_by_vectors(
    model: str, text: str, passages: str, after: int, pooling: str = "mean", without: str = ""
) -> float:
    found = cosines(model, passages, after, pooling, without)
    return float(ranks(found)[of(passages)["answers"] - 1])


@truth
def ranks_changed(
    model: str, text: str, passages: str, without: str, after: int, pooling: str = "mean"
) -> float:
    before, now = (ranks(cosines(model, passages, after, pooling, out)) for out in ("", without))
    return float((before != now).sum())
