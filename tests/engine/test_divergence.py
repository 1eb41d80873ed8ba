"""Two models' predictions compared: by hand, against SciPy, and what may never happen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from engine.decoding.divergence import divergence


def test_by_hand() -> None:
    first = np.log([[0.5, 0.5, 1e-30], [0.9, 0.1, 1e-30]])
    second = np.log([[0.25, 0.75, 1e-30], [0.9, 0.1, 1e-30]])
    found = divergence(first, second + 7.0)  # logits have no zero of their own
    # 0.5 log2(0.5 / 0.25) + 0.5 log2(0.5 / 0.75)
    assert found.bits == pytest.approx([0.5 - 0.5 * np.log2(1.5), 0.0], abs=1e-12)
    assert found.best.tolist() == [[0, 0], [1, 0]] and found.differing == [0]
    assert found.sure == pytest.approx(np.array([[0.5, 0.9], [0.75, 0.9]]))


def test_banned_tokens_add_nothing() -> None:
    found = divergence(np.array([[0.0, 1.0, -np.inf]]), np.array([[0.0, 1.0, -np.inf]]))
    assert found.bits.tolist() == [0.0]


def test_other_shapes_are_a_mistake_of_code() -> None:
    with pytest.raises(ValueError, match=r"\(1, 2\) and \(1, 3\)"):
        divergence(np.zeros((1, 2)), np.zeros((1, 3)))


@given(st.integers(0, 2**32 - 1))
def test_against_scipy_and_never_below_zero(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0, 5, (2, 3, 11)).astype(np.float32)
    found = divergence(first, second)

    def shares(logits: np.ndarray) -> np.ndarray:
        powers = np.exp(logits.astype(np.float64))
        return powers / powers.sum(axis=1, keepdims=True)

    expected = entropy(shares(first), shares(second), base=2, axis=1)
    assert found.bits == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert (found.bits >= 0).all() and not divergence(first, first).bits.any()
