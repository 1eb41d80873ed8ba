"""Alignment by hand, and translation quality against sacrebleu."""

import numpy as np
import pytest
import sacrebleu

from engine.attention.alignment import (
    align,
    bleu,
    by_word,
    chosen,
    chrf,
    clearest,
    without_special,
    words,
)

PAIRS = [
    ("The black cat sleeps on the old sofa.", "The black cat is sleeping on the old couch."),
    ("I don't know where the station is.", "I do not know where the railway station is."),
    ("He ate a red apple.", "He ate a red apple."),
    ("Where is it?", "I never saw such a thing in my whole life."),
    (
        'It costs 3,50 (about 4-5 dollars), he said: "no"!',
        "It costs 3.50, about 4-5 $, he said no.",
    ),
    ("The children play in the garden with their little black dog.", "Children are playing."),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_chrf_equals_sacrebleu(ours, theirs) -> None:
    assert chrf(ours, theirs) == pytest.approx(
        sacrebleu.sentence_chrf(ours, [theirs]).score, abs=1e-6
    )


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_bleu_equals_sacrebleu(ours, theirs) -> None:
    expected = sacrebleu.sentence_bleu(ours, [theirs], use_effective_order=True).score
    assert bleu(ours, theirs) == pytest.approx(expected, abs=1e-6)


def test_nothing_agrees_with_nothing() -> None:
    assert chrf("", "abc") == bleu("", "abc") == chrf("xyz", "abc") == bleu("xyz", "abc") == 0


def test_mean_and_single_heads() -> None:
    cross = np.random.default_rng(0).dirichlet(np.ones(5), size=(2, 3, 4)).astype(np.float32)
    assert np.array_equal(chosen(cross, 1, 2), cross[1, 2])
    assert np.allclose(chosen(cross, None, None), cross.mean(axis=(0, 1)))
    assert np.allclose(chosen(cross, 0, None).sum(axis=1), 1)


def test_the_clearest_head_points_at_real_tokens() -> None:
    cross = np.full((2, 2, 3, 4), 0.25, np.float32)
    cross[0, 1] = np.eye(4)[[3, 3, 3]]  # looks at the end mark only
    cross[1, 0] = np.eye(4)[[0, 1, 2]]
    assert clearest(cross, np.array([False, False, False, True])) == (1, 0)


def test_hiding_the_end_mark_rescales_rows() -> None:
    weights = np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]], np.float32)
    left = without_special(weights, np.array([False, False, True]))
    assert np.allclose(left, [[0.4, 0.6, 0], [0, 0, 0]])


def test_whole_words_add_up() -> None:
    target, source = (" The", " so", "fa", ".", "</s>"), ("Le", " can", "apé", ".", "</s>")
    special = (False, False, False, False, True)
    weights = np.random.default_rng(1).dirichlet(np.ones(5), size=5).astype(np.float32)
    found = align(
        weights, target, source, target_special=special, source_special=special, whole_words=True
    )
    assert found.rows == (" The", " sofa", ".", "</s>")
    assert found.columns == ("Le", " canapé", ".", "</s>")
    assert np.allclose(found.weights.sum(axis=1), 1, atol=1e-6)
    assert found.weights[1, 1] == pytest.approx(float(weights[1:3, 1:3].sum()) / 2)
    assert words(source, special) == (0, 1, 3, 4)
    assert np.array_equal(by_word(weights, range(5), range(5)), weights)
