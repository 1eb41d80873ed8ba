"""The numbers inside a head multiply out to the model's own weights and output, in every family."""

from pathlib import Path

import numpy as np
import pytest

from engine.attention import heads, transforms
from engine.decoding.beams import Search
from engine.decoding.translation import translate
from engine.models.catalog import find
from engine.models.runtime import open_bundle
from engine.trace import tracing
from engine.values import Attention, Kind, Reading
from tests.engine.checkpoints import Bundles
from tests.engine.recipes import RECIPES

TEXT = "The cat sat on the mat because it was warm."
TARGET = (0, 7, 19, 23, 5, 8)
# Families whose scores are more than scale x q.k: position biases, soft caps, disentangled parts.
BIASED = {"bloom", "deberta-v2", "falcon-alibi", "gemma2", "mpt", "mt5", "t5", "umt5"}
BIASED |= {"switch-transformers", "t5gemma"}

CASES = [
    ("tales-gpt", "decoder", "The little boat sailed across the dark sea."),
    ("tales-bert", "encoder", "The little boat sailed across the dark sea."),
    ("fr-en", "encoder", "Il a mangé une pomme rouge."),
    ("fr-en", "decoder", "Il a mangé une pomme rouge."),
    ("fr-en", "cross", "Il a mangé une pomme rouge."),
]


def every_layer(model: str, kind: Kind, text: str) -> list[Attention]:
    folder = find(model).folder
    assert isinstance(folder, Path)
    bundle = open_bundle(folder)
    reading = Reading(model, text)
    if kind in ("decoder", "cross") and bundle.card.family == "encoder-decoder":
        reading = translate(bundle, reading, Search()).reading()
    side = "encoder" if kind == "encoder" else "decoder"
    layers = tracing.layers(bundle, reading, side)
    found = [layer.cross if kind == "cross" else layer.attention for layer in layers]
    return [attention for attention in found if attention is not None]


@pytest.mark.timeout(1200)  # the first to ask for a bundle waits for its export
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_numbers_inside_a_head_multiply_out_in_every_family(bundles: Bundles, name: str):
    bundle = open_bundle(bundles(name))
    two = bundle.card.family == "encoder-decoder"
    reading = Reading(name, TEXT, target=TARGET if two else None)
    sides = ("encoder", "decoder") if two else (bundle.card.family,)
    layers = [layer for side in sides for layer in tracing.layers(bundle, reading, side)]
    found = [part for layer in layers for part in (layer.attention, layer.cross) if part]
    assert len(found) == (6 if two else 2)
    if "scores" not in bundle.card.given:
        assert all(transforms.inside(one, head=0, query=0, key=0) is None for one in found)
        return
    biases = [multiplies_out(one) for one in found]
    assert any(biases) == (name in BIASED)


def multiplies_out(attention: Attention) -> bool:
    """Check every open pair of every head as the page shows it; whether any has a bias."""
    assert attention.value is not None and attention.scores is not None
    biased = False
    count, n_query, n_key = attention.weights.shape
    for head, query, key in np.ndindex(count, n_query, n_key):
        one = transforms.inside(attention, head=head, query=query, key=key)
        assert one is not None
        assert one.products.sum() == pytest.approx(one.dot, rel=1e-5, abs=1e-5)
        if not np.isfinite(one.score):
            assert one.weights[key] == 0
            continue
        biased |= one.bias != 0
        close = 1e-5 if one.bias else 1e-4  # a bias below this is rounding, shown as none
        score = one.dot * one.scale + one.bias
        assert abs(score - one.score) <= close * max(1.0, abs(one.score))
        softmax = np.exp(one.scores - one.scores.max())
        shares = softmax / softmax.sum() * (1 - one.sink)
        assert np.abs(shares - one.weights).max() <= 1e-5
        fetched = one.weights @ attention.value[head]
        assert np.abs(fetched - one.output).max() <= 1e-5 * max(1.0, np.abs(one.output).max())
    return biased


@pytest.mark.parametrize(("model", "kind", "text"), CASES)
def test_the_numbers_of_every_pair_multiply_out(model: str, kind: Kind, text: str):
    layers = every_layer(model, kind, text)
    assert layers
    for attention in layers:
        assert attention.value is not None
        count, n_query, n_key = attention.weights.shape
        for head in range(count):
            for query in range(n_query):
                one = transforms.inside(attention, head=head, query=query, key=0)
                assert one is not None
                score = one.products.sum() * one.scale + one.bias
                assert abs(score - one.score) <= 1e-5 * max(1, abs(score))
                softmax = np.exp(one.scores - one.scores.max())
                assert np.abs(softmax / softmax.sum() - one.weights).max() <= 1e-5
                assert np.abs(one.weights @ attention.value[head] - one.output).max() <= 1e-5
        assert n_key == attention.weights.shape[-1]


@pytest.mark.parametrize(("model", "kind", "text"), CASES)
def test_open_cells_hold_all_the_weight(model: str, kind: Kind, text: str):
    for attention in every_layer(model, kind, text):
        open_cells = heads.allowed(kind, *attention.weights.shape[1:], attention)
        assert open_cells.tolist() == heads.allowed(kind, *attention.weights.shape[1:]).tolist()
        sums = (attention.weights * open_cells).sum(axis=-1)
        assert np.abs(sums - 1).max() <= 1e-5


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "kind", "projection"),
    [
        ("gpt2", "decoder", "transformer.h.1.attn.c_proj"),
        ("bert", "encoder", "bert.encoder.layer.1.attention.output.dense"),
        ("marian", "cross", "model.decoder.layers.1.encoder_attn.out_proj"),
    ],
)
def test_all_heads_of_a_layer_off_equal_pytorch_with_their_outputs_zeroed(
    bundles: Bundles, name: str, kind: Kind, projection: str
):
    torch = pytest.importorskip("torch")
    from tests.engine.reference import error, load

    bundle = open_bundle(bundles(name))
    target = TARGET if kind == "cross" else None
    off = tuple((kind, 1, head) for head in range(bundle.card.tower.heads))
    on = Reading(name, TEXT, target=target)
    silent = Reading(name, TEXT, target=target, off=off)
    ids = tracing.tokens(bundle, on).ids
    call = {"input_ids": torch.tensor(ids.tolist())[None]}
    if target:
        call["decoder_input_ids"] = torch.tensor([target])
    model = load(bundles.checkpoint(name))
    with torch.no_grad():
        model.get_submodule(projection).weight.zero_()  # what its heads give goes nowhere
        expected = model(**call).logits[0].numpy()
    places = tuple(range(len(expected)))
    assert error(tracing.logits(bundle, silent, places).logits, expected) <= 1e-4
    assert error(tracing.logits(bundle, on, places).logits, expected) > 1e-3
