"""The opened next token: counts and masses on the whole vocabulary, checked by hand."""

import numpy as np
import pytest

from engine.decoding import ranking, sampling
from engine.decoding.next_token import opened
from engine.decoding.sampling import STAGES, Sampling

FOUR = np.log(np.array([0.1, 0.5, 0.3, 0.1], dtype=np.float32))


def wide() -> np.ndarray:
    return (np.random.default_rng(11).normal(size=5000) * 3).astype(np.float32)


def test_candidates_come_in_the_order_of_their_probability():
    found = opened(FOUR, Sampling(), [], rows=2)
    assert found.ids.tolist() == [1, 2]
    assert found.own == pytest.approx([0.5, 0.3])
    assert found.others_own == pytest.approx(0.2)
    assert (found.others_kept, found.others_cut) == (2, 0)


def test_a_stop_says_how_many_are_left_and_what_they_hold():
    found = opened(FOUR, Sampling(top_k=3, top_p=0.6), [], rows=4)
    first, second = found.stops
    assert (first.stage, first.before, first.kept) == ("top_k", 4, 4)  # two equals share place 3
    assert (second.stage, second.before, second.kept) == ("top_p", 4, 2)
    assert second.mass == pytest.approx(0.8)
    assert [STAGES[i] if i >= 0 else "" for i in found.cut] == ["", "", "top_p", "top_p"]
    assert found.after[:2] == pytest.approx([0.5 / 0.8, 0.3 / 0.8])


def test_min_p_says_its_least_probability():
    (stop,) = opened(FOUR, Sampling(min_p=0.5), []).stops
    assert stop.limit == pytest.approx(0.25)


def test_greedy_stops_after_one():
    found = opened(FOUR, Sampling(temperature=0), [])
    assert (found.kept, found.stops[0].stage, found.after[0]) == (1, "temperature", 1.0)


def test_a_token_asked_for_is_listed_though_it_is_unlikely():
    logits = wide()
    last = int(np.argmin(logits))
    found = opened(logits, Sampling(), [], rows=5, also=[last, int(np.argmax(logits)), 99_999])
    assert found.ids[-1] == last and len(found.ids) == 6
    assert found.rank[-1] == 5000


@pytest.mark.parametrize(
    "setting",
    [
        Sampling(),
        Sampling(temperature=0.4),
        Sampling(temperature=0.7, top_k=40, top_p=0.9),
        Sampling(min_p=0.05, repetition=1.4, frequency=0.5, no_repeat=2),
        Sampling(typical=0.8),
    ],
    ids=str,
)
def test_shown_and_not_shown_make_up_the_whole(setting: Sampling):
    logits, ids = wide(), [1, 2, 3, 1]
    found = opened(logits, setting, ids, start=2)
    assert found.own.sum() + found.others_own == pytest.approx(1, abs=1e-5)
    assert found.after.sum() + found.others_after == pytest.approx(1, abs=1e-5)
    assert len(found.ids) + found.others_kept + found.others_cut == 5000
    after = ranking.probabilities(sampling.filtered(logits, setting, ids, start=2))
    np.testing.assert_allclose(found.after, after[found.ids], rtol=1e-5)
    # the formula on screen: exp(adjusted - highest) / total
    kept = found.cut < 0
    formula = np.exp(found.adjusted - found.highest) / found.total
    np.testing.assert_allclose(formula[kept], found.after[kept], rtol=1e-4)
