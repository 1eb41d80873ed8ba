"""The registry of quantities: values, graphs and the page of quantities say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

from engine.blocks.parts import Parts, Update
from engine.models.catalog import SHIPPED
from engine.models.runtime import open_bundle
from engine.trace import outputs, quantities, tracing
from engine.trace.quantities import QUANTITIES, Quantity
from engine.values import Attention, Embedded, Hidden, Layer, Logits, Reading, Routing
from tests.engine.checkpoints import Bundles
from tests.engine.parity import RETURNED, TAPPED, heard
from tests.engine.reference import load

ROOT = Path(__file__).parents[2]
VALUES = {
    "attention": Attention,
    "embedding": Embedded,
    "part": Layer,
    "output": Logits,
    "block": Parts,
}


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.name)
def test_a_value_has_a_field_of_each_quantity_with_its_axes(quantity: Quantity) -> None:
    if quantity.hook == "stream":
        hints = get_type_hints(Hidden)
        assert hints["states"].dim_str == f"layers_plus_1 {quantity.axes}"
        assert get_type_hints(Layer)[quantity.name].dim_str == quantity.axes
        return
    if quantity.hook == "router":
        # Of a graph's many zeros a value keeps none: who was chosen, and with what weight.
        hints = get_type_hints(Routing)
        assert {hints[n].dim_str for n in (quantity.name, "weights")} == {"routed token chosen"}
        return
    # A block has several sub-layers that add something: each is a value of its own.
    added = quantity.hook == "block" and quantity.name == "vector"
    hint = get_type_hints(Update if added else VALUES[quantity.hook])[quantity.name]
    arrays = [kind for kind in getattr(hint, "__args__", (hint,)) if hasattr(kind, "dim_str")]
    assert [kind.dim_str for kind in arrays] == [quantity.axes]


def test_an_attention_holds_nothing_but_quantities_and_its_scale() -> None:
    names = {quantity.name for quantity in quantities.at("attention")}
    assert set(Attention.__dataclass_fields__) == names | {"scale"}


def test_every_quantity_of_attention_can_be_checked() -> None:
    """By a formula, by what transformers gives, or as what such a one is computed of."""
    every = quantities.at("attention")
    used = {name for quantity in every if quantity.computed for name in quantity.of}
    for quantity in every:
        assert quantity.computed or quantity.name in {*TAPPED, *RETURNED} | used, quantity.name
        assert bool(quantity.computed) == bool(quantity.formula) == bool(quantity.of)
        assert set(quantity.of) <= {other.name for other in every}


def test_names_are_there_once_and_unknown_ones_are_refused() -> None:
    keys = [(quantity.hook, quantity.name) for quantity in QUANTITIES]
    assert len(set(keys)) == len(keys)
    assert quantities.find("scores", "attention").output(3, "cross") == "cross.3.scores"
    with pytest.raises(KeyError, match="no quantity called 'entropy'"):
        quantities.find("entropy", "attention")


@pytest.mark.parametrize("name", ["tales-gpt", "tales-bert", "fr-en"])
def test_what_the_shipped_models_give_beyond_past_and_source_is_declared(name: str) -> None:
    bundle = open_bundle(SHIPPED / name)
    card = bundle.card
    for graph in ("model", "encoder") if card.family == "encoder-decoder" else ("model",):
        stack = card.encoder if graph == "encoder" and card.encoder else card.tower
        declared = {
            quantity.output(layer, sublayer)
            for quantity in QUANTITIES
            for layer in range(stack.layers + (quantity.hook == "stream"))
            for sublayer in quantity.sublayers
        }
        given = bundle.session(graph).outputs
        kept = {output for output in given if output.startswith(("present.", "source."))}
        assert given - kept <= declared
        # A quantity declared after a model was exported is one that it does not give.
        every = [q for q in quantities.at("attention") if q.name in card.given]
        assert len(every) == len(card.given) >= 6
        assert {q.output(k) for q in every for k in range(stack.layers)} <= given


def test_the_page_of_quantities_is_the_registry() -> None:
    written = (ROOT / "docs" / "quantities.md").read_text(encoding="utf-8")
    assert written == quantities.page(), "python -m engine.trace.quantities > docs/quantities.md"
    assert all(f"| {quantity.name} |" in written for quantity in QUANTITIES)


@pytest.fixture
def feed_forward(monkeypatch: pytest.MonkeyPatch) -> Iterator[Quantity]:
    """A quantity that somebody adds: its entry, and where GPT-2 keeps its module."""
    from engine.export import families

    added = Quantity("feed_forward", "token width", "part", "What the feed-forward part adds.")
    monkeypatch.setattr(quantities, "QUANTITIES", (*QUANTITIES, added))
    plan = families.LAYOUTS["gpt2"]
    assert plan.decoder is not None
    tower = replace(plan.decoder, parts={"feed_forward": "mlp"})
    monkeypatch.setitem(families.LAYOUTS, "gpt2", replace(plan, decoder=tower))
    yield added


def test_a_part_of_every_block_is_captured_by_its_entry_and_its_path(
    bundles: Bundles, feed_forward: Quantity
) -> None:
    import torch

    from engine.export.bundling import load as loaded
    from engine.export.graphs.graph import graphs
    from engine.export.proof import padded, step
    from engine.export.sources.hub import local

    folder = bundles.checkpoint("gpt2")
    model, plan = loaded(local(folder))
    inputs = step(model, padded([5, 6, 7, 8, 9, 10, 11], left=True))
    with torch.no_grad():
        got = graphs(model, plan)["model.onnx"](**inputs)
    plain = load(folder)
    places = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad(), heard(plain, "decoder") as parts:
        plain(inputs["input_ids"], attention_mask=inputs["attention_mask"], position_ids=places)
    assert set(parts) == {"feed_forward.0", "feed_forward.1"}
    seen = inputs["attention_mask"].bool().numpy()
    for name, theirs in parts.items():
        assert np.abs(got[name].numpy()[seen] - theirs[seen]).max() < 1e-5, name


def test_a_part_that_a_graph_gives_becomes_a_field_of_its_layer(
    monkeypatch: pytest.MonkeyPatch, feed_forward: Quantity
) -> None:
    asked: list[str] = []
    real = outputs.Layer

    def layer(**fields: object) -> Layer:
        given = fields.pop(feed_forward.name)
        assert isinstance(given, np.ndarray)
        np.testing.assert_array_equal(given, np.arange(6, dtype=np.float32).reshape(3, 2))
        asked.append(feed_forward.name)
        return real(**fields)  # type: ignore[arg-type]

    bundle = open_bundle(SHIPPED / "tales-gpt")
    found = tracing.layer(bundle, Reading("tales-gpt", "The old king"), "decoder", 0)
    assert found.index == 0  # a graph without it gives a layer without it
    monkeypatch.setattr(outputs, "Layer", layer)
    flat = {
        "layer.0.weights": np.ones((1, 1, 3, 3), np.float32),
        "hidden.1": np.zeros((1, 3, 2), np.float32),
        "feed_forward.0": np.arange(6, dtype=np.float32).reshape(1, 3, 2),
    }
    outputs.block(0, bundle.card.tower, flat, 3, crosses=False)
    assert asked == [feed_forward.name]
