"""Passages are ranked as a published BM25 and as plain cosines rank them."""

from __future__ import annotations

import bm25s
import numpy as np
import pytest

from engine.api import Engine
from engine.errors import NotOffered
from engine.space import retrieval
from engine.values import Reading

PASSAGES = (
    "A pharmacy sells medicine, soap and medicine.",
    "Someone left a bag.",
    "Keep it away from small children; don't wait.",
    "",
    "!!!",
)


@pytest.mark.parametrize(
    "query", ["medicine for someone", "soap soap bag", "don't", "nothing here", "", "A, a. a!"]
)
def test_bm25_is_that_of_a_library(query: str) -> None:
    library = bm25s.BM25(method="lucene", k1=retrieval.K1, b=retrieval.B)
    held = [retrieval.words(passage) for passage in PASSAGES]
    library.index(held, show_progress=False)
    known = [word for word in retrieval.words(query) if any(word in one for one in held)]
    expected = library.get_scores(known) if known else np.zeros(len(PASSAGES))
    found = retrieval.by_words(query, PASSAGES)
    np.testing.assert_allclose(found.ranking.scores, expected, atol=1e-6)
    np.testing.assert_allclose(found.shares.sum(axis=0), expected, atol=1e-6)
    assert found.words == tuple(dict.fromkeys(retrieval.words(query)))


def test_equal_scores_keep_the_order_given_and_ranks_begin_at_one() -> None:
    found = retrieval.ranked(np.array([0.0, 2.0, 0.0, 2.0]))
    assert found.order.tolist() == [1, 3, 0, 2]
    assert [found.rank(one) for one in range(4)] == [3, 1, 4, 2]


@pytest.mark.parametrize("pooling", retrieval.POOLINGS)
def test_vectors_are_pooled_over_all_tokens(pooling: retrieval.Pooling, engine: Engine) -> None:
    texts = ("The king was kind.", "A wolf ran.", "The queen was kind.")
    query, layer = "The king was good.", 3
    states = [engine.hidden(Reading("tales-bert", one)).states[layer] for one in (query, *texts)]
    plain = {
        "mean": lambda s: s.mean(0),
        "first token": lambda s: s[0],
        "maximum": lambda s: s.max(0),
    }
    q, *p = (plain[pooling](one.astype(np.float64)) for one in states)
    cosines = [float(q @ one / np.linalg.norm(q) / np.linalg.norm(one)) for one in p]
    found = engine.passages("tales-bert", query, texts, layer, pooling)
    np.testing.assert_allclose(found.scores, cosines, atol=1e-6)
    assert found.order.tolist() == sorted(range(3), key=lambda one: -cosines[one])


def test_a_vector_without_length_is_near_nothing() -> None:
    found = retrieval.by_vectors(np.ones(3), np.array([[0.0, 0, 0], [1, 1, 1]]))
    assert found.scores.tolist() == pytest.approx([0, 1])


def test_the_engine_bounds_what_it_is_given(engine: Engine) -> None:
    with pytest.raises(NotOffered, match="31 passages: at most 30"):
        engine.passages("tales-bert", "a", ("b",) * 31, 1, "mean")
    with pytest.raises(NotOffered, match="at most 1,000 characters"):
        engine.passages("tales-bert", "a" * 1001, ("b",), 1, "mean")
