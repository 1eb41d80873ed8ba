"""The pictures of a translation: what is in them, and that nothing else is."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from engine.attention.alignment import align
from engine.decoding.beams import PRUNED, Search
from pages.pictures.svg import visible
from pages.translation.alignment.picture import grid, matrix
from pages.translation.compare.picture import Row, compared, different
from pages.translation.stage.picture import stage
from pages.translation.story import carried, moment, moments, number, percent
from pages.translation.tensors.picture import (
    Tensor,
    embedding_scale,
    numbered,
    softmax_table,
    tensors,
)
from pages.translation.tensors.towers import towers
from tests.views.stories import SOURCE, diagonal, story


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def having(svg: str, attribute: str) -> list[str]:
    return [e.attrib[attribute] for e in parsed(svg).iter() if attribute in e.attrib]


def words(svg: str) -> str:
    return " ".join(parsed(svg).itertext())


def test_the_smallest_set_carries_three_quarters() -> None:
    rng = np.random.default_rng(0)
    for row in rng.dirichlet(np.full(9, 0.4), size=50):
        kept = carried(row)
        assert sum(w for _, w in kept) >= 0.75 - 1e-6
        assert sum(sorted((w for _, w in kept), reverse=True)[:-1]) < 0.75
        assert [i for i, _ in kept] == sorted(i for i, _ in kept)


def test_numbers_for_people() -> None:
    assert [percent(x) for x in (0.834, 0.0042, 0.00001, 0.0, 1.0)] == [
        "83 %", "0.4 %", "<0.1 %", "0 %", "100 %",
    ]  # fmt: skip
    assert number(-1.234) == "−1.23"


def test_the_slider_tells_eight_steps_in_order() -> None:
    told = [moment(step, 5) for step in range(1, moments(5) + 1)]
    assert [m.part for m in told] == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8]
    assert [m.now for m in told if m.writing] == [0, 1, 2, 3, 4, None]


def test_ribbons_are_the_carried_weights_with_their_width() -> None:
    one = story()
    svg = stage(one, tree=False)
    ribbons = [e for e in parsed(svg).iter() if re.fullmatch(r"s\d+ t\d+", e.get("data-on", ""))]
    expected = {(s, t): w for t in range(len(one.target)) for s, w in carried(one.weights[t])}
    assert len(ribbons) == len(expected)
    for ribbon in ribbons:
        s, t = (int(part[1:]) for part in ribbon.get("data-on", "").split())
        left, right = (float(x) for x in re.findall(r"(-?[\d.]+) 176", ribbon.get("d", ""))[:2])
        assert right - left == pytest.approx(max(1.0, 20 * expected[s, t]), abs=0.21)
        assert percent(expected[s, t]) in ribbon.get("data-tip", "")


def test_every_candidate_but_the_chosen_and_the_end_offers_to_go_on_with_it() -> None:
    one = story()
    acts = {
        e.attrib["data-id"]: e.get("data-act")
        for e in parsed(stage(one, ends=(0,))).iter()
        if e.get("data-id", "").startswith("c")
    }
    for t, chosen in enumerate(one.scored.ids.tolist()):
        for token in one.scored.best_ids[t][:4].tolist():
            free = token not in (0, chosen)
            words = f"write Continue with “{one.label(token)}”" if free else None
            assert acts.get(f"c{t}.{token}", words) == words
    assert any(acts.values()) and not all(acts.values())


@pytest.mark.parametrize("forced", [0, 1, 3])
def test_the_last_forced_token_and_it_alone_is_taken_back_where_it_stands(forced: int) -> None:
    one = story(forced=forced)
    undone = {
        e.attrib["data-id"] for e in parsed(stage(one)).iter() if e.get("data-act") == "undo Undo"
    }
    last = forced - 1
    assert undone == ({f"t{last}", f"c{last}.{one.scored.ids[last]}"} if forced else set())


def test_changed_weights_change_the_drawing() -> None:
    one = story()
    other = story()
    object.__setattr__(other, "weights", one.weights[::-1].copy())
    assert stage(one) != stage(other)


def test_candidates_are_the_likeliest_and_the_chosen_one() -> None:
    one = story()
    ids = having(stage(one), "data-id")
    for t in range(len(one.target)):
        drawn = [int(i.split(".")[1]) for i in ids if i.startswith(f"c{t}.")]
        assert len(drawn) == len(set(drawn)) == 5
        assert int(one.scored.ids[t]) in drawn
        assert set(drawn) - {int(one.scored.ids[t])} <= set(one.scored.best_ids[t][:5].tolist())


def test_what_is_not_written_yet_is_not_drawn() -> None:
    ids = having(stage(story(now=3)), "data-id")
    assert "t3" in ids and "t4" not in ids
    assert not any(i.startswith("c4.") for i in ids)
    one = story(now=3)
    nodes = [int(i[1:]) for i in ids if i.startswith("n")]
    assert nodes == [n for n, step in enumerate(one.found.tree.step) if step <= 3]


@pytest.mark.parametrize("width", [1, 2, 8])
def test_the_tree_shows_every_node_with_its_numbers(width: int) -> None:
    one = story(Search(width, 0.6, limit=16))
    tips = dict(
        (e.attrib["data-id"], e.attrib["data-tip"])
        for e in parsed(stage(one)).iter()
        if e.get("data-id", "").startswith("n")
    )
    tree = one.found.tree
    assert len(tips) == len(tree.token)
    for node in range(len(tree.token)):
        tip = tips[f"n{node}"]
        assert number(float(tree.log[node])) in tip
        assert number(float(tree.running[node])) in tip
        assert number(float(tree.score[node])) in tip
        assert ("pruned" in tip) == (tree.fate[node] == PRUNED)
    best = one.found.hypotheses[0].node
    lit = [on.split() for on in having(stage(one), "data-on")]
    assert sum(f"n{best}" in on for on in lit) == 2 * len(tree.path(best))
    assert "⚑1" in words(stage(one))


def test_a_phone_scrolls_the_tree_and_does_not_shrink_its_words():
    one = story(now=3)
    assert having(stage(one), "data-least") == ["1"]
    assert having(stage(one, tree=False), "data-least") == []


def test_forced_tokens_are_marked_in_words() -> None:
    assert "forced" in words(stage(story(forced=2)))
    assert "forced" not in words(stage(story()))


def test_hostile_pieces_are_text_everywhere() -> None:
    bad = '<script>alert("x")</script>'
    one = story()
    object.__setattr__(one, "source", (visible(bad), *one.source[1:]))
    object.__setattr__(one, "target", (visible(bad), *one.target[1:]))
    object.__setattr__(one, "labels", dict.fromkeys(one.labels, bad))
    states = np.zeros((3, len(one.source), 32), np.float32)
    rows = [Row(bad, (bad, "b"), (0.5, 0.5), bad)]
    special = (False, True)
    found = align(
        np.full((2, 2), 0.5, np.float32), (bad, "b"), (bad, "b"),
        target_special=special, source_special=special, whole_words=False,
    )  # fmt: skip
    for svg in (
        stage(one),
        towers(one, states, states, start=bad, part=8),
        numbered([bad], [1], title=bad),
        tensors([Tensor(bad, states[0])], one.source, title=bad),
        softmax_table(one, 0),
        compared(rows, title=bad),
        matrix(found, title=bad),
    ):
        assert "<script" not in svg
        assert "script" in words(svg)


def test_tensors_carry_the_models_own_numbers() -> None:
    import base64

    values = np.random.default_rng(2).normal(size=(11, 40)).astype(np.float32)
    svg = tensors([Tensor("sum", values, 16)], SOURCE, title="x")
    data = np.frombuffer(base64.b64decode(having(svg, "data-values")[0]), "<f2").reshape(11, 16)
    assert np.allclose(data, values[:, :16], atol=2e-3)
    assert "11 × 40" in words(svg) and "numbers 1 to 16 of 40" in words(svg)


@pytest.mark.parametrize("part", range(1, 9))
def test_towers_show_shapes_and_what_is_reached(part: int) -> None:
    one = story(now=4)
    rng = np.random.default_rng(0)
    encoder = rng.normal(size=(4, 11, 64)).astype(np.float32)
    decoder = rng.normal(size=(4, len(one.target), 64)).astype(np.float32)
    svg = towers(one, encoder, decoder, start="<s>", part=part)
    assert "11 × 64" in words(svg)
    assert ("5 × 64" in words(svg)) == (part == 8)
    assert len([o for o in having(svg, "opacity") if o == "0.22"]) == {
        1: 12, 2: 11, 3: 8, 4: 8, 5: 7, 6: 5, 7: 1, 8: 0,
    }[part]  # fmt: skip


def test_many_layers_are_folded() -> None:
    one = story()
    states = np.zeros((25, 11, 16), np.float32)
    svg = towers(one, states, states[:, : len(one.target)], start="<s>", part=8)
    assert "layers 3 to 23" in words(svg) and "layer 24" in words(svg)


def test_softmax_rows_add_up() -> None:
    one = story()
    text = words(softmax_table(one, 2))
    logits, log_sum = one.scored.best_logits[2], float(one.scored.log_sum[2])
    assert number(float(logits[0])) in text and number(log_sum) in text
    assert percent(float(np.exp(logits[0] - log_sum))) in text


def test_differences_are_marked_by_more_than_colour() -> None:
    rows = [Row("a", ("the", "cat", "sat"), (0.9, 0.5, 0.7))]
    rows.append(Row("b", ("the", "dog", "sat"), (1.0, 0.2, 0.6)))
    assert different(rows[0].tokens, rows[1].tokens) == [False, True, False]
    svg = compared(rows)
    assert [e.text for e in parsed(svg).iter() if e.get("text-decoration")] == ["dog"]
    assert having(svg, "data-tip")[4].endswith("differs from the first row")


def test_a_missing_token_leaves_a_mark_with_its_words() -> None:
    rows = [Row("a", ("I", " do", " not", " know"), (0.5,) * 4)]
    svg = compared([*rows, Row("b", ("I", " know"), (0.5,) * 2)])
    assert "missing here: ·do·not" in having(svg, "data-tip")
    assert not any("missing" in tip for tip in having(compared(rows * 2), "data-tip"))


def test_the_embedding_is_shown_as_the_sum_that_the_model_makes() -> None:
    rng = np.random.default_rng(3)
    token, position = rng.normal(size=(2, 5, 64)).astype(np.float32)
    assert embedding_scale(token, position, 8 * token + position) == 8.0
    assert embedding_scale(token, None, token) == 1.0
    normal = (token - token.mean(axis=1, keepdims=True)) / token.std(axis=1, keepdims=True) + 0.3
    assert embedding_scale(token, position, normal) is None


def test_another_hypothesis_can_be_the_thick_path() -> None:
    one = replace(story(), place=1)
    node = one.found.hypotheses[1].node
    thick = [e for e in parsed(stage(one)).iter() if e.get("stroke-width") == "3.2"]
    path = one.found.tree.path(node)
    assert len(thick) == len(path) + 1  # and the legend's
    assert any(f"n{node}" in e.get("data-on", "").split() for e in thick)


def test_the_alignment_matrix_has_the_stages_ids() -> None:
    weights = diagonal(3, 4)
    found = align(
        weights, (" The", " cat", "</s>"), ("Le", " ch", "at", "</s>"),
        target_special=(False, False, True), source_special=(False, False, False, True),
        whole_words=True,
    )  # fmt: skip
    svg = matrix(found, title="Alignment")
    assert having(svg, "data-rows") == ["t0 t1 t2"]
    assert having(svg, "data-columns") == ["s0 s1 s3"]
    assert percent(float(found.weights.max())) in words(svg)


def test_every_head_has_a_picture() -> None:
    cross = np.random.default_rng(0).dirichlet(np.ones(5), size=(3, 8, 4)).astype(np.float32)
    ids = [i for i in having(grid(cross, picked=(1, 2)), "data-id")]
    assert ids == [f"h{layer}.{head}" for layer in range(3) for head in range(8)]
