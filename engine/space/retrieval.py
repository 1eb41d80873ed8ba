"""Passages ranked for a query: by the nearness of an encoder's vectors, and by words in common.

Vectors: cosine of pooled hidden states, as sentence encoders compare texts (Reimers and Gurevych
2019, arXiv 1908.10084). Words: BM25 in Lucene's form (Robertson and Zaragoza 2009, "The
Probabilistic Relevance Framework"), taken apart by word of the query, so that one sees what each
gave. Knows nothing of models: hidden states come in as arrays.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from engine.values import Frozen

Pooling = Literal["mean", "first token", "maximum"]
POOLINGS: tuple[Pooling, ...] = ("mean", "first token", "maximum")
K1, B = 1.5, 0.75  # how soon a repeated word stops to count; how much long passages are held back
MOST = 30  # passages
LONGEST = 1000  # characters of a passage and of a query
_WORD = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True, eq=False, slots=True)
class Ranking(Frozen):
    """Passages in the order of their scores, the best first; equal ones in the order given.

    `order[r]` is the passage (0-based) at rank r + 1, `scores` are by passage.
    """

    order: Int[np.ndarray, "passage"]
    scores: Float[np.ndarray, "passage"]

    def rank(self, passage: int) -> int:
        """The rank of a passage, 1 for the best."""
        return int(np.flatnonzero(self.order == passage)[0]) + 1


@dataclass(frozen=True, eq=False, slots=True)
class InCommon(Frozen):
    """BM25 of every passage, and how much each distinct word of the query gave to it."""

    words: tuple[str, ...]
    shares: Float[np.ndarray, "word passage"]
    ranking: Ranking


def words(text: str) -> list[str]:
    """The words of a text as BM25 compares them: lower case, no punctuation, no stemming.

    >>> words("Don't panic: the BANK!")
    ["don't", 'panic', 'the', 'bank']
    """
    return _WORD.findall(text.lower().replace("’", "'"))


def pooled(states: Float[np.ndarray, "token width"], pooling: Pooling) -> np.ndarray:
    """One vector [width] for a text, special tokens included as in sentence encoders."""
    if pooling == "first token":
        return states[0].astype(np.float64)
    wide = states.astype(np.float64)
    return wide.mean(axis=0) if pooling == "mean" else wide.max(axis=0)


def by_vectors(
    query: Float[np.ndarray, "width"], passages: Float[np.ndarray, "passage width"]
) -> Ranking:
    """Passages by the cosine between their vector and the query's; 0 where one has no length."""
    lengths = np.linalg.norm(passages, axis=1) * np.linalg.norm(query)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.where(lengths > 0, (passages @ query) / lengths, 0.0)
    return ranked(np.nan_to_num(cosine))


def by_words(query: str, passages: Sequence[str]) -> InCommon:
    """Passages by BM25: rare words of the query that a passage holds count most.

    score = Σ ln(1 + (N - n + 0.5) / (n + 0.5)) · f / (f + k1 · (1 - b + b · length / mean length))
    over the words of the query, repeated ones as often; n of N passages hold the word, f times.
    """
    held = [Counter(words(passage)) for passage in passages]
    lengths = np.array([sum(one.values()) for one in held], dtype=np.float64)
    mean = lengths.mean() if lengths.sum() else 1.0
    held_back = K1 * (1 - B + B * lengths / mean)
    asked = Counter(words(query))
    shares = np.zeros((len(asked), len(passages)))
    for row, (word, times) in enumerate(asked.items()):
        counts = np.array([one[word] for one in held], dtype=np.float64)
        having = int((counts > 0).sum())
        rarity = math.log(1 + (len(held) - having + 0.5) / (having + 0.5))
        shares[row] = times * rarity * counts / (counts + held_back)
    return InCommon(tuple(asked), shares, ranked(shares.sum(axis=0)))


def ranked(scores: Float[np.ndarray, "passage"]) -> Ranking:
    """The order of these scores."""
    return Ranking(np.argsort(-scores, kind="stable"), scores)
