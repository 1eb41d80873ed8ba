"""Each measure on matrices small enough to be checked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.attention import heads
from engine.values import Attention
from tests.engine.hand_made import tokens_of

OPEN = np.tri(4, dtype=bool)


def shifted(n: int, offset: int) -> np.ndarray:
    """Every query from `offset` on looks `offset` back, the ones before at the first token."""
    w = np.zeros((n, n), dtype=np.float32)
    w[np.arange(n), np.maximum(np.arange(n) - offset, 0)] = 1
    return w


def test_a_perfect_previous_token_head_scores_one_and_an_identity_zero():
    assert heads.previous_token(shifted(4, 1)) == 1
    assert heads.previous_token(np.eye(4, dtype=np.float32)) == 0


def test_previous_token_is_the_mean_of_the_lower_diagonal():
    w = np.array([[1, 0, 0], [0.3, 0.7, 0], [0.2, 0.5, 0.3]], dtype=np.float32)
    assert heads.previous_token(w) == pytest.approx((0.3 + 0.5) / 2)
    assert heads.same_token(w) == pytest.approx((0.7 + 0.3) / 2)
    assert heads.first_token(w) == pytest.approx((0.3 + 0.2) / 2)


def test_next_token_leaves_out_the_first_query():
    w = np.array([[0, 1, 0], [0.1, 0.2, 0.7], [1, 0, 0]], dtype=np.float32)
    assert heads.next_token(w) == pytest.approx(0.7)


def test_induction_counts_only_the_token_after_an_earlier_occurrence():
    # a b c a: the last token should look at b, the second
    ids = np.array([5, 6, 7, 5])
    w = np.tri(4, dtype=np.float32)
    w[3] = [0.1, 0.6, 0.2, 0.1]
    assert heads.induction(w, ids) == pytest.approx(0.6)
    assert np.isnan(heads.induction(w, np.arange(4)))


def test_local_counts_neighbours_but_not_the_token_itself():
    w = np.full((6, 6), 1 / 6, dtype=np.float32)
    # rows 2..6 have 4, 5, 5, 4, 3 neighbours within 3
    assert heads.local(w) == pytest.approx((4 + 5 + 5 + 4 + 3) / 5 / 6)
    assert heads.local(np.eye(6, dtype=np.float32)) == 0


def test_entropy_is_one_for_an_even_head_and_zero_for_one_key():
    assert heads.broad(heads.even(OPEN), OPEN) == pytest.approx(1)
    assert heads.broad(shifted(4, 1), OPEN) == pytest.approx(0)
    half = np.array([[1, 0], [0.5, 0.5]], dtype=np.float32)
    assert heads.broad(half, np.tri(2, dtype=bool)) == pytest.approx(1)


def test_weight_on_punctuation_and_separators_is_summed():
    tokens = tokens_of("[CLS]", "Hi", ",", " you", special=(0,))
    assert heads.punctuation(tokens).tolist() == [True, False, True, False]
    w = np.array([[1, 0, 0, 0]] * 2 + [[0.1, 0.2, 0.3, 0.4]] * 2, dtype=np.float32)
    assert heads.onto(w, heads.punctuation(tokens)) == pytest.approx((1 + 0.4 + 0.4) / 3)
    assert np.isnan(heads.onto(w, np.zeros(4, dtype=bool)))


def test_diagonal_is_one_for_an_alignment_minus_one_backwards_zero_when_even():
    assert heads.diagonal(np.eye(5, dtype=np.float32)) == pytest.approx(1)
    assert heads.diagonal(np.eye(5, dtype=np.float32)[::-1]) == pytest.approx(-1)
    assert heads.diagonal(np.full((5, 3), 1 / 3, dtype=np.float32)) == pytest.approx(0, abs=1e-6)
    one_key = np.zeros((4, 3), dtype=np.float32)
    one_key[:, 1] = 1
    assert heads.diagonal(one_key) == 0


def test_measures_of_a_one_token_text_are_unknown_not_zero():
    tokens = tokens_of("Hi")
    found = heads.measure(
        np.ones((2, 3, 1, 1), dtype=np.float32),
        kind="decoder",
        queries=tokens,
        keys=tokens,
        open_cells=np.ones((1, 1), dtype=bool),
    )
    assert all(value.shape == (2, 3) and np.isnan(value).all() for value in found.values())


def test_measures_are_given_for_every_head_of_a_stack_and_only_those_of_the_kind():
    tokens = tokens_of("a", " b", ",", " a", ids=(1, 2, 3, 1))
    stack = np.stack([shifted(4, 1), shifted(4, 9)])[None]
    found = heads.measure(stack, kind="decoder", queries=tokens, keys=tokens, open_cells=OPEN)
    assert set(found) == {"previous", "first", "same", "induction", "local", "marks", "broad"}
    assert found["previous"].tolist() == [[1, pytest.approx(1 / 3)]]
    assert found["first"].tolist() == [[pytest.approx(1 / 3), 1]]


@pytest.mark.parametrize(
    ("head", "name"),
    [(shifted(12, 1), "previous"), (shifted(12, 99), "first"), (np.eye(12), "same")],
)
def test_the_role_of_a_pure_head_is_named(head: np.ndarray, name: str):
    found = _measured(head)
    role = heads.role(found, _measured(heads.even(np.tri(12, dtype=bool))))
    assert role is not None and role.name == name


def test_an_even_head_has_no_role():
    even = _measured(heads.even(np.tri(12, dtype=bool)))
    assert heads.role(even, even) is None


def _measured(head: np.ndarray) -> dict[str, float]:
    tokens = tokens_of(*[f" w{i}" for i in range(12)])
    open_cells = np.tri(12, dtype=bool)
    found = heads.measure(
        head.astype(np.float32), kind="decoder", queries=tokens, keys=tokens, open_cells=open_cells
    )
    return {name: float(value) for name, value in found.items()}


def test_open_cells_come_from_the_scores_where_there_are_scores():
    scores = np.zeros((2, 3, 3), dtype=np.float32)
    scores[:, 0, 1:] = -np.inf
    scores[0, 2, 0] = -np.inf  # masked in one head only: not masked
    attention = Attention(
        weights=np.ones((2, 3, 3), dtype=np.float32) / 3,
        scores=scores,
        query=None,
        key=None,
        value=None,
        output=None,
        scale=1.0,
    )
    found = heads.allowed("decoder", 3, 3, attention)
    assert found.tolist() == [[True, False, False], [True] * 3, [True] * 3]
    assert heads.allowed("decoder", 3, 3).tolist() == np.tri(3, dtype=bool).tolist()
    assert heads.allowed("cross", 2, 3).all()


@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_every_share_lies_between_none_and_all(n: int, seed: int):
    rng = np.random.default_rng(seed)
    open_cells = np.tri(n, dtype=bool)
    w = rng.random((3, n, n)).astype(np.float32) * open_cells
    w /= w.sum(axis=-1, keepdims=True)
    tokens = tokens_of(*[f" w{i}" for i in range(n)], ids=tuple(rng.integers(0, 3, n)))
    found = heads.measure(w, kind="decoder", queries=tokens, keys=tokens, open_cells=open_cells)
    for value in found.values():
        known = value[np.isfinite(value)]
        assert (known >= -1e-6).all() and (known <= 1 + 1e-6).all()


def test_the_heads_that_stand_out_are_those_furthest_from_an_even_one():
    tokens = tokens_of(*[f" w{i}" for i in range(12)])
    open_cells = np.tri(12, dtype=bool)
    even = heads.even(open_cells)
    layers = [
        heads.measure(
            np.stack(stack).astype(np.float32),
            kind="decoder",
            queries=tokens,
            keys=tokens,
            open_cells=open_cells,
        )
        for stack in ([even, shifted(12, 1), even], [shifted(12, 99), even, even])
    ]
    found = {best.measure.name: best for best in heads.standing_out(layers)}
    previous, first = found["previous"], found["first"]
    assert (previous.layer, previous.head, previous.value) == (0, 1, 1)
    assert (first.layer, first.head, first.value) == (1, 0, 1)
    assert "broad" not in found and "induction" not in found  # nothing comes back here
    lifts = [best.value - best.even for best in heads.standing_out(layers)]
    assert lifts == sorted(lifts, reverse=True)
    assert heads.standing_out(layers, least=1.0) == [] and heads.standing_out([]) == []


def test_a_link_from_word_to_word_is_the_mean_over_queries_of_the_sum_over_keys():
    w = np.array([[1, 0, 0], [0.3, 0.7, 0], [0.2, 0.5, 0.3]], dtype=np.float32)
    assert heads.linking(w, [2], [0]) == pytest.approx(0.2)
    assert heads.linking(w, [1, 2], [0, 1]) == pytest.approx((1.0 + 0.7) / 2)


def test_measures_of_a_layer_end_with_those_of_an_even_head():
    n = 5
    scores = np.where(np.tri(n, dtype=bool), 0, -np.inf).astype(np.float32)[None]
    weights = shifted(n, 1)[None]
    attention = Attention(weights, scores, None, None, None, None, 1.0)
    tokens = tokens_of(*[f" w{i}" for i in range(n)])
    found = heads.measured(attention, kind="decoder", queries=tokens, keys=tokens)
    level = heads.previous_token(heads.even(np.tri(n, dtype=bool)))
    assert found["previous"].tolist() == [1, pytest.approx(float(level))]


def test_the_shipped_models_have_heads_that_stand_out():
    """Whatever weights are shipped: trained models have such heads, random ones have none."""
    from engine.decoding.beams import Search
    from engine.decoding.translation import translate
    from engine.models.catalog import find
    from engine.models.runtime import open_bundle
    from engine.trace import tracing
    from engine.values import Kind, Reading

    cases: tuple[tuple[str, Kind, str, tuple[str, ...]], ...] = (
        ("tales-gpt", "decoder", "The boy saw the old king and the boy saw", ("previous", "first")),
        ("tales-bert", "encoder", "The monkey ate that banana because it was hungry.", ("marks",)),
        ("fr-en", "cross", "Le chat noir dort dans la petite maison.", ("diagonal",)),
    )
    for model, kind, text, names in cases:
        folder = find(model).folder
        assert folder is not None
        bundle, reading = open_bundle(folder), Reading(model, text)
        if kind == "cross":
            reading = translate(bundle, reading, Search()).reading()
        side = "encoder" if kind == "encoder" else "decoder"
        queries = tracing.tokens(bundle, reading, side)
        keys = tracing.tokens(bundle, reading) if kind == "cross" else queries
        layers = [
            heads.measured(tracing.of_kind(one, kind), kind=kind, queries=queries, keys=keys)
            for one in tracing.layers(bundle, reading, side)
        ]
        found = {best.measure.name for best in heads.standing_out(layers)}
        assert found >= set(names), (model, found)
