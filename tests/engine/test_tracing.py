"""Traces of tiny real models: properties that hold of every text, and what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import EmptyText, NotOffered, TextTooLong
from engine.models.runtime import Bundle, open_bundle
from engine.settings import Settings
from engine.trace import blockwise, running, tracing
from engine.values import Attention, Kind, Reading, Side
from tests.engine.checkpoints import Bundles

TEXT = "The cat sat on the mat because it was warm."
TARGET = (0, 7, 19, 23, 5, 8)
SIDES: tuple[tuple[str, Side], ...] = (
    ("gpt2", "decoder"),
    ("bert", "encoder"),
    ("marian", "encoder"),
    ("marian", "decoder"),
)
KINDS: tuple[tuple[str, Kind], ...] = (
    ("gpt2", "decoder"),
    ("bert", "encoder"),
    ("marian", "encoder"),
    ("marian", "decoder"),
    ("marian", "cross"),
)
Opened = Callable[[str], Bundle]
SHARED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def opened(bundles: Bundles) -> Opened:
    return lambda name: open_bundle(bundles(name))


def reading(name: str, text: str = TEXT, **changes: object) -> Reading:
    found = Reading(name, text, target=TARGET if name == "marian" else None)
    return dataclasses.replace(found, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "side"), SIDES)
@SHARED
@given(text=st.text(min_size=1, max_size=25).filter(lambda text: bool(text.strip())))
def test_rows_of_weights_sum_to_one(opened: Opened, name: str, side: Side, text: str):
    for found in tracing.layers(opened(name), reading(name, text), side):
        for attention in filter(None, (found.attention, found.cross)):
            assert np.abs(attention.weights.sum(-1) - 1).max() < 1e-5
            assert attention.weights.min() >= 0


@pytest.mark.parametrize(("name", "side"), [("gpt2", "decoder"), ("marian", "decoder")])
@SHARED
@given(text=st.text(alphabet="the cat.", min_size=2, max_size=40).filter(lambda t: bool(t.strip())))
def test_nothing_looks_ahead(opened: Opened, name: str, side: Side, text: str):
    found = tracing.layer(opened(name), reading(name, text), side, 1).attention
    ahead = np.triu(np.ones(found.weights.shape[1:], dtype=bool), 1)
    assert (found.weights[:, ahead] == 0).all()
    assert found.scores is not None
    assert np.isneginf(found.scores[:, ahead]).all()
    assert np.isfinite(found.scores[:, ~ahead]).all()


def test_an_encoder_looks_both_ways(opened: Opened):
    found = tracing.layer(opened("bert"), reading("bert"), "encoder", 0).attention
    assert found.weights.min() > 0
    assert found.scores is not None and np.isfinite(found.scores).all()


@pytest.mark.parametrize(("name", "side"), SIDES)
def test_the_inside_of_a_head_multiplies_out(opened: Opened, name: str, side: Side):
    for found in tracing.layers(opened(name), reading(name), side):
        for attention in filter(None, (found.attention, found.cross)):
            _multiplies_out(attention)


def _multiplies_out(found: Attention) -> None:
    assert found.query is not None and found.key is not None and found.scores is not None
    assert found.value is not None and found.output is not None
    scores = found.query @ found.key.swapaxes(1, 2) * found.scale
    seen = np.isfinite(found.scores)
    assert np.abs(scores - found.scores)[seen].max() < 1e-5
    softmax = np.exp(found.scores - found.scores.max(-1, keepdims=True))
    assert np.abs(softmax / softmax.sum(-1, keepdims=True) - found.weights).max() < 1e-5
    assert np.abs(found.weights @ found.value - found.output).max() < 1e-5


@pytest.mark.parametrize(("name", "side"), SIDES)
def test_one_layer_at_a_time_equals_all_at_once(opened: Opened, name: str, side: Side):
    every = tracing.layers(opened(name), reading(name), side)
    for index, whole in enumerate(every):
        alone = tracing.layer(opened(name), reading(name), side, index)
        assert np.array_equal(alone.attention.weights, whole.attention.weights)
        assert np.array_equal(alone.hidden, whole.hidden)


def test_parts_that_are_not_asked_for_are_not_fetched(opened: Opened):
    bundle = opened("marian")
    reading = Reading("marian", "The cat sat.", target=(0, 5, 6))
    whole = tracing.layers(bundle, reading, "decoder")
    for one, other in zip(tracing.layers(bundle, reading, "decoder", parts=()), whole, strict=True):
        assert one.cross is not None and other.cross is not None
        assert np.array_equal(one.attention.weights, other.attention.weights)
        assert np.array_equal(one.cross.weights, other.cross.weights)
        assert np.array_equal(one.hidden, other.hidden)
        assert one.attention.scores is None and one.attention.query is None
        assert other.attention.scores is not None


@pytest.mark.parametrize(("name", "side"), SIDES)
def test_the_parts_belong_to_one_reading(opened: Opened, name: str, side: Side):
    bundle, this = opened(name), reading(name)
    hidden = tracing.hidden(bundle, this, side)
    embedded = tracing.embedded(bundle, this, side)
    assert np.array_equal(hidden.states[0], embedded.entering)
    for index, found in enumerate(tracing.layers(bundle, this, side)):
        assert np.array_equal(hidden.states[index + 1], found.hidden)
    assert len(embedded.tokens) == len(hidden.tokens) == hidden.states.shape[1]


def test_token_vectors_are_rows_of_the_matrix(opened: Opened):
    bundle = opened("gpt2")
    found = tracing.embedded(bundle, reading("gpt2"), "decoder")
    assert np.array_equal(found.token, bundle.vectors("token")[found.tokens.ids])
    assert found.position is not None
    assert np.array_equal(found.position, bundle.vectors("position")[: len(found.tokens)])
    assert np.allclose(found.token + found.position, found.entering, atol=1e-6)


@pytest.mark.parametrize("name", ["gpt2", "bert", "marian"])
def test_the_lens_at_the_last_layer_is_the_prediction(opened: Opened, name: str):
    bundle, this = opened(name), reading(name)
    side: Side = "encoder" if name == "bert" else "decoder"
    last = tracing.hidden(bundle, this, side).states[-1]
    found = tracing.logits(bundle, this, (0, 3))
    assert np.abs(tracing.lens(bundle, last[[0, 3]]) - found.logits).max() < 1e-4
    assert found.positions.tolist() == [0, 3]


@pytest.mark.parametrize(("name", "kind"), KINDS)
@pytest.mark.parametrize("cells", [3, 64])
def test_the_overview_averages_the_layers(
    opened: Opened, name: str, kind: Kind, cells: int, monkeypatch: pytest.MonkeyPatch
):
    bundle, this = opened(name), reading(name)
    found = blockwise.overview(bundle, this, kind, cells)
    assert max(found.weights.shape[2:]) <= cells
    monkeypatch.setattr(tracing, "AT_ONCE", 1)  # as for a long text: block by block
    again = blockwise.overview(bundle, this, kind, cells)
    assert np.allclose(found.weights, again.weights, atol=1e-5)
    side: Side = "encoder" if kind == "encoder" else "decoder"
    for index, layer in enumerate(tracing.layers(bundle, this, side)):
        exact = layer.cross if kind == "cross" else layer.attention
        assert exact is not None
        assert np.allclose(found.weights[index], _averages(exact.weights, found.block), atol=1e-6)


def _averages(weights: np.ndarray, block: int) -> np.ndarray:
    """The slow way."""
    heads, rows, columns = weights.shape
    found = [
        [weights[:, r : r + block, c : c + block].mean((1, 2)) for c in range(0, columns, block)]
        for r in range(0, rows, block)
    ]
    return np.array(found).transpose(2, 0, 1)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_head_that_is_off_gives_nothing_and_the_others_go_on(
    opened: Opened, name: str, kind: Kind
):
    side: Side = "encoder" if kind == "encoder" else "decoder"
    on = tracing.layer(opened(name), reading(name), side, 0)
    off = tracing.layer(opened(name), reading(name, off=((kind, 0, 1),)), side, 0)
    before = on.cross if kind == "cross" else on.attention
    after = off.cross if kind == "cross" else off.attention
    assert before is not None and after is not None
    assert before.output is not None and after.output is not None
    assert not after.output[1].any() and before.output[1].any()
    assert np.allclose(after.output[0], before.output[0], atol=1e-6)
    assert not np.allclose(off.hidden, on.hidden, atol=1e-3)


def test_heads_that_do_not_exist_are_a_bug_of_the_caller(opened: Opened):
    with pytest.raises(ValueError, match="no head"):
        tracing.hidden(opened("gpt2"), reading("gpt2", off=(("decoder", 99, 0),)))


def test_a_pair_has_two_segments_that_matter(opened: Opened):
    bundle = opened("bert")
    if not bundle.card.pairs:
        pytest.fail("the tiny BERT was exported without segments")
    pair = tracing.embedded(bundle, reading("bert", "the cat", second="sat"))
    assert pair.tokens.segments.tolist().count(1) > 0
    joined = tracing.hidden(bundle, reading("bert", "the cat [SEP] sat")).states
    split = tracing.hidden(bundle, reading("bert", "the cat", second="sat")).states
    assert joined.shape == split.shape and not np.allclose(joined, split, atol=1e-3)


@pytest.mark.parametrize("text", ["", " ", "\n\t \u00a0\u2003"])
@pytest.mark.parametrize("name", ["gpt2", "bert", "marian"])
def test_a_blank_text_is_a_sentence(opened: Opened, name: str, text: str):
    with pytest.raises(EmptyText, match="empty"):
        tracing.tokens(opened(name), reading(name, text))


@pytest.mark.parametrize("name", ["gpt2", "bert", "marian"])
def test_a_text_over_the_positions_gives_both_numbers(opened: Opened, name: str):
    with pytest.raises(TextTooLong, match=r"[\d,]+ tokens long.* at most 64\b.*Shorten"):
        tracing.hidden(opened(name), reading(name, "xq " * 50_000))


def test_a_text_that_just_fits_is_read(opened: Opened):
    bundle = opened("gpt2")
    count = len(tracing.tokens(bundle, reading("gpt2", "x")))
    text = "x" * (64 // count)
    while len(tracing.tokens(bundle, reading("gpt2", text))) < 64:
        text += "x"
    assert tracing.hidden(bundle, reading("gpt2", text)).states.shape[1] == 64
    with pytest.raises(TextTooLong, match="65 tokens long"):
        tracing.tokens(bundle, reading("gpt2", text + "x"))


def test_the_setting_bounds_models_without_a_limit(opened: Opened, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "settings", lambda: Settings(max_tokens=3))
    with pytest.raises(TextTooLong, match="ATLAS_MAX_TOKENS allows at most 3"):
        tracing.tokens(opened("gpt2"), reading("gpt2"))


@pytest.mark.parametrize(
    "text",
    ["\0", "a\0b", "\ud800", "<script>alert(1)</script>", "שלום עולם", "e\u0301👨\u200d👩\u200d👧"],
)
@pytest.mark.parametrize("name", ["gpt2", "bert", "marian"])
def test_hostile_texts_are_read_like_any_other(opened: Opened, name: str, text: str):
    found = tracing.logits(opened(name), reading(name, text), (0,))
    assert np.isfinite(found.logits).all()


def test_one_token_is_enough(opened: Opened):
    found = tracing.layer(opened("gpt2"), reading("gpt2", "x"), "decoder", 0)
    assert (found.attention.weights == 1).all()


def test_a_target_is_needed_for_the_decoder_side(opened: Opened):
    with pytest.raises(EmptyText, match="translated"):
        tracing.hidden(opened("marian"), reading("marian", target=()), "decoder")


def test_one_tower_has_no_cross_attention(opened: Opened):
    with pytest.raises(NotOffered, match="one tower"):
        blockwise.overview(opened("gpt2"), reading("gpt2"), "cross")


def test_a_model_that_only_makes_vectors_predicts_nothing(opened: Opened):
    bundle = opened("bert-bare")
    assert tracing.hidden(bundle, reading("bert")).states.ndim == 3
    for ask in (
        lambda: tracing.logits(bundle, reading("bert"), (0,)),
        lambda: tracing.lens(bundle, np.zeros((1, bundle.card.width), np.float32)),
    ):
        with pytest.raises(NotOffered, match="no output matrix"):
            ask()


@pytest.mark.parametrize("index", [-1, 2, 99])
def test_a_layer_that_does_not_exist_is_a_bug_of_the_caller(opened: Opened, index: int):
    with pytest.raises(ValueError, match="layer must be in"):
        tracing.layer(opened("gpt2"), reading("gpt2"), "decoder", index)


def test_a_position_that_does_not_exist_is_a_bug_of_the_caller(opened: Opened):
    with pytest.raises(ValueError, match="position must be in"):
        tracing.logits(opened("gpt2"), reading("gpt2"), (10**6,))


def test_parts_cannot_be_written_to_and_own_their_memory(opened: Opened):
    found = tracing.layer(opened("gpt2"), reading("gpt2"), "decoder", 0)
    for array in (found.hidden, found.attention.weights, found.attention.scores):
        assert array is not None and not array.flags.writeable
        assert array.base is None
