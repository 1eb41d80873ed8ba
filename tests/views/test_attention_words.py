"""Sentences about heads hold the numbers of the head."""

import numpy as np

from engine.attention.baselines import uniform_baseline
from engine.attention.notable import Measured, measured, standing_out
from engine.values import Attention, Kind
from pages.attention.words import (
    columns_of,
    fits,
    head_says,
    links_of,
    map_says,
    notable_says,
    row_of,
    rows_of,
    spot_says,
)
from pages.pictures.scale import number
from tests.engine.hand_made import tokens_of
from tests.views.test_attention import shown


def measures(*matrices: np.ndarray, kind: Kind = "decoder") -> Measured:
    weights = np.stack(matrices).astype(np.float32)
    n, m = weights.shape[1:]
    queries, keys = (tokens_of(*[f" w{i}" for i in range(count)]) for count in (n, m))
    open_cells = np.tri(n, m, dtype=bool) if kind == "decoder" else np.ones((n, m), dtype=bool)
    scores = np.where(open_cells, 0, -np.inf).astype(np.float32)
    attention = Attention(weights, np.stack([scores] * len(weights)), None, None, None, None, 1.0)
    return measured(attention, kind=kind, queries=queries, keys=keys)


NAMES = [f"w{i}" for i in range(8)]


def test_a_previous_token_head_is_told_with_its_share_and_what_a_uniform_head_has():
    n = 8
    back = np.zeros((n, n))
    back[0, 0] = 1
    for i in range(1, n):
        back[i, i - 1], back[i, i] = 0.75, 0.25
    level = np.mean([1 / (i + 1) for i in range(1, n)])
    assert head_says(measures(back), 0, NAMES) == (
        f"attends 75 % to the previous token (uniform attention: {level * 100:.0f} %)."
    )


def test_a_uniform_head_is_called_uniform():
    level = uniform_baseline(np.tri(8, dtype=bool))
    said = head_says(measures(level), 0, NAMES)
    assert said == "attention is nearly uniform (entropy 100 % of maximum)."


def test_a_column_that_nearly_every_token_attends_to_is_called_an_attention_sink():
    sunk = np.full((8, 8), 0.1 / 7)
    sunk[:, 2] = 0.9
    said = head_says(measures(sunk, kind="encoder"), 0, NAMES)
    assert said == ("attention sink: tokens give “w2” 90 % on average (uniform attention: 12 %).")


def test_the_most_notable_head_is_told_with_both_of_its_baselines():
    n = 8
    back = 0.5 * np.eye(n, k=-1) + 0.5 * uniform_baseline(np.tri(n, dtype=bool))
    back[0, 0] = 1
    (best, *_) = standing_out([measures(back)])
    said = notable_says(best)
    assert best.measure.name == "previous" and "the previous token" in said
    for value in (best.value, best.uniform, best.columns):
        assert number(value, True) in said


def test_a_text_of_one_token_is_told_as_such():
    assert "one token" in head_says(measures(np.ones((1, 1))), 0, NAMES)


def test_a_cross_head_is_told_by_how_straight_it_walks_along_the_source():
    straight, spread = np.eye(8), np.full((8, 8), 1 / 8)
    found = measures(straight, spread, kind="cross")
    said = head_says(found, 0, NAMES)
    assert said.startswith("follows the order of the source") and "1.00" in said
    assert head_says(found, 1, NAMES).startswith("does not follow the order")


def test_the_map_is_told_by_its_strongest_link_that_had_a_choice():
    plain = shown()
    rows = np.where(np.isfinite(plain.weights), plain.weights, 0)[1:]
    i, j = np.unravel_index(rows.argmax(), rows.shape)
    assert map_says(plain, None).startswith(f"Strongest link: “w{i + 1}” to “w{j}”")


def test_a_selection_must_name_rows_and_columns_of_this_map():
    plain = shown(4)
    assert fits(plain, "q3 k0") and fits(plain, "k3")
    assert not fits(plain, "q4") and not fits(plain, "x1") and not fits(plain, "q3 kk")
    assert row_of(plain, "k1 q2") == 2 and row_of(plain, None) is None


def test_several_words_are_told_by_the_mean_of_where_they_look():
    plain = shown(4)
    assert rows_of(plain, "q3 q1 k0") == [3, 1] and columns_of(plain, "q3 k0") == [0]
    mean = np.nan_to_num(plain.weights[[3, 1]]).mean(axis=0)
    said = spot_says(plain, "q3 q1")
    assert said.startswith("“w3” + “w1” attend to") and said.endswith("mean over 2 queries.")
    assert number(float(mean.max()), True) in said and "row sum 100 %" in said


def test_several_words_looked_at_are_told_by_their_sum():
    plain = shown(4)
    whole = np.nan_to_num(plain.weights[:, [0, 2]]).sum(axis=1)
    said = spot_says(plain, "k0 k2")
    assert said.startswith("“w0” + “w2” get most from")
    assert number(float(whole.max()), True) in said and said.endswith("sum over 2 keys.")


def test_the_table_lists_every_open_link_once():
    table = links_of(shown(4))
    assert len(table["weight"]) == 10 and table["query"][-1] == "w3"
