"""Sentences about heads hold the numbers of the head."""

import numpy as np

from engine.attention import heads
from pages.attention.words import (
    columns_of,
    fits,
    head_says,
    links_of,
    map_says,
    row_of,
    rows_of,
    spot_says,
)
from pages.pictures.scale import number
from tests.engine.hand_made import tokens_of
from tests.views.test_attention import shown


def measures(*matrices: np.ndarray) -> dict[str, np.ndarray]:
    n = matrices[0].shape[0]
    tokens = tokens_of(*[f" w{i}" for i in range(n)])
    open_cells = np.tri(n, dtype=bool)
    stack = np.stack([*matrices, heads.even(open_cells)]).astype(np.float32)
    return heads.measure(stack, kind="decoder", queries=tokens, keys=tokens, open_cells=open_cells)


def test_a_previous_token_head_is_told_with_its_share_and_what_an_even_head_has():
    n = 8
    back = np.zeros((n, n))
    back[0, 0] = 1
    for i in range(1, n):
        back[i, i - 1], back[i, i] = 0.75, 0.25
    even = np.mean([1 / (i + 1) for i in range(1, n)])
    assert head_says(measures(back), 0) == (
        f"75 % of the weight goes to the token just before (an even head: {even * 100:.0f} %)."
    )


def test_an_even_head_is_called_even():
    even = heads.even(np.tri(8, dtype=bool))
    assert head_says(measures(even), 0).startswith("Looks almost evenly at all it may see: 100 %")


def test_a_text_of_one_token_is_told_as_such():
    assert "One token" in head_says(measures(np.ones((1, 1))), 0)


def test_a_cross_head_is_told_by_how_straight_it_walks_along_the_source():
    source = tokens_of(*[f" s{i}" for i in range(8)])
    open_cells = np.ones((8, 8), dtype=bool)
    straight, spread = np.eye(8), np.full((8, 8), 1 / 8)
    stack = np.stack([straight, spread, spread]).astype(np.float32)
    found = heads.measure(stack, kind="cross", queries=source, keys=source, open_cells=open_cells)
    assert head_says(found, 0).startswith("It walks along the source") and "1.00" in head_says(
        found, 0
    )
    assert head_says(found, 1).startswith("It does not follow the order")


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
    assert said.startswith("“w3” + “w1” looks at") and said.endswith("mean of 2 words.")
    assert number(float(mean.max()), True) in said and "row sum 100 %" in said


def test_several_words_looked_at_are_told_by_their_sum():
    plain = shown(4)
    whole = np.nan_to_num(plain.weights[:, [0, 2]]).sum(axis=1)
    said = spot_says(plain, "k0 k2")
    assert said.startswith("“w0” + “w2” together get most from")
    assert number(float(whole.max()), True) in said and said.endswith("sum of 2 words.")


def test_the_table_lists_every_open_link_once():
    table = links_of(shown(4))
    assert len(table["weight"]) == 10 and table["looks"][-1] == "w3"
