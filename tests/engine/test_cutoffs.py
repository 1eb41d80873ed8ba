"""Running totals and temperatures of a ranking: what filters keep, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import Engine
from engine.decoding import sampling
from engine.decoding.ranking import probabilities
from engine.decoding.sampling import Sampling
from engine.distributions import cutoffs
from engine.values import Reading

FOUR = np.log(np.array([0.05, 0.5, 0.15, 0.3], dtype=np.float32))
SETTINGS = (("top_p", 0.8), ("top_k", 3), ("min_p", 0.5))


def test_four_tokens_by_hand() -> None:
    found = cutoffs.ranked(FOUR, SETTINGS)
    assert found.best.tolist()[:2] == [1, 3]
    assert np.allclose(found.share, [0.5, 0.3, 0.15, 0.05], atol=1e-6)
    assert np.allclose(found.total, [0.5, 0.8, 0.95, 1.0], atol=1e-6)
    by_name = {cut.name: cut for cut in found.cuts}
    assert by_name["top_k"].kept == 3 and by_name["min_p"].kept == 2
    assert by_name["min_p"].mass == pytest.approx(0.8, abs=1e-6)


def test_top_p_keeps_the_smallest_set_that_reaches_at_least_p() -> None:
    kept = {p: cutoffs.ranked(FOUR, [("top_p", p)]).cuts[0] for p in (0.4, 0.51, 0.85, 0.97)}
    assert [cut.kept for cut in kept.values()] == [1, 2, 3, 4]
    assert all(cut.mass >= p - 1e-6 for p, cut in kept.items())


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=300),
    st.floats(0.01, 0.99),
)
def test_one_token_less_would_not_reach_p(values: list[float], p: float) -> None:
    logits = np.array(values, dtype=np.float32)
    found = cutoffs.ranked(logits, [("top_p", p)])
    cut = found.cuts[0]
    order = np.sort(probabilities(logits))[::-1].astype(np.float64)
    assert cut.mass >= p - 1e-5
    assert order[: cut.kept - 1].sum() <= p + 1e-5
    assert found.ranks[0] == 1 and found.ranks[-1] == len(logits)
    assert (np.diff(found.total) >= 0).all()


def test_temperature_keeps_the_order_and_is_the_filter_itself() -> None:
    found = cutoffs.heated(FOUR, [0.5, 1.0, 2.0])
    assert np.allclose(found.share[1], [0.5, 0.3, 0.15, 0.05], atol=1e-6)
    squared = np.array([0.25, 0.09, 0.0225, 0.0025])
    assert np.allclose(found.share[0], squared / squared.sum(), atol=1e-6)
    assert (np.diff(found.share, axis=1) <= 1e-9).all()
    assert found.entropy[0] < found.entropy[1] < found.entropy[2]


def test_a_large_vocabulary_is_kept_at_a_few_hundred_ranks_and_cut_exactly() -> None:
    logits = np.random.default_rng(1).normal(size=50_000).astype(np.float32)
    found = cutoffs.ranked(logits, SETTINGS)
    assert len(found.ranks) < 330 and found.ranks[-1] == 50_000
    assert found.total[-1] == pytest.approx(1, abs=1e-4)
    kept = ~np.isneginf(sampling.filtered(logits, Sampling(top_p=0.8), ()))
    assert found.cuts[0].kept == kept.sum()


def test_the_sharp_and_the_flat_place_are_found_by_the_entropies_of_the_text(
    engine: Engine,
) -> None:
    reading = Reading("tales-gpt", "Once upon a time there was an old king who had three sons")
    bits = engine.next_token_entropies(reading)
    assert len(bits) == len(engine.tokens(reading))
    for place in cutoffs.sharp_and_flat(bits):
        logits = engine.logits(reading, (place,)).logits[0]
        assert sampling.entropy(probabilities(logits)) == pytest.approx(
            float(bits[place]), abs=1e-3
        )
    sharp, flat = cutoffs.sharp_and_flat(bits)
    assert bits[sharp] + 3 < bits[flat]
