"""Combining, hiding, thinning and merging of weights, on matrices with known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.attention import transforms
from engine.values import Attention
from tests.engine.hand_made import tokens_of

W = np.array([[1, 0, 0], [0.6, 0.4, 0], [0.5, 0.2, 0.3]], dtype=np.float32)
OPEN = np.tri(3, dtype=bool)


def test_masked_cells_are_not_numbers():
    found = transforms.masked(W, OPEN)
    assert np.isnan(found[~OPEN]).all() and (found[OPEN] == W[OPEN]).all()


def test_mean_of_heads_keeps_rows_at_one_and_max_takes_the_largest():
    other = np.eye(3, dtype=np.float32)
    stack = np.stack([W, other])
    assert transforms.combine(stack, "mean").sum(axis=-1) == pytest.approx([1, 1, 1])
    assert transforms.combine(stack, "max")[1].tolist() == pytest.approx([0.6, 1, 0])


def test_rollout_of_one_layer_is_half_the_mean_and_half_the_token_itself():
    found = transforms.rollout(W[None, None])
    assert found[2].tolist() == pytest.approx([0.25, 0.1, 0.65])


def test_rollout_of_two_layers_multiplies_the_later_onto_the_earlier():
    swap = np.array([[0, 1], [1, 0]], dtype=np.float32)
    look = np.array([[1, 0], [1, 0]], dtype=np.float32)
    # layer 1 mixes half and half; layer 2's token 2 takes half of token 1 and half of itself
    found = transforms.rollout(np.stack([swap[None], look[None]]))
    assert found[1].tolist() == pytest.approx([0.5, 0.5])
    assert found[0].tolist() == pytest.approx([0.5, 0.5])


def test_hidden_keys_are_gone_and_the_rest_of_the_row_sums_to_one():
    found = transforms.without(W, np.array([True, False, False]))
    assert np.isnan(found[:, 0]).all()
    assert found[2, 1:].tolist() == pytest.approx([0.4, 0.6])
    assert np.isnan(found[0]).all()  # all its weight was on the hidden key


def test_the_smallest_set_of_links_that_carries_seventy_percent():
    found = transforms.carrying(W, 0.7)
    assert found.tolist() == [[True, False, False], [True, True, False], [True, False, True]]


def test_all_the_weight_is_carried_by_the_links_that_have_any():
    assert (transforms.carrying(W, 1.0) == (W > 0)).all()


@given(st.integers(1, 20), st.floats(0.05, 1), st.integers(0, 2**32 - 1))
def test_kept_links_carry_the_share_and_none_is_spare(n: int, share: float, seed: int):
    rng = np.random.default_rng(seed)
    w = rng.dirichlet(np.full(n, 0.3), size=4).astype(np.float32)
    kept = transforms.carrying(w, share)
    carried = (w * kept).sum(axis=-1)
    least = np.where(kept, w, np.inf).min(axis=-1)
    assert (carried >= share * w.sum(axis=-1) - 1e-5).all()
    assert (carried - least < share + 1e-5).all()


def test_words_join_subwords_and_stop_at_spaces_punctuation_and_specials():
    tokens = tokens_of("[CLS]", "play", "ing", " chess", ",", " eh", "[SEP]", special=(0, 6))
    assert transforms.words(tokens).tolist() == [0, 1, 1, 2, 3, 4, 5]


def test_a_merged_map_sums_keys_averages_queries_and_keeps_rows_at_one():
    found = transforms.merge(W, np.array([0, 1, 1]), np.array([0, 1, 1]))
    assert found == pytest.approx(np.array([[1, 0], [0.55, 0.45]]))


def test_a_merged_cell_is_masked_only_when_all_its_cells_are():
    found = transforms.merge(transforms.masked(W, OPEN), np.array([0, 0, 1]), np.array([0, 1, 2]))
    assert np.isnan(found[0, 2]) and found[0, 1] == pytest.approx(0.2)


def test_blocks_average_open_cells_only():
    found = transforms.blocks(transforms.masked(W, OPEN), 2)
    assert found[0, 0] == pytest.approx((1 + 0.6 + 0.4) / 3)
    assert np.isnan(found[0, 1]) and found[1, 1] == pytest.approx(0.3)


def _attention(seed: int = 0) -> Attention:
    rng = np.random.default_rng(seed)
    q, k, v = (rng.normal(size=(2, 3, 4)).astype(np.float32) for _ in range(3))
    scores = q @ k.swapaxes(-1, -2) * 0.5
    scores[:, ~OPEN] = -np.inf
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return Attention(weights, scores, q, k, v, weights @ v, 0.5)


def test_a_value_weighted_link_is_the_length_of_what_it_adds():
    attention = _attention()
    found = transforms.value_weighted(attention, 1)
    assert found is not None and attention.value is not None
    expected = np.linalg.norm(attention.weights[1, 2, 0] * attention.value[1, 0])
    assert found[2, 0] == pytest.approx(expected, rel=1e-5)


def test_the_numbers_inside_a_head_multiply_out():
    attention = _attention()
    found = transforms.inside(attention, head=1, query=2, key=1)
    assert found is not None and attention.value is not None
    assert found.products.sum() == pytest.approx(found.dot)
    assert found.dot * found.scale + found.bias == pytest.approx(found.score, abs=1e-5)
    softmax = np.exp(found.scores) / np.exp(found.scores).sum()
    assert softmax == pytest.approx(found.weights, abs=1e-5)
    assert found.weights @ attention.value[1] == pytest.approx(found.output, abs=1e-5)
    assert found.bias == 0


def test_a_position_bias_is_what_the_product_does_not_explain():
    plain = _attention()
    assert plain.scores is not None
    biased = Attention(
        plain.weights, plain.scores + 2, plain.query, plain.key, plain.value, plain.output, 0.5
    )
    found = transforms.inside(biased, head=0, query=2, key=0)
    assert found is not None and found.bias == pytest.approx(2, abs=1e-5)


def test_a_family_without_queries_has_no_inside():
    plain = _attention()
    bare = Attention(plain.weights, None, None, None, None, None, 0.5)
    assert transforms.inside(bare, head=0, query=0, key=0) is None
    assert transforms.value_weighted(bare, 0) is None
