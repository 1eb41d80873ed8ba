"""A model without positions or without its mask computes what PyTorch does when changed alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.api import local
from engine.errors import NotOffered, TextTooLong
from engine.models import altered
from engine.models.runtime import Bundle, open_bundle
from engine.settings import settings
from engine.trace import changes, tracing
from engine.values import Change, Reading, Side
from tests.engine.checkpoints import Bundles
from tests.engine.reference import load

TEXT = "The cat sat on the mat because it was warm."
TARGET = (0, 7, 19, 23, 5, 8)
CLOSE = 2e-5  # of float32 in another order

Swap = Callable[[Any], Any]

# Where positions enter each model in PyTorch: the module whose output says them.
LEARNED = {
    "gpt2": "transformer.wpe",
    "bert": "bert.embeddings.position_embeddings",
    "roberta": "roberta.embeddings.position_embeddings",
    "marian": "model.{side}.embed_positions",
}
ROTARY = {"llama": "model.rotary_emb", "gemma2": "model.rotary_emb"}
RELATIVE = {"t5": "{side}.block.0.layer.0.SelfAttention.relative_attention_bias"}
KINDS = {**dict.fromkeys(LEARNED, "added"), **dict.fromkeys(ROTARY, "rotary")}
KINDS |= {"t5": "bias", "bloom": "bias"}
SIDES: tuple[tuple[str, Side], ...] = (
    ("gpt2", "decoder"),
    ("bert", "encoder"),
    ("roberta", "encoder"),
    ("marian", "encoder"),
    ("marian", "decoder"),
    ("llama", "decoder"),
    ("gemma2", "decoder"),
    ("t5", "encoder"),
    ("t5", "decoder"),
    ("bloom", "decoder"),
)
DECODERS = tuple(name for name, side in SIDES if side == "decoder")
ENCODERS = tuple(name for name, side in SIDES if side == "encoder")


def reading(bundle: Bundle, text: str = TEXT) -> Reading:
    two = bundle.card.family == "encoder-decoder"
    return Reading(bundle.card.name, text, target=TARGET if two else None)


@contextmanager
def alibi_changed(model: Any, change: Change) -> Iterator[None]:
    """BLOOM with another slope, or with a mask of zeros: it makes its own of a plain one."""
    import torch
    from transformers.models import bloom

    modeling_bloom: Any = bloom.modeling_bloom
    build, make = model.transformer.build_alibi_tensor, modeling_bloom.create_causal_mask

    def built(*given: Any, **named: Any) -> Any:
        found = build(*given, **named)
        return 0 * found if change.positions == "off" else found[..., list(change.order)]

    def unmasked(*, inputs_embeds: Any, **_: Any) -> Any:
        count = inputs_embeds.shape[1]
        return torch.zeros(1, 1, count, count)

    if change.positions != "kept":
        model.transformer.build_alibi_tensor = built
    if not change.masked:
        modeling_bloom.create_causal_mask = unmasked
    try:
        yield
    finally:
        modeling_bloom.create_causal_mask = make


@contextmanager
def intervened(model: Any, name: str, side: Side, change: Change) -> Iterator[None]:
    """The model with its positions taken away or shuffled, by a hook on what gives them."""
    import torch

    if name == "bloom":
        with alibi_changed(model, change):
            yield
        return
    order, off = list(change.order), change.positions == "off"
    if change.positions == "kept":
        yield
        return

    def added(_module: Any, _given: Any, found: Any) -> Any:
        return 0 * found if off else found[..., order, :]

    def turned(_module: Any, _given: Any, found: Any) -> Any:
        cos, sin = found
        if off:
            return torch.ones_like(cos), torch.zeros_like(sin)
        return cos[:, order], sin[:, order]

    def bias(_module: Any, _given: Any, found: Any) -> Any:  # [query, key, head]
        return 0 * found if off else found[order][:, order]

    path = (LEARNED | ROTARY | RELATIVE)[name].format(side=side)
    hook = added if name in LEARNED else turned if name in ROTARY else bias
    handle = model.get_submodule(path).register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def expected(bundles: Bundles, name: str, side: Side, this: Reading, change: Change) -> Any:
    """What PyTorch gives: the side's hidden states, its attention, the logits."""
    import torch

    bundle = open_bundle(bundles(name))
    model = load(bundles.checkpoint(name))
    ids = torch.tensor(tracing.tokens(bundle, replace(this, change=None), "encoder").ids)[None]
    given: dict[str, Any] = {"input_ids": ids}
    if name == "bloom":
        given["attention_mask"] = torch.ones_like(ids)
    elif not change.masked:
        count = len(TARGET) if this.target else ids.shape[1]
        key = "decoder_attention_mask" if this.target else "attention_mask"
        given[key] = torch.zeros(1, 1, count, count)
    if this.target:
        given["decoder_input_ids"] = torch.tensor([this.target])
    if bundle.card.decoder:
        given["use_cache"] = False
    with torch.no_grad(), intervened(model, name, side, change):
        found = model(**given, output_hidden_states=True, output_attentions=True)
    prefix = f"{side}_" if this.target else ""
    hidden, weights = found[f"{prefix}hidden_states"], found[f"{prefix}attentions"]
    return [one[0].numpy() for one in hidden], [one[0].numpy() for one in weights], found


def compare(bundles: Bundles, name: str, side: Side, change: Change) -> None:
    bundle = open_bundle(bundles(name))
    this = replace(reading(bundle), change=change)
    hidden, weights, whole = expected(bundles, name, side, this, change)
    states = tracing.hidden(bundle, this, side).states
    # The last of PyTorch's has been through the final norm where a family has one.
    for got, want in zip(states[:-1], hidden[:-1], strict=True):
        assert np.abs(got - want).max() / max(1, np.abs(want).max()) < CLOSE
    for got, want in zip(tracing.layers(bundle, this, side), weights, strict=True):
        assert np.abs(got.attention.weights - want).max() < CLOSE
    logits = whole["logits"][0].numpy()
    found = tracing.logits(bundle, this, tuple(range(len(logits)))).logits
    assert np.abs(found - logits).max() / max(1, np.abs(logits).max()) < CLOSE
    plain = tracing.hidden(bundle, replace(this, change=None), side).states
    assert np.abs(states[-1] - plain[-1]).max() > 1e-3, "the change changed nothing"


@pytest.mark.parametrize(("name", "side"), SIDES)
@pytest.mark.parametrize("positions", ["off", "shuffled"])
def test_other_positions_equal_pytorch(
    bundles: Bundles, name: str, side: Side, positions: str
) -> None:
    bundle = open_bundle(bundles(name))
    assert changes.offered(bundle, side).kind == KINDS[name]
    tokens = tracing.tokens(bundle, reading(bundle), side)
    order = changes.shuffle(tokens, seed=3) if positions == "shuffled" else ()
    compare(bundles, name, side, Change(side, positions=positions, order=order))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_without_its_mask_equals_pytorch(bundles: Bundles, name: str) -> None:
    compare(bundles, name, "decoder", Change("decoder", masked=False))


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_without_positions_gives_the_same_numbers_permuted(
    bundles: Bundles, name: str
) -> None:
    bundle = open_bundle(bundles(name))
    off, shuffled = differences(bundle, "encoder")
    assert off < 1e-4 and shuffled < 1e-4


@pytest.mark.parametrize("name", [name for name in DECODERS if name not in ("marian", "t5")])
def test_a_decoder_tells_the_order_by_its_mask_alone(bundles: Bundles, name: str) -> None:
    assert min(differences(open_bundle(bundles(name)), "decoder")) > 1e-2


def differences(bundle: Bundle, side: Side) -> tuple[float, float]:
    """Largest difference to the words in another order, undone: positions off, shuffled."""
    this = reading(bundle)
    order = changes.shuffle(tracing.tokens(bundle, this, side), seed=3)
    moved = Change(side, order=order, moved=True)

    def states(change: Change) -> np.ndarray:
        return tracing.hidden(bundle, replace(this, change=change), side).states[-1]

    off = states(Change(side, positions="off")) - states(replace(moved, positions="off"))[[*order]]
    shuffled = states(Change(side, positions="shuffled", order=order)) - states(moved)[[*order]]
    return float(np.abs(off).max()), float(np.abs(shuffled).max())


def test_every_token_of_the_text_is_moved_and_no_mark(bundles: Bundles) -> None:
    tokens = tracing.tokens(open_bundle(bundles("bert")), Reading("bert", TEXT))
    order = np.array(changes.shuffle(tokens, seed=1))
    assert sorted(order) == list(range(len(tokens)))
    assert (order[tokens.special] == np.flatnonzero(tokens.special)).all()
    assert (order[tokens.own] != np.flatnonzero(tokens.own)).all()
    assert changes.shuffle(tokens, seed=1) == tuple(order)
    moved = changes.ordered(tokens, Change("encoder", order=tuple(order), moved=True))
    assert (moved.ids[order] == tokens.ids).all()
    assert [moved.pieces[at] for at in order] == list(tokens.pieces)


def test_intact_readings_stay_as_they_are_and_one_changed_session_is_held(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(altered, "IDLE", 0.2)
    bundle = open_bundle(bundles("gpt2"))
    this = reading(bundle)
    before = tracing.hidden(bundle, this, "decoder").states
    tracing.hidden(bundle, replace(this, change=Change("decoder", positions="off")), "decoder")
    assert altered.is_open()
    first = altered._held.session
    tracing.hidden(bundle, replace(this, change=Change("decoder", masked=False)), "decoder")
    assert altered._held.session is not first
    assert np.array_equal(tracing.hidden(bundle, this, "decoder").states, before)
    end = time.monotonic() + 5
    while altered.is_open() and time.monotonic() < end:
        time.sleep(0.05)
    assert not altered.is_open()


def test_a_layer_of_a_long_text_is_read_as_a_whole_where_the_model_is_changed(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gpt2").symlink_to(bundles("gpt2"), target_is_directory=True)
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path))
    settings.cache_clear()
    monkeypatch.setattr(tracing, "AT_ONCE", 1)
    this = Reading("gpt2", TEXT, change=Change("decoder", masked=False))
    bundle = open_bundle(bundles("gpt2"))
    found = local().layer(this, "decoder", 1).attention.weights
    settings.cache_clear()
    assert (
        np.abs(found - tracing.layers(bundle, this, "decoder")[1].attention.weights).max() < CLOSE
    )


def test_what_a_graph_cannot_carry_is_said(bundles: Bundles) -> None:
    entangled = open_bundle(bundles("deberta-v2"))
    this = replace(reading(entangled), change=Change("encoder", positions="off"))
    with pytest.raises(NotOffered, match="cannot be told apart"):
        tracing.hidden(entangled, this, "encoder")
    both_ways = open_bundle(bundles("bert"))
    this = replace(reading(both_ways), change=Change("encoder", masked=False))
    with pytest.raises(NotOffered, match="attends to all others anyway"):
        tracing.hidden(both_ways, this, "encoder")


def test_a_tensor_that_is_not_what_its_place_says_is_refused() -> None:
    off, seeing = Change("decoder", positions="off"), Change("decoder", masked=False)
    mask = np.triu(np.full((1, 1, 3, 3), -3e38, dtype=np.float32), 1)
    slope = np.linspace(0, -40, 3, dtype=np.float32).reshape(1, 1, 1, 3)
    with pytest.raises(NotOffered, match="built otherwise"):
        changes.given(off, {"bias": mask}, ())
    with pytest.raises(NotOffered, match="built otherwise"):
        changes.given(seeing, {"mask": slope}, ("mask",))
    assert not changes.given(seeing, {"mask": mask}, ("mask",))["mask"].any()
    assert not changes.given(off, {"bias": slope}, ())["bias"].any()


def test_a_text_too_long_to_be_read_at_once_is_refused(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST", 4)
    bundle = open_bundle(bundles("gpt2"))
    this = replace(reading(bundle), change=Change("decoder", positions="off"))
    with pytest.raises(TextTooLong, match="at most 4"):
        tracing.hidden(bundle, this, "decoder")
