"""Models used otherwise than they were made: orders of words, surprise, another tokenizer's ids."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.api import Engine
from engine.errors import EmptyText, NotOffered
from engine.values import Change, Reading
from engine.whatif import foreign, orders

TEXT = "The old king lived in a castle by the sea, and he had three sons."
MADE = tuple[str, str]


def test_the_shipped_encoder_gives_the_same_numbers_permuted_and_the_decoder_does_not(
    engine: Engine,
) -> None:
    for how in ("off", "shuffled"):
        both = engine.orders(Reading("tales-bert", TEXT), "encoder", how, seed=1)
        assert both.same and both.changed.max() < 1e-4
        assert both.as_made[-1] > 1
        one_way = engine.orders(Reading("tales-gpt", TEXT), "decoder", how, seed=1)
        assert not one_way.same and one_way.changed[-1] > 1
        # What enters layer 1 has no order yet where positions say nothing of it.
        assert one_way.changed[0] < 1e-5


def test_orders_are_compared_token_by_token_and_undone(engine: Engine) -> None:
    reading = Reading("tales-gpt", TEXT)
    found = engine.orders(reading, "decoder", "off", seed=5)
    order = tuple(found.order.tolist())
    ids = engine.tokens(reading).ids
    moved = np.empty_like(ids)
    moved[list(order)] = ids  # token i stands at order[i]
    other = engine.hidden(Reading("tales-gpt", TEXT, target=tuple(moved.tolist())), "decoder")
    made = engine.hidden(reading, "decoder").states
    expected = np.abs(made - other.states[:, list(order)]).max(axis=(1, 2))
    assert np.allclose(found.as_made, expected, atol=1e-4)


def test_one_token_has_one_order(engine: Engine) -> None:
    with pytest.raises(NotOffered, match="two words"):
        engine.orders(Reading("tales-gpt", "king"), "decoder", "off", seed=1)


def test_surprise_is_that_of_the_logits_and_the_mask_can_be_taken_off(engine: Engine) -> None:
    reading = Reading("tales-gpt", TEXT)
    ids = engine.tokens(reading).ids
    bits = engine.next_token_bits(reading)
    logits = engine.logits(reading, tuple(range(len(ids) - 1))).logits.astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log2(shares[np.arange(len(ids) - 1), ids[1:]])
    assert np.abs(bits - expected).max() < 1e-4
    seeing = replace(reading, change=Change("decoder", masked=False))
    assert np.abs(engine.next_token_bits(seeing) - bits).max() > 0.1
    ahead = engine.layer(seeing, "decoder", 2).attention.weights
    assert np.triu(ahead[0], 1).sum() > 0.1
    assert not np.triu(engine.layer(reading, "decoder", 2).attention.weights[0], 1).any()


def test_an_encoder_predicts_no_next_token(engine: Engine) -> None:
    with pytest.raises(NotOffered, match="masked tokens"):
        engine.next_token_bits(Reading("tales-bert", TEXT))


@pytest.mark.parametrize("made", [("tales-gpt", "tales-bert"), ("tales-bert", "tales-gpt")])
def test_ids_of_another_tokenizer_are_other_tokens_and_surprise(made: MADE, engine: Engine) -> None:
    reader, maker = made
    found = engine.foreign(reader, maker, TEXT)
    ids = engine.tokenized(maker, TEXT).ids
    assert list(found.taken_for) == list(engine.texts(reader, ids.tolist()))
    assert found.mean > found.own_mean + 3
    assert not found.outside.any() and not found.left_out


def test_surprise_of_foreign_ids_equals_that_of_the_ids_themselves(engine: Engine) -> None:
    found = engine.foreign("tales-gpt", "tales-bert", TEXT)
    ids = tuple(engine.tokenized("tales-bert", TEXT).ids.tolist())
    logits = engine.following("tales-gpt", ids[:3])
    bits = foreign.surprise(logits[None], np.array([ids[3]]))[0]
    assert math.isnan(found.bits[0]) and abs(found.bits[3] - bits) < 1e-3
    own = engine.continued("tales-gpt", TEXT, foreign.WRITTEN).target or ()
    new = own[len(engine.tokens(Reading("tales-gpt", TEXT))) :]
    assert found.own_written == "".join(engine.texts("tales-gpt", new))
    assert found.written and found.written != found.own_written


def test_an_encoder_is_asked_with_each_token_masked(engine: Engine) -> None:
    card = engine.card("tales-bert")
    found = engine.foreign("tales-bert", "tales-gpt", TEXT)
    own = engine.tokens(Reading("tales-bert", TEXT))
    assert np.isnan(found.own_bits[own.special]).all()
    assert card.mask is not None
    at = 3
    masked = (*own.ids[:at].tolist(), card.mask, *own.ids[at + 1 :].tolist())
    logits = engine.logits(Reading("tales-bert", "", target=masked), (at,)).logits
    assert abs(found.own_bits[at] - foreign.surprise(logits, own.ids[[at]])[0]) < 1e-4
    assert found.written is None


def test_a_translator_writes_and_tells_no_surprise_of_its_source(engine: Engine) -> None:
    text = "Le chat noir dort dans la petite maison."
    found = engine.foreign("fr-en", "tales-gpt", text)
    assert np.isnan(found.bits).all() and math.isnan(found.mean)
    own = engine.translated("fr-en", text).target or ()
    assert found.own_written and "cat" in found.own_written
    # The same greedy translation as the Translation page's, as far as it is written here.
    whole = "".join(engine.texts("fr-en", own[1:], "decoder"))
    assert whole.startswith(found.own_written)
    assert found.written != found.own_written


def test_ids_outside_of_the_vocabulary_are_left_out_and_said() -> None:
    gone = foreign.outside(np.array([0, 7, 8, 99]), 8)
    assert gone.tolist() == [False, False, True, True]
    bits = foreign.spread(np.array([1.0, 2.0], dtype=np.float32), gone)
    assert bits[:2].tolist() == [1.0, 2.0] and np.isnan(bits[2:]).all()


def test_nothing_to_read_is_said(engine: Engine) -> None:
    with pytest.raises(EmptyText):
        engine.foreign("tales-gpt", "tales-bert", "  ")


def test_rounding_is_told_from_a_difference(engine: Engine) -> None:
    tokens = engine.tokens(Reading("tales-gpt", "a b"))
    values = {
        "tokens": tokens,
        "positions": "off",
        "order": np.array([1, 0]),
        "as_made": np.array([2.0, 2.0]),
        "scale": np.array([10.0, 10.0]),
    }
    assert orders.Orders(**values, changed=np.array([0.0, 9e-4])).same
    assert not orders.Orders(**values, changed=np.array([0.0, 2e-3])).same
