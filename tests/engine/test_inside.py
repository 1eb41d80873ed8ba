"""The numbers inside a head multiply out to the model's own weights and output, in every family."""

from pathlib import Path

import numpy as np
import pytest

from engine import heads, links, tracing
from engine.beams import Search
from engine.catalog import find
from engine.runtime import open_bundle
from engine.translation import translate
from engine.values import Attention, Kind, Reading

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


@pytest.mark.parametrize(("model", "kind", "text"), CASES)
def test_the_numbers_of_every_pair_multiply_out(model: str, kind: Kind, text: str):
    layers = every_layer(model, kind, text)
    assert layers
    for attention in layers:
        assert attention.value is not None
        count, n_query, n_key = attention.weights.shape
        for head in range(count):
            for query in range(n_query):
                one = links.inside(attention, head=head, query=query, key=0)
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
