"""The encoder of two towers runs once for a text, whatever is asked of them and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from engine.hosting import figures
from engine.models.catalog import SHIPPED
from engine.models.runtime import Bundle, open_bundle
from engine.store import Store
from engine.trace import blockwise, sources, tracing
from engine.values import Change, Reading, Side

READING = Reading("fr-en", "Le chat dort.", target=(4000, 5, 6))
SIDES: tuple[Side, ...] = ("encoder", "decoder")


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store in which nothing is kept yet."""
    fresh = Store(10**8)
    monkeypatch.setattr(sources, "store", lambda: fresh)
    monkeypatch.setattr(sources, "cached", fresh.get)
    yield fresh


@pytest.fixture
def bundle() -> Bundle:
    return open_bundle(SHIPPED / "fr-en")


@pytest.fixture
def reading(bundle: Bundle) -> Reading:
    start = bundle.card.generation.start
    assert start is not None
    return replace(READING, target=(start, 5, 6))


def runs(ask: Callable[[], object]) -> float:
    """How many runs of a graph a question takes."""
    before = figures.value("atlas_runs_total")
    ask()
    return figures.value("atlas_runs_total") - before


@pytest.mark.parametrize("order", [SIDES, SIDES[::-1]])
def test_both_towers_are_traced_in_as_few_runs_as_can_be(
    bundle: Bundle, reading: Reading, order: tuple[Side, ...]
):
    first = runs(lambda: [tracing.layers(bundle, reading, side) for side in order])
    # The encoder's trace gives what the decoder needs; the other way round it is not yet asked for.
    assert first == (2 if order[0] == "encoder" else 3)
    assert runs(lambda: tracing.layer(bundle, reading, "decoder", 0)) == 1
    assert runs(lambda: tracing.logits(bundle, reading, (0,))) == 1
    assert runs(lambda: tracing.hidden(bundle, reading, "encoder")) == 1


def test_a_walk_over_the_decoder_s_blocks_runs_the_encoder_once(bundle: Bundle, reading: Reading):
    assert bundle.card.decoder is not None
    walked = runs(lambda: list(blockwise.walk(bundle, reading, "cross")))
    assert walked == bundle.card.decoder.layers + 1


def test_what_is_kept_changes_no_bit(bundle: Bundle, reading: Reading, kept: Store):
    asked = [tracing.layers(bundle, reading, side) for side in SIDES]
    again = tracing.layers(bundle, reading, "decoder")
    kept.clear()
    alone = tracing.layers(bundle, reading, "decoder")
    for found in (asked[1], again):
        for one, other in zip(found, alone, strict=True):
            assert one.cross is not None and other.cross is not None
            assert np.array_equal(one.hidden, other.hidden)
            for part in ("weights", "key", "value", "scores"):
                assert np.array_equal(getattr(one.cross, part), getattr(other.cross, part))


def test_another_text_or_another_head_of_the_encoder_is_another_source(
    bundle: Bundle, reading: Reading
):
    def ask(one: Reading) -> float:
        return runs(lambda: tracing.hidden(bundle, one, "decoder"))

    assert ask(reading) == 2
    assert ask(replace(reading, text="Le chien dort.")) == 2
    assert ask(replace(reading, off=(("encoder", 0, 0),))) == 2
    assert ask(replace(reading, off=(("decoder", 0, 0), ("cross", 0, 1)))) == 1
    assert ask(replace(reading, target=(*(reading.target or ()), 7))) == 1


def test_a_changed_encoder_is_run_each_time_and_leaves_nothing(
    bundle: Bundle, reading: Reading, kept: Store
):
    changed = replace(reading, change=Change("encoder", positions="off"))
    tracing.hidden(bundle, changed, "encoder")
    theirs = tracing.hidden(bundle, changed, "decoder")
    assert not kept.values()
    ours = tracing.hidden(bundle, reading, "decoder")
    assert np.abs(ours.states - theirs.states).max() > 1e-3


def test_a_long_source_is_kept_only_when_a_decoder_asks(
    bundle: Bundle, reading: Reading, kept: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sources, "MOST", 2)
    tracing.hidden(bundle, reading, "encoder")
    assert not kept.values()
    tracing.hidden(bundle, reading, "decoder")
    assert len(kept.values()) == 1


def test_models_of_one_tower_keep_no_source(kept: Store):
    tracing.hidden(open_bundle(SHIPPED / "tales-gpt"), Reading("m", "A fox."), "decoder")
    assert not kept.values()
