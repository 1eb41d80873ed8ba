"""A map tells what was done to its weights, and its rows still sum to 1 where it says so."""

import numpy as np
import pytest

from engine.attention import maps
from engine.attention.maps import MapOptions, labels, prepared
from engine.values import Attention
from tests.engine.hand_made import tokens_of

TOKENS = tokens_of("<s>", "play", "ing", " on", ".", special=(0,))


def attention(seed: int = 0, n: int = 5) -> Attention:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(2, n, n)).astype(np.float32)
    scores[:, ~np.tri(n, dtype=bool)] = -np.inf
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    value = rng.normal(size=(2, n, 3)).astype(np.float32)
    return Attention(weights, scores, None, None, value, weights @ value, 1.0)


def shown(**options):
    return prepared(
        attention(),
        1,
        kind="decoder",
        queries=TOKENS,
        keys=TOKENS,
        options=MapOptions(**options),
        below=lambda: np.stack([attention().weights, attention(1).weights]),
    )


def test_a_map_without_options_is_the_head_itself_with_the_mask_marked():
    plain = shown()
    open_cells = np.tri(5, dtype=bool)
    assert (plain.weights[open_cells] == attention().weights[1][open_cells]).all()
    assert np.isnan(plain.weights[~open_cells]).all()
    assert plain.notes == () and plain.share and plain.kept.sum() == open_cells.sum()


@pytest.mark.parametrize(
    "options",
    [
        {"together": "mean"},
        {"together": "rollout"},
        {"hidden": "first"},
        {"hidden": "special"},
        {"hidden": "marks"},
        {"whole_words": True},
        {"together": "rollout", "hidden": "first", "whole_words": True},
    ],
)
def test_rows_of_shares_sum_to_one_and_every_option_is_said(options: dict):
    found = shown(**options)
    sums = np.nansum(found.weights, axis=1)
    assert found.share and len(found.notes) == len(options)
    assert sums[sums > 0] == pytest.approx(np.ones((sums > 0).sum()), abs=1e-5)


def test_a_map_that_is_no_share_says_so():
    assert not shown(together="max").share
    assert "no longer sum" in shown(together="max").notes[0]
    assert not shown(quantity="value").share


def test_hiding_the_first_token_says_that_the_rest_is_scaled():
    found = shown(hidden="first")
    assert np.isnan(found.weights[:, 0]).all()
    assert found.notes == (
        "The first token is ignored as key (1 column); each row is rescaled to 100 %.",
    )


def test_words_keep_a_way_back_to_their_first_token():
    found = shown(whole_words=True)
    assert found.rows == ("<s>", "playing", "on", ".")
    assert found.row_starts.tolist() == [0, 1, 3, 4]


def test_the_mass_filter_keeps_the_values_and_marks_the_links():
    found = shown(mass=0.5)
    assert (found.kept.sum(axis=1) >= 1).all()
    assert found.kept.sum() < np.isfinite(found.weights).sum()
    assert np.nansum(found.weights, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    assert found.notes[0].startswith(f"{found.kept.sum()} of 15 links shown")


def test_labels_show_the_text_and_the_bytes_of_half_characters():
    tokens = tokens_of("a", " b")
    assert labels(tokens) == ("a", "b")
    halves = tokens_of("é", "x")
    object.__setattr__(halves, "data", (b"\xc3", b"x"))
    assert labels(halves) == ("‹C3›", "x")


def test_a_map_until_a_token_is_the_map_of_the_text_so_far():
    part = shown(until=3)
    assert part.rows == part.columns == ("<s>", "play", "ing")
    assert np.array_equal(part.weights, shown().weights[:3, :3], equal_nan=True)
    assert "up to token 3" in part.notes[0]


def test_a_pair_keeps_the_links_from_one_sentence_to_the_other():
    pair = tokens_of("one", " two", " three", " four", " five")
    object.__setattr__(pair, "segments", np.array([0, 0, 1, 1, 1]))
    open_attention = Attention(
        np.full((1, 5, 5), 0.2, dtype=np.float32), None, None, None, None, None, 1.0
    )
    found = prepared(
        open_attention,
        0,
        kind="encoder",
        queries=pair,
        keys=pair,
        options=MapOptions(pair="B to A"),
    )
    assert found.rows == ("three", "four", "five") and found.columns == ("one", "two")
    assert found.row_starts.tolist() == [2, 3, 4]
    assert np.nansum(found.weights, axis=1) == pytest.approx([0.4] * 3)


def test_a_part_without_tokens_is_not_taken():
    assert shown(pair="B to B").weights.shape == (5, 5)
    assert "all are shown" in shown(pair="B to B").notes[-1]


def test_a_share_of_mass_beyond_one_is_refused():
    with pytest.raises(ValueError, match="mass"):
        MapOptions(mass=1.2)


def test_maps_of_unequal_texts_share_the_words_that_both_have():
    one = shown_of("the", " cat", " sat", " down")
    two = shown_of("[CLS]", "The", " old", " cat", " sat")
    first, second = maps.shared(one, two)
    assert first.rows == ("the", "cat", "sat") and second.rows == ("The", "cat", "sat")
    assert first.columns == first.rows and second.columns == second.rows
    assert np.array_equal(first.weights, one.weights[:3, :3], equal_nan=True)
    assert np.array_equal(second.weights, two.weights[np.ix_([1, 3, 4], [1, 3, 4])], equal_nan=True)
    assert second.row_starts.tolist() == [1, 3, 4]


def test_maps_of_equal_size_are_compared_cell_by_cell():
    one, two = shown_of("too", " tired"), shown_of("too", " wide")
    assert maps.shared(one, two) == (one, two)


def test_rows_are_taken_together_by_their_mean_and_columns_by_their_sum():
    one = shown_of("a", " b", " c")
    filled = np.nan_to_num(one.weights)
    rows = maps.rows_together(one, [0, 1])
    assert np.isnan(rows[2]) and np.allclose(rows[:2], filled[:2, :2].mean(axis=0))
    columns = maps.columns_together(one, [1, 2])
    assert np.isnan(columns[0]) and np.allclose(columns[1:], filled[1:, 1:].sum(axis=1))


def shown_of(*pieces: str) -> maps.Map:
    """A causal map whose weights differ from cell to cell."""
    tokens = tokens_of(*pieces)
    n = len(pieces)
    scores = np.where(np.tri(n, dtype=bool), np.arange(n * n).reshape(n, n) / n, -np.inf)
    scores = scores[None].astype(np.float32)
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    found = Attention(weights, scores, None, None, None, None, 1.0)
    return maps.prepared(found, 0, kind="decoder", queries=tokens, keys=tokens)


def test_several_heads_of_any_layers_are_put_together():
    layers = np.stack([attention().weights, attention(1).weights])
    chosen = ((0, 1), (1, 0))
    stack = np.stack([layers[layer, head] for layer, head in chosen])
    for how, expected in (("mean", stack.mean(axis=0)), ("max", stack.max(axis=0))):
        found = prepared(
            attention(),
            0,
            kind="decoder",
            queries=TOKENS,
            keys=TOKENS,
            options=MapOptions(together=how, several=chosen),
            several=lambda: stack,
        )
        assert np.allclose(np.nan_to_num(found.weights), expected)
        assert "2 heads: 1.2, 2.1" in found.notes[0] and found.share == (how == "mean")


def drained(**options):
    """The map of a head with a sink that takes a third of each row, a half in the other head."""
    plain, share = attention(), np.array([[0.5], [1 / 3]]) * np.ones((2, 5))
    found = Attention(
        plain.weights * (1 - share)[:, :, None],
        plain.scores,
        None,
        None,
        plain.value,
        plain.output,
        1.0,
        share.astype(np.float32),
    )
    return prepared(
        found,
        1,
        kind="decoder",
        queries=TOKENS,
        keys=TOKENS,
        options=MapOptions(**options),
        several=lambda: found.weights,
    )


@pytest.mark.parametrize(
    ("options", "sink"),
    [
        ({}, 1 / 3),
        ({"whole_words": True}, 1 / 3),
        ({"together": "mean"}, 5 / 12),
        ({"together": "mean", "pair": "A to A"}, 5 / 12),
    ],
)
def test_with_its_sink_every_row_sums_to_one(options: dict, sink: float):
    found = drained(**options)
    assert found.sink is not None and found.sink.shape == (len(found.rows),)
    assert found.sink == pytest.approx(sink)
    assert np.nansum(found.weights, axis=1) + found.sink == pytest.approx(1, abs=1e-5)
    assert maps.SINK in found.notes


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": "first"},
        {"quantity": "value"},
        {"together": "max"},
        {"together": "mean", "several": ((0, 0), (1, 1))},
    ],
)
def test_where_rows_are_changed_the_sink_is_not_a_part_of_them(options: dict):
    found = drained(**options)
    assert found.sink is None and maps.SINK not in found.notes
