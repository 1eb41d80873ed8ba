"""Each measure on matrices small enough to be checked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.attention import heads, notable
from engine.attention.baselines import uniform_baseline
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


def test_entropy_is_one_for_a_uniform_head_and_zero_for_one_key():
    assert heads.broad(uniform_baseline(OPEN), OPEN) == pytest.approx(1)
    assert heads.broad(shifted(4, 1), OPEN) == pytest.approx(0)
    half = np.array([[1, 0], [0.5, 0.5]], dtype=np.float32)
    assert heads.broad(half, np.tri(2, dtype=bool)) == pytest.approx(1)


def test_weight_on_punctuation_and_separators_is_summed():
    tokens = tokens_of("[CLS]", "Hi", ",", " you", special=(0,))
    assert heads.punctuation(tokens).tolist() == [True, False, True, False]
    w = np.array([[1, 0, 0, 0]] * 2 + [[0.1, 0.2, 0.3, 0.4]] * 2, dtype=np.float32)
    assert heads.onto(w, heads.punctuation(tokens)) == pytest.approx((1 + 0.4 + 0.4) / 3)
    assert np.isnan(heads.onto(w, np.zeros(4, dtype=bool)))


def test_diagonal_is_one_for_an_alignment_minus_one_backwards_zero_when_uniform():
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
    role = notable.role(_measured(head), 0)
    assert role is not None and role.name == name


def test_a_uniform_head_has_no_role():
    assert notable.role(_measured(uniform_baseline(np.tri(12, dtype=bool))), 0) is None


def _measured(*matrices: np.ndarray, pieces: tuple[str, ...] = ()) -> notable.Measured:
    weights = np.stack(matrices).astype(np.float32)
    n = weights.shape[-1]
    tokens = tokens_of(*(pieces or [f" w{i}" for i in range(n)]))
    scores = np.where(np.tri(n, dtype=bool), 0, -np.inf).astype(np.float32)
    attention = Attention(weights, np.stack([scores] * len(weights)), None, None, None, None, 1.0)
    return notable.measured(attention, kind="decoder", queries=tokens, keys=tokens)


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


def test_the_heads_that_stand_out_exceed_both_baselines():
    level = uniform_baseline(np.tri(12, dtype=bool))
    layers = [_measured(level, shifted(12, 1)), _measured(shifted(12, 99), level)]
    found = {best.measure.name: best for best in notable.standing_out(layers)}
    previous = found["previous"]
    assert (previous.layer, previous.head, previous.value) == (0, 1, 1)
    assert previous.lift == pytest.approx(1 - max(previous.uniform, previous.columns))
    assert "broad" not in found and "induction" not in found  # nothing comes back here
    relating = [b for b in notable.standing_out(layers) if b.measure.name not in notable.PLAIN]
    assert notable.standing_out(layers)[: len(relating)] == relating
    lifts = [best.lift for best in relating]
    assert lifts == sorted(lifts, reverse=True)
    assert notable.standing_out(layers, least=1.0) == [] and notable.standing_out([]) == []


def test_a_head_that_gives_all_to_one_column_does_not_stand_out_it_has_a_sink():
    # Every query attends to the first token: no query chose it.
    sunk = _measured(shifted(12, 99), uniform_baseline(np.tri(12, dtype=bool)))
    assert notable.standing_out([sunk]) == []
    first, second = sunk.sinks
    assert second is None and first is not None and (first.key, first.mean) == (0, 1)


def test_the_first_head_shown_relates_tokens_where_one_does():
    n = 12
    own, previous = np.eye(n), 0.5 * shifted(n, 1) + 0.5 * uniform_baseline(np.tri(n, dtype=bool))
    best = notable.most_notable([_measured(own, previous)])
    assert best is not None and best.measure.name == "previous" and best.head == 1
    alone = notable.most_notable([_measured(own)])
    assert alone is not None and alone.measure.name == "same"
    assert notable.most_notable([_measured(uniform_baseline(np.tri(n, dtype=bool)))]) is None


def test_measures_of_a_layer_come_with_those_of_a_uniform_head():
    found = _measured(shifted(5, 1))
    level = heads.previous_token(uniform_baseline(np.tri(5, dtype=bool)))
    assert found.of("previous").tolist() == [1]
    assert found.uniform[found.names.index("previous")] == pytest.approx(float(level))


def test_the_shipped_models_have_heads_that_stand_out():
    """Whatever weights are shipped: trained models have such heads, random ones have none."""
    from engine.decoding.beams import Search
    from engine.decoding.translation import translate
    from engine.models.catalog import find
    from engine.models.runtime import open_bundle
    from engine.trace import tracing
    from engine.values import Kind, Reading

    cases: tuple[tuple[str, Kind, str, tuple[str, ...]], ...] = (
        ("tales-gpt", "decoder", "The boy saw the old king and the boy saw", ("previous",)),
        (
            "tales-bert",
            "encoder",
            "The monkey ate that banana because it was hungry.",
            ("previous", "next"),
        ),
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
            notable.measured(tracing.of_kind(one, kind), kind=kind, queries=queries, keys=keys)
            for one in tracing.layers(bundle, reading, side)
        ]
        found = {best.measure.name for best in notable.standing_out(layers)}
        assert found >= set(names), (model, found)
