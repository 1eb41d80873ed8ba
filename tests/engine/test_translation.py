"""Translations of a tiny Marian equal `transformers.generate`, and keep what they weighed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.decoding.beams import Search
from engine.decoding.translation import (
    prefix_ids,
    prompt_ids,
    reference_reading,
    scored,
    traced,
    translate,
    translate_all,
)
from engine.errors import EmptyText, NotOffered, TextTooLong
from engine.models.bundle import Generation
from engine.models.runtime import Bundle, open_bundle
from engine.tokenizers.tokens import piece_texts, tokenize
from engine.trace import blockwise, tracing
from engine.values import Reading
from tests.engine.checkpoints import Bundles
from tests.engine.reference import generated

TEXTS = (
    "Le chat dort sur le tapis.",
    "Où est l'hôtel, s'il vous plaît ?",
    "Il fait chaud",
    "chat",
    "parce que le chat dort parce que le chat dort",
)
READINGS = tuple(Reading("marian", text) for text in TEXTS)


OTHERS = ("t5", "bart", "m2m-100")


@pytest.fixture(scope="module")
def bundle(bundles: Bundles) -> Bundle:
    return open_bundle(bundles("marian"))


@pytest.fixture(scope="module")
def model(bundles: Bundles) -> Any:
    from transformers import MarianMTModel

    return MarianMTModel.from_pretrained(bundles.checkpoint("marian")).eval()


@pytest.mark.parametrize("penalty", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("width", [1, 2, 4])
def test_padded_batch_equals_generate_token_for_token(bundle, model, width, penalty) -> None:
    search = Search(width, penalty, limit=14)
    start = bundle.card.generation.start
    expected = generated(model, bundle, TEXTS, search, [start])
    for mine, theirs in zip(translate_all(bundle, READINGS, search), expected, strict=True):
        assert [h.ids for h in mine.found.hypotheses] == [ids for ids, _ in theirs]
        if width > 1:
            scores = [h.score for h in mine.found.hypotheses]
            assert np.allclose(scores, [score for _, score in theirs], atol=1e-4)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("name", OTHERS)
def test_other_encoder_decoders_equal_generate_too(bundles: Bundles, name: str, width: int) -> None:
    from transformers import AutoModelForSeq2SeqLM

    other = open_bundle(bundles(name))
    model = AutoModelForSeq2SeqLM.from_pretrained(bundles.checkpoint(name)).eval()
    search = Search(width, limit=12)
    readings = [Reading(name, text) for text in TEXTS]
    expected = generated(model, other, TEXTS, search, [other.card.generation.start])
    for mine, theirs in zip(translate_all(other, readings, search), expected, strict=True):
        assert [h.ids for h in mine.found.hypotheses] == [ids for ids, _ in theirs]
    trace = traced(other, mine)
    assert trace.cross.shape[2:] == (len(trace.target), len(trace.source))


@pytest.mark.parametrize("width", [1, 4])
def test_forced_prefix_equals_generate_with_the_same_decoder_prefix(bundle, model, width) -> None:
    search, prefix = Search(width, limit=10), (30, 41)
    expected = generated(model, bundle, TEXTS, search, [bundle.card.generation.start, *prefix])
    for mine, theirs in zip(
        translate_all(bundle, READINGS, search, prefix=prefix), expected, strict=True
    ):
        assert [h.ids for h in mine.found.hypotheses] == [ids for ids, _ in theirs]
        assert mine.written()[:2] == prefix


def test_what_a_model_forces_first_comes_before_a_prefix_once() -> None:
    rules = Generation(start=2, forced_first=7)
    assert prompt_ids(rules, ()) == (2,)
    assert prompt_ids(rules, (5, 6)) == (2, 7, 5, 6)
    assert prompt_ids(rules, (7, 5)) == (2, 7, 5)
    with pytest.raises(NotOffered, match="start"):
        prompt_ids(Generation(), (5,))


def test_a_text_in_a_batch_is_translated_as_alone(bundle) -> None:
    search = Search(3, limit=12)
    together = translate_all(bundle, READINGS, search)
    for reading, mine in zip(READINGS, together, strict=True):
        alone = translate(bundle, reading, search)
        assert alone.texts == mine.texts
        assert np.allclose(alone.found.tree.log, mine.found.tree.log, atol=1e-4)


def test_every_step_equals_the_teacher_forced_reading(bundle) -> None:
    found = translate(bundle, READINGS[0], Search(4, limit=14))
    again = scored(bundle, found.reading(), found.written())
    best, tree = found.found.hypotheses[0], found.found.tree
    if bundle.card.generation.forced_last is None:
        assert np.allclose(again.log, tree.log[tree.path(best.node)], atol=1e-4)
    for t, node in enumerate([-1, *tree.path(best.node)[:-1]]):
        row = tree.row(node)
        assert np.allclose(np.exp(tree.option_logs[row]), again.best_probabilities[t], atol=1e-4)
        assert again.entropy[t] == pytest.approx(tree.entropy[row], abs=1e-3)


def test_cross_attention_has_a_row_for_each_written_token(bundle) -> None:
    found = translate(bundle, READINGS[1], Search(2, limit=9))
    weights = blockwise.overview(bundle, found.reading(), "cross", 512).weights
    assert weights.shape[2:] == (len(found.written()), len(found.source))
    assert np.allclose(weights.sum(axis=-1), 1.0, atol=1e-5)


def test_a_trace_holds_the_parts_that_tracing_gives(bundle) -> None:
    found = translate(bundle, READINGS[1], Search(2, limit=9))
    trace, reading = traced(bundle, found), found.reading()
    hidden = tracing.hidden(bundle, reading, "decoder")
    assert np.array_equal(trace.decoder.states, hidden.states)
    cross = tracing.layer(bundle, reading, "decoder", 1).cross
    assert cross is not None and np.array_equal(trace.cross[1], cross.weights)
    assert np.array_equal(trace.keys, tracing.layer(bundle, reading, "decoder", 0).cross.key)
    assert len(trace.target) == len(found.written()) and len(trace.source) == len(found.source)
    assert set(found.found.tree.token.tolist()) <= set(trace.labels)
    assert trace.unknown.tolist() == [i == 2 for i in found.source.ids]


@pytest.mark.parametrize("name", ["marian", *OTHERS])
def test_every_id_that_a_trace_lists_has_a_text_also_where_it_was_forced(
    bundles: Bundles, name: str
) -> None:
    opened = open_bundle(bundles(name))
    for prefix, place in (((), 0), ((30, 41, 22), 0), ((30, 41, 22), 1)):
        found = translate(opened, Reading(name, TEXTS[0]), Search(2, limit=6), prefix=prefix)
        trace = traced(opened, found, place)
        listed = {*trace.scored.best_ids.ravel().tolist(), *found.written(place)}
        listed |= set(found.found.tree.option_ids.ravel().tolist())
        assert listed <= set(trace.labels)
        pieces = dict(zip(sorted(listed), piece_texts(opened, sorted(listed)), strict=True))
        assert {i: trace.labels[i] for i in listed} == pieces


def test_an_unknown_character_is_marked(bundle) -> None:
    trace = traced(bundle, translate(bundle, Reading("marian", "chat 猫"), Search(1, limit=4)))
    assert [trace.source[i] for i in np.flatnonzero(trace.unknown)] == ["猫"]


def test_a_head_switched_off_changes_the_translation(bundle) -> None:
    off = tuple(("cross", layer, head) for layer in range(2) for head in range(2))
    plain = translate(bundle, READINGS[0], Search(2, limit=8))
    without = translate(bundle, replace(READINGS[0], off=off), Search(2, limit=8))
    assert not np.allclose(plain.found.tree.log[:4], without.found.tree.log[:4], atol=1e-4)


def test_typed_prefix_and_reference_are_cut_as_target_text(bundle) -> None:
    ids = prefix_ids(bundle, "The cat")
    assert ids == tuple(int(i) for i in tokenize(bundle, "The cat", side="decoder").ids[:-1])
    assert prefix_ids(bundle, "  ") == ()
    found = translate(bundle, READINGS[0], Search(1, limit=6))
    reading = reference_reading(found, (*ids, bundle.card.generation.ends[0]))
    assert reading.target == (bundle.card.generation.start, *ids)


def test_what_cannot_be_translated_is_said(bundle, bundles) -> None:
    with pytest.raises(EmptyText):
        translate(bundle, Reading("marian", "  "), Search())
    with pytest.raises(TextTooLong, match="64"):
        translate(bundle, Reading("marian", "chat " * 100), Search())
    with pytest.raises(TextTooLong, match="beginning"):
        translate(bundle, READINGS[0], Search(), prefix=[30] * 64)
    with pytest.raises(NotOffered, match="Languages: none"):
        translate(bundle, READINGS[0], Search(), language="de")


def test_a_model_of_one_tower_does_not_translate(bundles) -> None:
    with pytest.raises(NotOffered, match="one tower"):
        translate(open_bundle(bundles("gpt2")), Reading("gpt2", "Hello"), Search())


def test_the_limit_never_passes_the_models_positions(bundle) -> None:
    found = translate(bundle, READINGS[3], Search(1, limit=1000))
    assert found.search.limit == bundle.card.limit
    assert len(found.reading().target or ()) <= (bundle.card.limit or 0)
