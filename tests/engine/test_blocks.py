"""A block opened: hidden units and updates equal PyTorch's, in graphs that only name the stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from engine.api import Engine, Reading, local
from engine.blocks import commitment, units
from engine.blocks.parts import ORDER, Parts, parts
from engine.errors import NotOffered
from engine.models.runtime import Bundle, open_bundle
from engine.trace import quantities, sides, tracing
from engine.values import Side
from tests.engine.checkpoints import Bundles
from tests.engine.recipes import RECIPES
from tests.engine.reference import error, load

pytestmark = pytest.mark.timeout(1200)
TEXT = "The cat sat on the mat because it was warm."
TARGET = (0, 7, 19, 23, 5, 8)
SHIPPED = Reading("tales-gpt", "Once upon a time there was an old king who")
TOLERANCE = 1e-4
# Where each keeps the second matrix of its feed-forward network and the last of its attention; what
# a third module gives is added, where a norm follows the network.
FEW: dict[str, tuple[Side, str, str]] = {
    "gpt2": ("decoder", "mlp.c_proj", "attn.c_proj"),
    "bert": ("encoder", "output.dense", "attention.output.dense"),
    "llama": ("decoder", "mlp.down_proj", "self_attn.o_proj"),
    "opt": ("decoder", "fc2", "self_attn.out_proj"),
    "gpt-neox": ("decoder", "mlp.dense_4h_to_h", "attention.dense"),
    "phi3": ("decoder", "mlp.down_proj", "self_attn.o_proj"),
    "t5": ("encoder", "layer.1.DenseReluDense.wo", "layer.0.SelfAttention.o"),
    "marian": ("decoder", "fc2", "self_attn.out_proj"),
}
NORMED = {"gemma2": ("post_attention_layernorm", "post_feedforward_layernorm")}
UNITS = quantities.find("units", "block")
SECOND = {
    "c_proj", "down_proj", "fc2", "wo", "dense", "dense_4h_to_h", "fc_out", "lin2", "ffn_output",
    "Wo", "output_linear",
}  # fmt: skip
"""Names that transformers gives to second matrices of feed-forward networks."""


def reading(bundle: Bundle) -> Reading:
    two = bundle.card.family == "encoder-decoder"
    return Reading(bundle.card.name, TEXT, target=TARGET if two else None)


def opened(bundle: Bundle, side: Side) -> tuple[list[Parts], np.ndarray]:
    """Every block of a side, and the stream."""
    this = reading(bundle)
    stream = tracing.hidden(bundle, this, side).states
    layers = range(sides.stack(bundle.card, side).layers)
    return [parts(bundle, this, side, k, stream) for k in layers], stream


@contextmanager
def heard(model: Any) -> Iterator[dict[str, tuple[list[np.ndarray], list[np.ndarray]]]]:
    """What goes into and comes out of every module with one input and one output, by name."""
    import torch

    found: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = {}

    def keep(name: str) -> Any:
        def hook(_module: Any, args: Any, output: Any) -> None:
            if args and isinstance(args[0], torch.Tensor) and isinstance(output, torch.Tensor):
                into, out = found.setdefault(name, ([], []))
                into.append(args[0].numpy().reshape(-1, args[0].shape[-1]).copy())
                out.append(output.numpy().reshape(-1, output.shape[-1]).copy())

        return hook

    hooks = [m.register_forward_hook(keep(name)) for name, m in model.named_modules() if name]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def asked(bundle: Bundle, model: Any) -> dict[str, tuple[list[np.ndarray], list[np.ndarray]]]:
    """PyTorch reads what the bundle reads."""
    import torch

    this = reading(bundle)
    ids = {"input_ids": torch.tensor(tracing.tokens(bundle, this, "encoder").ids)[None]}
    if this.target:
        ids["decoder_input_ids"] = torch.tensor(this.target)[None]
    with torch.no_grad(), heard(model) as found:
        model(**ids)
    return found


def of_block(found: dict[str, Any], side: Side, layer: int, path: str) -> np.ndarray:
    """What one module of a block took and gave; the names before the block's number differ."""
    names = [
        name
        for name in found
        if name.endswith(f".{layer}.{path}") and (side in name or "coder." not in name)
    ]
    assert len(names) == 1, (names, path)
    return found[names[0]]


@pytest.mark.parametrize("name", FEW)
def test_units_and_updates_are_what_the_modules_of_pytorch_take_and_give(
    bundles: Bundles, name: str
) -> None:
    side, second, last = FEW[name]
    bundle = open_bundle(bundles(name))
    every, _ = opened(bundle, side)
    found = asked(bundle, load(bundles.checkpoint(name)))
    for block in every:
        own, added = block.of("attention"), block.of("feed-forward")
        assert block.units is not None and own is not None and added is not None
        into, out = of_block(found, side, block.index, second)
        assert error(block.units, into[0]) < TOLERANCE
        assert error(added.vector, out[0]) < TOLERANCE
        assert error(own.vector, of_block(found, side, block.index, last)[1][0]) < TOLERANCE
        cross = block.of("cross-attention")
        assert (cross is not None) == (side == "decoder" and bundle.card.encoder is not None)
        if cross is not None:
            theirs = of_block(found, side, block.index, "encoder_attn.out_proj")[1][0]
            assert error(cross.vector, theirs) < TOLERANCE


@pytest.mark.parametrize("name", NORMED)
def test_what_a_norm_makes_of_it_is_what_is_added(bundles: Bundles, name: str) -> None:
    bundle = open_bundle(bundles(name))
    every, _ = opened(bundle, "decoder")
    found = asked(bundle, load(bundles.checkpoint(name)))
    for block in every:
        for sublayer, path in zip(("attention", "feed-forward"), NORMED[name], strict=True):
            one = block.of(sublayer)
            theirs = of_block(found, "decoder", block.index, path)[1][0]
            assert one is not None and error(one.vector, theirs) < TOLERANCE


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_family_is_opened_or_said_not_to_be(bundles: Bundles, name: str) -> None:
    """Units equal what one product with weights takes in PyTorch, and no product of attention's."""
    bundle = open_bundle(bundles(name))
    model = load(bundles.checkpoint(name), bundle.card.positions)
    found = asked(bundle, model)
    for side in ("encoder", "decoder") if bundle.card.encoder and bundle.card.decoder else (
        bundle.card.family,
    ):  # fmt: skip
        every, _ = opened(bundle, side)  # type: ignore[arg-type]
        shut = [block.index for block in every if block.units is None]
        if not quantities.given(UNITS, bundle.card.family, bundle.card.architecture):
            assert shut and all(not every[k].updates for k in shut)
            continue
        assert not shut
        for block in every:
            _matches(block, found)
            _adds_up(block)


def _matches(block: Parts, found: dict[str, tuple[list[np.ndarray], list[np.ndarray]]]) -> None:
    assert block.units is not None
    same = {
        name
        for name, (into, _) in found.items()
        for one in into
        # Longformer pads a text to whole windows.
        if one.shape[1:] == block.units.shape[1:]
        and len(one) >= len(block.units)
        and error(block.units, one[: len(block.units)]) < TOLERANCE
    }
    ends = {name.split(".")[-1] for name in same} & SECOND
    assert ends and not any("attention." in name and "output" not in name for name in same), same


def _adds_up(block: Parts) -> None:
    """Where sums are not normalized, what enters and all that is added are what leaves."""
    assert [one.sublayer for one in block.updates] == [
        kind for kind in ORDER if block.of(kind) is not None
    ]
    assert {"attention", "feed-forward"} <= {one.sublayer for one in block.updates}
    if block.normed_after:
        return
    whole = block.updates[0].into + sum(one.vector for one in block.updates)
    assert error(block.leaving, whole) < TOLERANCE
    if not block.parallel:
        last = block.updates[-1]
        assert error(block.leaving, last.into + last.vector) < TOLERANCE


@pytest.mark.parametrize("name", ["gpt2", "llama", "granite"])
def test_pushes_are_logits_through_the_final_norm_and_the_output_matrix(
    bundles: Bundles, name: str
) -> None:
    """From PyTorch's own weights: activation, output weights, gain, scale at the place, matrix."""
    bundle = open_bundle(bundles(name))
    every, stream = opened(bundle, "decoder")
    model = load(bundles.checkpoint(name)).double()
    block, place = every[1], 3
    assert block.units is not None
    chosen = units.strongest(block, place, 5)
    lens = lambda some: tracing.lens(bundle, some)  # noqa: E731
    found = units.pushes(bundle, "decoder", block, place, chosen, stream[-1], lens)
    if name == "gpt2":
        rows = model.transformer.h[1].mlp.c_proj.weight[list(chosen)]
        norm = model.transformer.ln_f
    else:
        rows = model.model.layers[1].mlp.down_proj.weight[:, list(chosen)].T
        norm = model.model.norm
    rows = rows.detach().numpy() * getattr(model.config, "residual_multiplier", 1.0)
    last = stream[-1, place].astype(np.float64)
    if name == "gpt2":
        rows, last = (x - x.mean(axis=-1, keepdims=True) for x in (rows, last))
    scale = np.sqrt((last**2).mean())
    matrix = model.get_output_embeddings().weight.detach().numpy()
    matrix = matrix / getattr(model.config, "logits_scaling", 1.0)
    active = block.units[place, list(chosen)]
    theirs = active[:, None] * (rows * norm.weight.detach().numpy() / scale) @ matrix.T
    best = np.argsort(-theirs, axis=1)[:, : units.BEST]
    assert found.head == "norm" and not found.normed
    assert np.abs(found.activations - active).max() == 0
    assert error(found.raised_by, np.take_along_axis(theirs, best, axis=1)) < 1e-3
    ours = np.take_along_axis(theirs, found.raised, axis=1)
    assert error(found.raised_by, ours) < 1e-3
    assert error(found.lowered_by, np.sort(theirs, axis=1)[:, : units.BEST]) < 1e-3


def test_a_head_with_layers_of_its_own_is_measured_by_its_slope() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.normal(size=(6, 6)), rng.normal(size=(6, 9))
    vectors, active, x = rng.normal(size=(3, 6)), np.array([0.5, -0.2, 0.1]), rng.normal(size=6)
    for shift in (0.0, 0.3):
        lens = lambda x, shift=shift: np.tanh(x @ one * 0.1 + shift) @ two  # noqa: E731
        found, head = units.effects(lens, vectors, active, x)
        slope = (active[:, None] * vectors @ one * 0.1 / np.cosh(x @ one * 0.1 + shift) ** 2) @ two
        assert head == "own layers" and np.abs(found - slope).max() < 1e-4


def test_a_soft_cap_after_a_norm_is_no_product() -> None:
    rng = np.random.default_rng(4)
    matrix, cap = rng.normal(size=(6, 9)), 2.0

    def lens(x: np.ndarray) -> np.ndarray:
        return cap * np.tanh(x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-9) @ matrix / cap)

    some = rng.normal(size=(3, 6)), np.array([0.5, -0.2, 0.1]), rng.normal(size=6)
    assert units.effects(lens, *some)[1] == "own layers"


def test_a_product_alone_has_no_scale() -> None:
    rng = np.random.default_rng(2)
    matrix, bias = rng.normal(size=(6, 9)), rng.normal(size=9)
    vectors, active = rng.normal(size=(3, 6)), np.array([0.5, -0.2, 0.1])
    found, head = units.effects(lambda x: x @ matrix + bias, vectors, active, rng.normal(size=6))
    assert head == "product" and np.abs(found - active[:, None] * vectors @ matrix).max() < 1e-5


def test_a_norm_after_the_network_is_noticed(bundles: Bundles) -> None:
    for name, normed in (("gemma2", True), ("llama", False)):
        bundle = open_bundle(bundles(name))
        every, stream = opened(bundle, "decoder")
        found = units.pushes(bundle, "decoder", every[0], 2, (0, 1), stream[-1], None)
        assert found.normed == normed and found.head is None and found.raised.shape == (2, 0)


@pytest.mark.parametrize("precision", ["int8", "fp16-weights", "fp16"])
def test_other_precisions_are_opened_as_well(bundles: Bundles, precision: str) -> None:
    plain, _ = opened(open_bundle(bundles("gpt2")), "decoder")
    bundle = open_bundle(bundles("gpt2", "--precision", precision))
    every, stream = opened(bundle, "decoder")
    most = {"int8": 0.1, "fp16-weights": 0.01, "fp16": 0.03}[precision]
    for block, other in zip(every, plain, strict=True):
        assert block.units is not None and other.units is not None
        assert error(block.units, other.units) < most
        _adds_up_to(block, 0.03)
    lens = lambda some: tracing.lens(bundle, some)  # noqa: E731
    chosen = units.strongest(every[0], 2, 3)
    found = units.pushes(bundle, "decoder", every[0], 2, chosen, stream[-1], lens)
    assert np.isfinite(found.raised_by).all() and (found.lengths > 0).all()


def _adds_up_to(block: Parts, most: float) -> None:
    whole = block.updates[0].into + sum(one.vector for one in block.updates)
    assert error(block.leaving, whole) < most


def test_lengths_and_cosines_of_all_layers_are_those_of_the_vectors(engine: Engine) -> None:
    found = engine.updates(SHIPPED, "decoder")
    stream = engine.hidden(SHIPPED, "decoder").states
    for layer in range(len(stream) - 1):
        block = engine.parts(SHIPPED, "decoder", layer)
        for kind, sublayer in enumerate(found.sublayers):
            one = block.of(sublayer)
            assert one is not None
            for token in (0, len(stream[0]) - 1):
                a, b = one.vector[token].astype(float), one.into[token].astype(float)
                at = layer, kind, token
                assert found.norms[at] == pytest.approx(np.sqrt((a**2).sum()), rel=1e-4)
                assert found.into[at] == pytest.approx(np.sqrt((b**2).sum()), rel=1e-4)
                cosine = (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())
                assert found.cosines[at] == pytest.approx(cosine, abs=1e-4)
    best = found.norms[:, :, -1]
    layer, sublayer = found.largest(-1)
    assert found.norms[layer, found.sublayers.index(sublayer), -1] == best.max()


def test_an_ablated_head_changes_what_the_attention_adds(engine: Engine) -> None:
    off = Reading(SHIPPED.model, SHIPPED.text, off=(("decoder", 2, 0),))
    whole, less = (engine.parts(one, "decoder", 2).of("attention") for one in (SHIPPED, off))
    assert whole is not None and less is not None
    assert np.abs(whole.vector - less.vector).max() > 0.01
    assert np.abs(whole.into - less.into).max() < 1e-4


def test_the_layer_of_commitment_equals_a_slow_look_at_each_place(engine: Engine) -> None:
    found = engine.commitment(SHIPPED, "decoder", 3)
    count = len(engine.tokens(SHIPPED))
    assert found.places.tolist() == list(range(count))
    for row, place in enumerate(found.places.tolist()):
        logits = engine.logit_lens(SHIPPED, "decoder", place)
        tops = logits.argmax(axis=1).tolist()
        settled = next(k for k in range(len(tops)) if set(tops[k:]) == {tops[-1]})
        assert (found.ids[row], found.settled[row]) == (tops[-1], settled)
        shares = np.exp(logits[-1] - logits[-1].max())
        assert found.probabilities[row] == pytest.approx(1 / shares.sum(), rel=1e-3)


def test_since_is_the_row_from_which_on_the_last_ones_id_stands() -> None:
    tops = np.array([[3, 1, 9, 4], [5, 1, 9, 4], [5, 2, 9, 7], [5, 2, 9, 4]])
    assert commitment.since(tops).tolist() == [1, 2, 0, 3]


def test_a_long_text_is_answered_in_windows_that_neighbors_share() -> None:
    assert commitment.room(12, 768, 50257) == 59
    assert commitment.room(80, 8192, 256000) == 1
    assert [commitment.window(place, 20, 6) for place in (0, 5, 6, 19)] == [
        (0, 6), (0, 6), (6, 12), (18, 20),
    ]  # fmt: skip


def test_held_logits_are_few_whatever_the_text_is(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    matrix, states = rng.normal(size=(4, 7)), rng.normal(size=(3, 11, 4))
    asked: list[int] = []

    def lens(some: np.ndarray) -> np.ndarray:
        asked.append(len(some) * 7)
        return some @ matrix

    whole = commitment.commitment(lens, states, 0, 11)
    monkeypatch.setattr(commitment, "HELD", 50)
    asked.clear()
    parts_ = commitment.commitment(lens, states, 0, 11)
    assert max(asked) <= 50
    assert np.array_equal(whole.settled, parts_.settled) and np.array_equal(whole.ids, parts_.ids)


def test_blocks_of_a_short_text_are_kept_when_all_are_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from engine.local import blocks

    engine = local()
    short, long = (Reading("tales-gpt", f"A {word} dog barked.") for word in ("small", "large"))
    engine.updates(short, "decoder")
    monkeypatch.setattr(blocks, "KEPT", 0)
    engine.updates(long, "decoder")
    opened_parts: list[str] = []
    real = Bundle.part
    monkeypatch.setattr(Bundle, "part", lambda *given: opened_parts.append("") or real(*given))
    engine.parts(short, "decoder", 3)
    assert not opened_parts
    engine.parts(long, "decoder", 3)
    assert len(opened_parts) == 1


def test_what_does_not_exist_is_refused_with_numbers(engine: Engine) -> None:
    with pytest.raises(NotOffered, match="layers 1 to 6, not 8"):
        engine.parts(SHIPPED, "decoder", 7)
    with pytest.raises(NotOffered, match="units 1 to 1,024"):
        engine.pushes(SHIPPED, "decoder", 2, 3, (1024,))
    with pytest.raises(NotOffered, match="17 units: 1 to 16"):
        engine.pushes(SHIPPED, "decoder", 2, 3, tuple(range(17)))
    with pytest.raises(NotOffered, match="17 units: 1 to 16"):
        engine.pushes(SHIPPED, "decoder", 2, 3, tuple(range(17)))
    with pytest.raises(NotOffered, match="tokens 1 to 10"):
        engine.pushes(SHIPPED, "decoder", 2, 10, (1,))
    with pytest.raises(NotOffered, match="no output matrix"):
        engine.commitment(Reading("fr-en", "Le chat dort."), "encoder", 0)


def test_a_block_costs_one_layer_and_no_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A click on a layer opens that layer's part of the graph alone."""
    engine = local()
    this = Reading("tales-gpt", "The fox and the hen went for a walk.")
    engine.hidden(this, "decoder")
    opened_parts: list[int] = []
    real = Bundle.part

    def part(self: Bundle, *given: Any) -> Any:
        found = real(self, *given)
        assert found is not None
        opened_parts.append(len(found.data))
        return found

    monkeypatch.setattr(Bundle, "part", part)
    monkeypatch.setattr(Bundle, "session", lambda self, graph="model": pytest.fail(graph))
    engine.parts(this, "decoder", 4)
    engine.parts(this, "decoder", 4)
    assert len(opened_parts) == 1
