"""From a word to a word: compared by hand with what everybody else gives the same word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import Engine
from engine.attention.baselines import (
    column_baseline,
    column_means,
    links,
    sink,
    uniform_baseline,
)
from engine.attention.transforms import words
from engine.values import Kind, Reading
from tests.engine.hand_made import tokens_of

OPEN = np.ones((5, 5), dtype=bool)
CAUSAL = np.tri(5, dtype=bool)


def sunk(share: float = 0.9, n: int = 5) -> np.ndarray:
    """Nearly every query gives this share to token 1."""
    w = np.full((n, n), (1 - share) / (n - 1), dtype=np.float32)
    w[:, 1] = share
    return w


def chosen() -> np.ndarray:
    """Uniform, but query 3 gives 80 % to token 1."""
    w = np.full((5, 5), 0.2, dtype=np.float32)
    w[3] = [0.05, 0.8, 0.05, 0.05, 0.05]
    return w


def test_a_link_to_a_column_that_everybody_attends_to_exceeds_nothing():
    found = links(np.stack([sunk(), chosen()]), OPEN, (3,), (1,))
    assert found.weight.tolist() == pytest.approx([0.9, 0.8])
    assert found.others.tolist() == pytest.approx([0.9, 0.2])
    assert found.excess.tolist() == pytest.approx([0.0, 0.6], abs=1e-6)
    assert found.excess.argmax() == 1 and found.weight.argmax() == 0


def test_a_word_of_several_tokens_gets_their_sum_and_gives_their_mean():
    w = np.array([[1, 0, 0], [0.3, 0.7, 0], [0.2, 0.5, 0.3]], dtype=np.float32)
    causal = np.tri(3, dtype=bool)
    assert links(w, causal, [2], [0]).weight == pytest.approx(0.2)
    both = links(w, causal, [1, 2], [0, 1])
    assert both.weight == pytest.approx((1.0 + 0.7) / 2) and both.others == pytest.approx(1.0)


def test_a_link_to_a_later_word_is_closed_to_a_causal_head():
    w = uniform_baseline(CAUSAL)
    assert not links(w, CAUSAL, (1,), (3,)).open and links(w, CAUSAL, (3,), (1,)).open
    last = links(w, CAUSAL, (4,), (4,))  # nobody else may attend to the last token
    assert np.isnan(last.others) and last.excess == pytest.approx(0, abs=1e-6)


def test_a_sink_needs_many_queries_and_more_than_uniform_attention():
    found = sink(sunk(), OPEN)
    assert found is not None and found.key == 1
    assert (found.mean, found.uniform) == pytest.approx((0.9, 0.2))
    assert sink(chosen(), OPEN) is None
    assert sink(uniform_baseline(OPEN), OPEN) is None
    assert sink(np.full((3, 2), 0.5, dtype=np.float32), np.ones((3, 2), dtype=bool)) is None
    assert sink(np.ones((1, 1), dtype=np.float32), np.ones((1, 1), dtype=bool)) is None


@given(st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_the_baseline_of_columns_is_a_head_whose_rows_sum_to_one(n: int, seed: int):
    rng = np.random.default_rng(seed)
    open_cells = np.tri(n, dtype=bool)
    w = rng.random((3, n, n)).astype(np.float32) * open_cells
    w /= w.sum(axis=-1, keepdims=True)
    found = column_baseline(w, open_cells)
    assert found.sum(axis=-1) == pytest.approx(np.ones((3, n)), abs=1e-5)
    assert (found[:, ~open_cells] == 0).all()
    assert column_means(w, open_cells)[:, -1] == pytest.approx(w[:, -1, -1])


def test_a_head_blind_to_its_queries_is_its_own_baseline():
    assert column_baseline(sunk(), OPEN) == pytest.approx(sunk(), abs=1e-6)


def test_words_of_scripts_without_spaces_are_their_tokens():
    assert words(tokens_of("我", "爱", "猫", " cat", "s")).tolist() == [0, 1, 2, 3, 3]
    assert words(tokens_of("ฉัน", "รัก", "แมว")).tolist() == [0, 1, 2]
    assert words(tokens_of("ねこ", "が", "cat", "s")).tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize(
    ("model", "kind", "text", "query", "key"),
    [
        ("tales-bert", "encoder", "The monkey ate that banana because it was too hungry.", 8, 2),
        ("tales-gpt", "decoder", "The dog lost its bone, so it cried.", 8, 1),
        ("tales-bert", "encoder", "你好世界", 3, 1),
    ],
)
def test_links_are_those_of_the_models_own_weights(
    model: str, kind: Kind, text: str, query: int, key: int, engine: Engine
):
    reading = Reading(model, text)
    for layer in range(engine.stack(model, kind).layers):
        weights = engine.attention(reading, kind, layer).weights
        found = engine.links(reading, kind, layer, (query,), (key,))
        assert found.weight == pytest.approx(weights[:, query, key], abs=1e-6)
        first = key if kind == "decoder" else 0
        rows = [at for at in range(first, weights.shape[1]) if at != query]
        assert found.others == pytest.approx(weights[:, rows, key].mean(axis=1), abs=1e-6)
