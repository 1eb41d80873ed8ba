"""The attention pictures say what the numbers say: labels, cells, values, legends, masks."""

import base64
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from engine.attention import transforms
from engine.attention.maps import Map, MapOptions, Scene, prepared
from engine.values import Attention, Reading
from pages.attention.inside.formulas import formulas
from pages.attention.inside.picture import STAGES, attention_inside
from pages.attention.lines.picture import MOST, attention_lines
from pages.attention.map.picture import attention_map, overview, row_sentence
from pages.attention.map_options import with_options
from pages.attention.overview.picture import Ranking, head_grid, place_of
from pages.attention.page import VIEWS
from pages.attention.text.picture import attention_text
from pages.attention.words import fits
from pages.pictures.scale import number, strengths, top_value
from tests.engine.hand_made import tokens_of

SVG = "{http://www.w3.org/2000/svg}"


def attention(n: int, *, causal: bool = True, heads: int = 2, dim: int = 4) -> Attention:
    rng = np.random.default_rng(n)
    q, k, v = (rng.normal(size=(heads, n, dim)).astype(np.float32) for _ in range(3))
    scores = q @ k.swapaxes(-1, -2) * dim**-0.5
    if causal:
        scores[:, ~np.tri(n, dtype=bool)] = -np.inf
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return Attention(weights, scores, q, k, v, weights @ v, dim**-0.5)


def shown(n: int = 4, *, causal: bool = True, pieces=None, **options) -> Map:
    tokens = tokens_of(*(pieces or [f" w{i}" for i in range(n)]))
    return prepared(
        attention(len(tokens), causal=causal),
        0,
        kind="decoder" if causal else "encoder",
        queries=tokens,
        keys=tokens,
        options=MapOptions(**options),
    )


def parsed(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)


def matrices(picture: str) -> list[ElementTree.Element]:
    return [g for g in parsed(picture).iter(f"{SVG}g") if g.get("class") == "matrix"]


def values_of(matrix: ElementTree.Element) -> np.ndarray:
    raw = base64.b64decode(matrix.get("data-values") or "")
    rows = len((matrix.get("data-rows") or "").split())
    return np.frombuffer(raw, dtype="<f2").reshape(rows, -1)


def texts(picture: str) -> list[str]:
    return ["".join(t.itertext()) for t in parsed(picture).iter(f"{SVG}text")]


# The map


def test_the_map_holds_the_exact_value_at_every_query_and_key():
    plain = shown()
    (matrix,) = matrices(attention_map(plain, title="t"))
    assert values_of(matrix) == pytest.approx(plain.weights, abs=1e-3, nan_ok=True)
    assert matrix.get("data-rows") == "q0 q1 q2 q3" and matrix.get("data-columns") == "k0 k1 k2 k3"


def test_masked_cells_are_not_numbers_and_the_legend_names_the_hatching():
    picture = attention_map(shown(), title="t")
    values = values_of(matrices(picture)[0])
    assert np.isnan(values[~np.tri(4, dtype=bool)]).all()
    assert "url(#hatch)" in picture and "masked" in texts(picture)
    open_picture = attention_map(shown(causal=False), title="t")
    assert "url(#hatch)" not in open_picture and "masked" not in texts(open_picture)


def test_every_row_and_column_has_its_label():
    picture = attention_map(shown(pieces=["The", " cat", " <b>sat"]), title="t")
    labels = json.loads(matrices(picture)[0].get("data-row-labels") or "")
    assert labels == ["The (token 1)", "cat (token 2)", "<b>sat (token 3)"]
    assert texts(picture).count("cat") == 2 and "<b>" not in picture


def test_the_legend_ends_at_the_largest_weight_of_a_row_with_a_choice():
    plain = shown()
    high = np.nanmax(plain.weights[1:])
    assert top_value(plain.weights) == pytest.approx(high)
    assert f"{number(float(high), True)} +" in texts(attention_map(plain, title="t"))


@pytest.mark.parametrize(("scale", "middle"), [("linear", 0.5), ("sqrt", 0.25), ("log", 10**-2.5)])
def test_the_middle_of_the_legend_follows_the_scale(scale, middle: float):
    plain = shown(causal=False)
    high = float(np.nanmax(plain.weights))
    assert number(high * middle, True) in texts(attention_map(plain, title="t", scale=scale))


@pytest.mark.parametrize(("per", "axis"), [("row", 1), ("column", 0)])
def test_colours_may_be_by_row_or_column_and_the_legend_names_it(per, axis: int):
    plain = shown(causal=False)
    found = strengths(plain.weights, per=per)
    assert np.allclose(found.max(axis=axis), 1)
    assert np.allclose(found, plain.weights / plain.weights.max(axis=axis, keepdims=True))
    tops = plain.weights.max(axis=axis)
    low, high = (number(float(end), True) for end in (tops.min(), tops.max()))
    picture = attention_map(plain, title="t", per=per)
    assert f"100 % is each {per}'s largest, {low} to {high}" in texts(picture)
    assert np.allclose(values_of(matrices(picture)[0]), plain.weights, atol=1e-3)


def test_by_the_whole_map_the_full_colour_is_its_largest_weight():
    plain = shown(causal=False)
    found = strengths(plain.weights)
    assert np.allclose(found, plain.weights / plain.weights.max())
    assert not any("largest" in text for text in texts(attention_map(plain, title="t")))


def test_masked_cells_have_no_colour_by_row_or_column_either():
    plain = shown()
    for per in ("row", "column"):
        found = strengths(plain.weights, per=per)
        assert np.array_equal(np.isnan(found), np.isnan(plain.weights))


def test_several_rows_are_drawn_as_one_row_of_their_mean():
    plain = shown(5)
    rows, mean = matrices(attention_map(plain, title="t", together=[2, 4]))
    assert len((rows.get("data-rows") or "").split()) == 5
    expected = np.nan_to_num(plain.weights[[2, 4]]).mean(axis=0)
    assert np.allclose(values_of(mean)[0], expected, atol=1e-3)
    assert expected.sum() == pytest.approx(1, abs=1e-5)
    assert mean.get("data-quantity") == "mean of 2 rows"
    assert len(matrices(attention_map(plain, title="t", together=[2]))) == 1


def test_the_numbers_beside_lines_are_those_of_the_chosen_words_together():
    plain = shown(5)
    picture = attention_lines(plain, title="t", together=[2, 4])
    joint = [t for t in parsed(picture).iter(f"{SVG}text") if t.get("data-show") == "q2 q4"]
    best = float(np.nan_to_num(plain.weights[[2, 4]]).mean(axis=0).max())
    assert joint and joint[0].text == number(best, True)
    alone = {t.get("data-show") for t in parsed(picture).iter(f"{SVG}text")}
    assert not alone & {"q2", "q4"}


def test_several_words_shade_the_text_by_mean_and_sum():
    plain = shown(5)
    picture = attention_text(plain, title="t", chosen=[2, 4])
    numbers = [t.text for t in parsed(picture).iter(f"{SVG}text") if t.get("data-show") == "q2 q4"]
    filled = np.nan_to_num(plain.weights)
    assert numbers[0] == number(float(filled[[2, 4]].mean(axis=0).max()), True)
    assert number(float(filled[:, [2, 4]].sum(axis=1).max()), True) in numbers[1:]
    assert not [t for t in parsed(picture).iter(f"{SVG}text") if t.get("data-show") == "q2"]


def test_a_row_pointed_at_says_where_its_weight_goes_and_that_it_sums_to_one():
    plain = shown()
    best = int(np.nanargmax(plain.weights[3]))
    sentence = row_sentence(plain.rows[3], plain.weights[3], plain)
    value = number(float(plain.weights[3, best]), True)
    assert sentence.startswith(f"“w3” attends to “w{best}” {value}")
    assert sentence.endswith("row sum 100 %") and sentence in texts(attention_map(plain, title="t"))


def test_a_sink_is_a_column_apart_and_fills_the_row_to_one():
    plain = shown()
    to_sink = np.linspace(0.1, 0.6, len(plain.rows)).astype(np.float32)
    drained = replace(plain, weights=plain.weights * (1 - to_sink)[:, None], sink=to_sink)
    picture = attention_map(drained, title="t")
    grid, column = matrices(picture)
    assert (column.get("data-columns"), column.get("data-rows")) == ("sink", grid.get("data-rows"))
    assert np.allclose(values_of(column)[:, 0], to_sink, atol=1e-3)
    sums = np.nansum(values_of(grid), axis=1) + values_of(column)[:, 0]
    assert sums == pytest.approx(1, abs=2e-3)
    assert float(column.get("data-x") or 0) + float(column.get("data-cell") or 0) < float(
        grid.get("data-x") or 0
    )
    assert "sink" in texts(picture) and "sink" not in texts(attention_map(plain, title="t"))
    said = [text for text in texts(picture) if "sink " in text]
    assert len(said) == len(plain.rows) and all("row sum 100 %" in text for text in said)
    assert f"sink {number(float(to_sink[3]), True)}" in said[3]
    assert fits(drained, "q3 sink") and not fits(plain, "q3 sink") and not fits(drained, "q99 sink")


def test_links_outside_the_mass_lose_their_colour_but_not_their_value():
    few, all_links = shown(6, mass=0.4), shown(6)
    assert values_of(matrices(attention_map(few, title="t"))[0]) == pytest.approx(
        values_of(matrices(attention_map(all_links, title="t"))[0]), nan_ok=True
    )
    assert attention_map(few, title="t") != attention_map(all_links, title="t")


def test_labels_of_many_tokens_show_only_while_pointed_at():
    assert 'data-show="k70"' in attention_map(shown(80), title="t")
    assert 'data-id="k50"' in attention_map(shown(64), title="t")


def test_a_part_of_a_long_map_keeps_the_numbers_of_its_tokens():
    plain = shown(80)
    picture = attention_map(plain, title="t", rows=slice(70, 80), columns=slice(60, 70))
    (matrix,) = matrices(picture)
    assert (matrix.get("data-rows") or "").startswith("q70 q71")
    assert values_of(matrix) == pytest.approx(plain.weights[70:80, 60:70], abs=1e-3, nan_ok=True)


def test_a_long_map_is_averaged_in_blocks():
    plain = shown(40)
    picture = overview(plain, block=8, title="t")
    (matrix,) = matrices(picture)
    assert values_of(matrix).shape == (5, 5)
    assert values_of(matrix)[4, 0] == pytest.approx(plain.weights[32:, :8].mean(), abs=1e-3)
    assert np.isnan(values_of(matrix)[0, 4]) and "c4" in (matrix.get("data-columns") or "")


def test_a_map_of_sixty_four_tokens_is_small():
    assert len(attention_map(shown(64), title="t")) < 100_000


# The grid


def test_the_grid_has_a_picture_for_each_head_numbered_from_one():
    weights = np.stack([attention(5, heads=4).weights] * 3)
    picture = head_grid(weights, np.tri(5, dtype=bool), title="t", chosen=(2, 1))
    ids = [g.get("data-id") for g in parsed(picture).iter(f"{SVG}g") if g.get("data-id")]
    assert ids == [f"h{layer}.{head}" for layer in (1, 2, 3) for head in (1, 2, 3, 4)]
    assert [t for t in texts(picture) if t.isdigit()] == list("1234") + list("123")
    assert 'href="#veil"' in picture and "url(#hatch)" in picture


def test_the_chosen_head_has_the_thickest_border_and_a_head_that_is_off_a_cross():
    weights = np.stack([attention(5).weights] * 2)
    picture = head_grid(
        weights, np.tri(5, dtype=bool), title="t", chosen=(1, 0), off=frozenset({(0, 1)})
    )
    widths = {
        g.get("data-id"): float(g.find(f"{SVG}rect[@class='border']").get("stroke-width"))
        for g in parsed(picture).iter(f"{SVG}g")
        if g.get("data-id")
    }
    assert max(widths, key=widths.get) == "h2.1" and sorted(widths.values())[-2] < 2
    assert "head 2 (ablated)" in picture


def test_heads_that_share_keys_are_bracketed():
    weights = np.stack([attention(5, heads=4).weights])
    assert head_grid(weights, np.tri(5, dtype=bool), title="t", groups=2).count("share keys") == 2
    assert "share keys" not in head_grid(weights, np.tri(5, dtype=bool), title="t")


def test_a_ranking_draws_its_heads_in_order_with_their_values():
    weights = np.stack([attention(5).weights] * 2)
    ranking = Ranking("Previous token", ((1, 1), (0, 0)), (0.71, 0.3))
    picture = head_grid(weights, np.tri(5, dtype=bool), title="t", ranking=ranking)
    ids = [g.get("data-id") for g in parsed(picture).iter(f"{SVG}g") if g.get("data-id")]
    assert ids == ["h2.2", "h1.1"]
    assert "2.2  71 %" in texts(picture) and "1.1  30 %" in texts(picture)


def test_a_grid_of_144_heads_at_64_tokens_is_small():
    weights = np.stack([attention(64, heads=12).weights] * 12)
    assert len(head_grid(weights, np.tri(64, dtype=bool), title="t")) < 200_000


# Lines and text


def test_lines_join_the_linked_tokens_and_say_how_many_they_are():
    plain = shown(6, mass=0.7)
    picture = attention_lines(plain, title="t")
    paths = [p for p in parsed(picture).iter(f"{SVG}path") if p.get("data-on")]
    assert {p.get("data-on") for p in paths} == {
        f"q{i} k{j}" for i, j in zip(*np.nonzero(plain.kept), strict=True)
    }
    assert any(t.startswith(f"{plain.kept.sum()} links") for t in texts(picture))


def test_only_the_strongest_lines_of_a_long_text_are_drawn_and_this_is_said():
    picture = attention_lines(shown(60), title="t")
    paths = [p for p in parsed(picture).iter(f"{SVG}path") if p.get("data-on")]
    assert len(paths) == MOST
    assert any(re.match(r"500 of 1,830 links drawn", t) for t in texts(picture))


def test_the_text_is_shaded_by_what_the_word_looks_at_in_both_directions():
    plain = shown(5)
    picture = attention_text(plain, title="t", chosen=[4])
    rects = [r for r in parsed(picture).iter(f"{SVG}rect") if r.get("data-show") == "q0"]
    assert rects and all(r.get("data-show") for r in rects)
    assert texts(picture).count("w3") == 2
    assert number(float(plain.weights[4, int(np.nanargmax(plain.weights[4]))]), True) in texts(
        picture
    )


# Inside the head


def inside_of(query: int, key: int) -> transforms.Inside:
    found = transforms.inside(attention(5), head=0, query=query, key=key)
    assert found is not None
    return found


def test_each_stage_adds_its_step_and_the_last_shows_all_four():
    names = [f"w{i}" for i in range(5)]
    for count, stage in enumerate(STAGES, start=1):
        picture = attention_inside(
            inside_of(4, 1), query="w4", key="w1", column=1, keys=names, stage=stage, title="t"
        )
        assert [t for t in texts(picture) if t in "1234"] == list("1234")[:count]


def test_the_formulas_hold_this_pairs_numbers():
    inside = inside_of(4, 1)
    found = formulas(inside, 1)
    assert f"= {inside.dot:.2f}" in found["product"]
    assert rf"\sqrt{{4}}}} = {inside.score:.2f}" in found["scale"]
    assert f"= {inside.weights[1]:.4f}" in found["softmax"]


def test_where_a_sink_takes_a_share_formula_and_picture_say_so_and_hold():
    """Scores of GPT-OSS make weights together with a score that no token has."""
    whole = inside_of(4, 1)
    some = replace(whole, sink=0.25, weights=0.75 * whole.weights)
    found = formulas(some, 1)["softmax"]
    above, below, weight = re.findall(r"= .frac[{]([0-9.]+)[}][{]([0-9.]+)[}] = ([0-9.]+)", found)[
        0
    ]
    assert float(above) / float(below) == pytest.approx(float(weight), abs=1e-3)
    assert float(weight) == pytest.approx(some.weights[1], abs=1e-4) and "sink" in found
    picture = attention_inside(
        some, query="a", key="b", column=1, keys=list("abcde"), stage="softmax", title="t"
    )
    assert any("all keys and the sink" in one for one in texts(picture))
    assert any("25 % to the sink, no token" in one for one in texts(picture))


def test_a_masked_pair_says_that_it_is_masked():
    inside = inside_of(1, 3)
    assert r"-\infty" in formulas(inside, 3)["scale"]
    picture = attention_inside(
        inside, query="a", key="b", column=3, keys=list("abcde"), stage="value", title="t"
    )
    assert "masked" in texts(picture) and any("−∞" in t for t in texts(picture))


def test_hostile_tokens_are_escaped_in_every_picture():
    plain = shown(pieces=["<script>", '"x"', "&amp;", "\x00"])
    for picture in (
        attention_map(plain, title="<t>"),
        attention_lines(plain, title="<t>"),
        attention_text(plain, title="<t>"),
    ):
        parsed(picture)
        assert "<script>" not in picture


def test_a_map_with_nothing_left_is_drawn_as_masked():
    empty = shown(1, hidden="first")
    assert np.isnan(empty.weights).all()
    for picture in (
        attention_map(empty, title="t"),
        attention_lines(empty, title="t"),
        attention_text(empty, title="t"),
    ):
        parsed(picture)
    assert "masked" in texts(attention_map(empty, title="t"))


@pytest.mark.parametrize("target", [None, "", "t3", "h2", "h0.1", "h1.0", "h1.x", "h99999.1"])
def test_only_a_target_of_the_grid_is_a_head(target: str | None):
    assert place_of("h2.1") == (1, 0)
    assert place_of(target) is None


def test_only_views_of_weights_follow_the_options():
    scene = Scene(Reading("tales-gpt", "a b"), "decoder")
    views = {view.name: view for view in VIEWS}
    values = {"hide": "First", "scale": "Square root", "per": "Row", "several": ["2.1"]}
    values |= {"threshold": 20}
    assert with_options(scene, views["Inside"], values) == scene
    seen = with_options(scene, views["Map"], values)
    assert (seen.scale, seen.per, seen.options.hidden) == ("sqrt", "row", "first")
    assert seen.options.mass == pytest.approx(0.8) and seen.options.several == ((1, 0),)
    lines = with_options(scene, views["Lines"], values)
    assert lines.options == seen.options and lines.per == "map"
