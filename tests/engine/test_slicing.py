"""A part of a graph computes what the whole graph does."""

import numpy as np
import pytest

from engine.models import slicing
from engine.models.runtime import open_bundle
from engine.trace import blockwise, tracing
from engine.values import Kind, Reading, Side
from tests.engine.checkpoints import Bundles
from tests.engine.recipes import RECIPES

TEXT = "The cat sat on the mat because it was warm."
TARGET = (0, 7, 19, 23, 5, 8)
FEW: tuple[tuple[str, Side, Kind], ...] = (
    ("gpt2", "decoder", "decoder"),
    ("bert", "encoder", "encoder"),
    ("marian", "encoder", "encoder"),
    ("marian", "decoder", "cross"),
)


def reading(bundles: Bundles, name: str) -> Reading:
    two = open_bundle(bundles(name)).card.family == "encoder-decoder"
    return Reading(name, TEXT, target=TARGET if two else None)


@pytest.mark.parametrize(("name", "side", "kind"), FEW)
def test_blocks_one_by_one_equal_the_whole_run(bundles: Bundles, name: str, side: Side, kind: Kind):
    bundle, this = open_bundle(bundles(name)), reading(bundles, name)
    whole = tracing.layers(bundle, this, side)
    for one, block in zip(whole, tracing.passing(bundle, this, side), strict=True):
        expected, found = tracing.of_kind(one, kind), tracing.of_kind(block, kind)
        assert np.abs(found.weights - expected.weights).max() < 1e-5
        assert found.scores is not None and expected.scores is not None
        assert np.array_equal(np.isneginf(found.scores), np.isneginf(expected.scores))
        assert found.query is not None and expected.query is not None
        assert np.abs(found.query - expected.query).max() < 1e-4
        assert np.abs(block.hidden - one.hidden).max() < 1e-4


@pytest.mark.timeout(1200)  # the first to ask for a bundle waits for its export
@pytest.mark.parametrize("name", sorted(set(RECIPES) - {name for name, *_ in FEW}))
def test_every_family_can_be_read_block_by_block(bundles: Bundles, name: str):
    bundle, this = open_bundle(bundles(name)), reading(bundles, name)
    for side in ("encoder", "decoder") if this.target else (bundle.card.family,):
        whole = tracing.layers(bundle, this, side)
        for one, block in zip(whole, tracing.passing(bundle, this, side), strict=True):
            assert np.abs(block.attention.weights - one.attention.weights).max() < 1e-5
            assert np.abs(block.hidden - one.hidden).max() < 1e-4


def test_a_block_is_a_small_part_of_the_graph_and_begins_at_the_stream(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    whole = slicing.read((bundle.folder / "model.onnx").read_bytes())
    assert whole is not None
    part = slicing.read(whole.part(["hidden.1"], ["hidden.2", "layer.1.weights"]))
    assert part is not None
    assert len(part.nodes) < 0.75 * len(whole.nodes)
    assert "hidden.1" in part.inputs and "input_ids" in part.inputs
    assert not any("h.0." in name for name in part.initializers)
    assert any("h.1." in name for name in part.initializers)


def test_a_walk_gives_the_measures_of_the_whole_layers(bundles: Bundles):
    from engine.attention import notable

    bundle, this = open_bundle(bundles("gpt2")), reading(bundles, "gpt2")
    tokens = tracing.tokens(bundle, this, "decoder")
    whole = tracing.layers(bundle, this, "decoder")
    for one, passed in zip(whole, blockwise.walk(bundle, this, "decoder", 4), strict=True):
        expected = notable.measured(one.attention, kind="decoder", queries=tokens, keys=tokens)
        assert expected.names == passed.measures.names
        assert expected.values.shape[1] == one.attention.weights.shape[0]
        for name in ("values", "uniform", "columns"):
            own, walked = getattr(expected, name), getattr(passed.measures, name)
            assert np.allclose(own, walked, atol=1e-5, equal_nan=True)
        assert max(passed.pictures.shape[1:]) <= 4


def test_a_head_that_is_off_stays_off_in_its_block(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    this = Reading("gpt2", TEXT, off=(("decoder", 1, 0),))
    output = [layer.attention.output for layer in tracing.passing(bundle, this, "decoder")]
    assert output[1] is not None and not output[1][0].any() and output[1][1].any()


def test_a_block_without_what_enters_it_is_a_bug_of_the_caller(bundles: Bundles):
    with pytest.raises(ValueError, match="enters"):
        tracing.block(open_bundle(bundles("gpt2")), Reading("gpt2", TEXT), "decoder", 1, None)
