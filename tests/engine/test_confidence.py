"""Scores of a given text, by hand and against the plain softmax."""

import numpy as np
import pytest

from engine.decoding.scoring import score


def test_four_logits_by_hand() -> None:
    logits = np.log(np.array([[0.5, 0.25, 0.25, 1e-9], [0.1, 0.7, 0.1, 0.1]], np.float32)) + 3
    found = score(logits, np.array([1, 1]))
    assert np.allclose(found.probabilities, [0.25, 0.7], atol=1e-6)
    assert list(found.rank) == [2, 1]
    assert found.entropy[0] == pytest.approx(1.5, abs=1e-5)
    assert list(found.best_ids[1][:1]) == [1]
    assert found.perplexity == pytest.approx((0.25 * 0.7) ** -0.5, rel=1e-5)


def test_probability_is_exp_of_logit_less_log_sum() -> None:
    logits = np.random.default_rng(1).normal(size=(5, 30)).astype(np.float32) * 4
    found = score(logits, np.arange(5))
    plain = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(found.best_probabilities, -np.sort(-plain, axis=1)[:, :10], atol=1e-6)
    assert np.allclose(found.log_sum, np.log(np.exp(logits).sum(axis=1)), atol=1e-5)
    assert np.allclose(found.entropy, -(plain * np.log2(plain)).sum(axis=1), atol=1e-4)
