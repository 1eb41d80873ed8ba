"""Pictures of differences: before and after, layer by layer, one sentence minus another."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from pages.attention.layers import token_ranks_picture
from pages.attention.map.picture import difference_map
from pages.attention.whatif.picture import most_changed, probability_changes
from pages.pictures import logit_lens
from pages.pictures.scale import number
from tests.views.test_attention import matrices, parsed, shown, texts, values_of


def test_the_words_shown_are_the_likeliest_before_or_after():
    before, after = np.array([0.6, 0.3, 0.1, 0.0]), np.array([0.1, 0.3, 0.05, 0.55])
    assert most_changed(before, after, 3) == [0, 3, 1]


def test_a_change_is_written_with_its_direction_and_size():
    picture = probability_changes(["<a>", "b", "c"], [0.2, 0.3, 0.1], [0.5, 0.1, 0.1], title="t")
    said = texts(picture)
    assert "▲ +30.0 points" in said and "▼ -20.0 points" in said and "= no change" in said
    assert said.count("50 %") == 1 and "<a>" in said


def test_the_difference_map_is_signed_with_zero_in_the_middle():
    one, two = shown(pieces=["a", " b", " c"]), shown(pieces=["a", " b", " d"], together="mean")
    picture = difference_map(one, two, title="t")
    (matrix,) = matrices(picture)
    expected = two.weights - one.weights
    assert values_of(matrix) == pytest.approx(expected, abs=1e-3, nan_ok=True)
    high = number(float(np.nanmax(np.abs(expected))), True)
    assert f"−{high}" in texts(picture) and f"+{high}" in texts(picture) and "0" in texts(picture)
    assert "c|d" in texts(picture)


def said(*words: str) -> logit_lens.Said:
    return logit_lens.Said(words, tuple(0.5 / (i + 1) for i in range(len(words))))


def test_the_lens_has_the_input_at_the_bottom_and_the_output_on_top():
    picture = logit_lens.lens_grid(
        [(4, "The"), (5, " cat")], [[said("in"), said("x")], [said("out"), said("y")]], title="t"
    )
    place = {"".join(t.itertext()): float(t.get("y") or 0) for t in _texts(picture)}
    assert place["out"] < place["in"] < place["The"]
    ids = [g.get("data-id") for g in parsed(picture).iter() if g.get("data-id")]
    assert set(ids) == {"q4", "q5"}


def test_the_rank_of_the_final_word_is_written_for_every_layer_with_its_direction():
    best = said(*"abcde")
    picture = logit_lens.layer_table([best] * 3, [900, 4, 12], word="a", title="t")
    assert "▲ 4" in texts(picture) and "▼ 12" in texts(picture)


def test_what_a_layer_raised_and_lowered_most_is_named():
    moved = logit_lens.Said(tuple("abcde"), (0.5,) * 5, " up", " down")
    picture = logit_lens.layer_table([said(*"abcde"), moved], [2, 1], word="a", title="t")
    assert "▲ ·up" in texts(picture) and "▼ ·down" in texts(picture)


def test_lengths_are_written_beside_their_bars():
    picture = logit_lens.stream_sizes(np.array([1.0, 2.5, 4.0]), np.array([1.75, 1.25]), title="t")
    assert {"1", "2.5", "4", "1.75", "1.25"} <= set(texts(picture))


def _texts(picture: str) -> list:
    return [t for t in parsed(picture).iter() if t.tag.endswith("}text")]


def test_the_legend_of_the_lens_is_as_strong_as_its_cells():
    picture = logit_lens.lens_grid([(0, "a")], [[logit_lens.Said(("x",), (1.0,))]], title="t")
    tints = {r.get("fill-opacity") for r in parsed(picture).iter() if r.get("fill-opacity")}
    assert tints == {str(logit_lens.TINT)}
    image = next(i for i in parsed(picture).iter() if i.tag.endswith("}image"))
    ramp = Image.open(io.BytesIO(base64.b64decode((image.get("href") or "").split(",")[1])))
    assert ramp.getpixel((ramp.width - 1, 0)) == round(255 * logit_lens.TINT)
    assert {"0 %", "100 %"} <= set(texts(picture))


def test_followed_words_have_their_place_and_probability_in_every_layer():
    ranks = np.array([[900, 4], [12, 9]])
    shares = np.array([[0.001, 0.2], [0.05, 0.4]])
    picture = token_ranks_picture.token_ranks(["<king>", "boat"], ranks, shares, title="t")
    said = texts(picture)
    assert {"<king>", "▲ #12", "▼ #9", "5 %", "40 %", "input", "1"} <= set(said)
    table = token_ranks_picture.table(["king", "boat"], ranks, shares)
    assert table["rank"] == [900, 4, 12, 9] and table["after_layer"] == [0, 0, 1, 1]
