"""Pictures of changed models and of cut rankings: what is written, marked and placed."""

from __future__ import annotations

import numpy as np
import pytest

from engine.api import local
from engine.distributions import cutoffs
from engine.values import Reading
from engine.whatif.orders import Orders
from pages.attention.whatif import words as said
from pages.attention.whatif.mask_picture import SHOWN, surprise_changes
from pages.attention.whatif.orders_picture import order_changes
from pages.decoding.cutoffs import picture, words
from pages.pictures.not_as_made import WORDS
from tests.views.test_attention import parsed, texts

FOUR = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))
SETTINGS = (("top_p", 0.75), ("top_k", 3), ("min_p", 0.5))


def orders(changed: list[float], positions: str = "off") -> Orders:
    tokens = local().tokens(Reading("tales-gpt", "a <b>"))
    return Orders(
        tokens=tokens,
        positions=positions,  # type: ignore[arg-type]
        order=np.arange(len(tokens))[::-1].copy(),
        as_made=np.array([2.0] * len(changed)),
        changed=np.array(changed),
        scale=np.array([9.0] * len(changed)),
    )


def test_a_difference_of_nothing_stands_at_the_foot_and_the_picture_bears_the_mark() -> None:
    svg = order_changes(orders([0.0, 1e-6, 2.0]), title="<t>")
    assert WORDS in texts(svg)
    heights = [float(c.get("cy") or 0) for c in parsed(svg).iter() if c.tag.endswith("circle")]
    assert heights == sorted(heights, reverse=True) and len(heights) == 3
    tips = [g.get("data-tip") or "" for g in parsed(svg).iter() if g.get("data-id")]
    assert any("positions off: 0.000001" in tip for tip in tips)


@pytest.mark.parametrize("positions", ["off", "shuffled"])
def test_what_is_said_follows_from_the_numbers_in_sixty_words(positions: str) -> None:
    for changed, masked in (([0.0, 1e-6], False), ([0.0, 3.0], True), ([0.0, 3.0], False)):
        words_said = said.orders_said(orders(changed, positions), masked=masked)
        assert len(words_said.split()) <= 60
        assert ("The same numbers, permuted" in words_said) is (changed[1] < 1e-3)
        assert ("mask alone" in words_said) is (masked and changed[1] > 1)


def test_a_surprise_is_written_with_its_change_and_many_tokens_are_not_all_drawn() -> None:
    svg = surprise_changes(["<a>", "b", "c"], [1.0, 5.0, 2.0], [4.0, 1.0, 2.0], title="t")
    assert "▲ +3.0 bits" in texts(svg) and "▼ -4.0 bits" in texts(svg) and WORDS in texts(svg)
    assert "= no change" in texts(svg) and "<a>" in texts(svg)
    many = [1.0] * 100
    drawn = surprise_changes(["x"] * 100, many, many, title="t")
    assert len([g for g in parsed(drawn).iter() if g.get("data-id")]) == SHOWN


def test_the_better_and_the_worse_decoder_without_mask_are_told_apart() -> None:
    low, high = np.array([1.0, 2.0]), np.array([4.0, 2.0])
    assert "predicts worse" in said.mask_said(low, high, 0.4, "1.2")
    assert "predicts worse" not in said.mask_said(high, low, 0.4, "1.2")
    assert "3.0 bits as made, 1.5 without" in said.mask_said(high, low, 0.4, "1.2")


def test_each_filter_cuts_after_the_last_token_that_it_keeps() -> None:
    found = cutoffs.ranked(FOUR, SETTINGS)
    svg = picture.running_total(found, ["<a>", "b", "c", "d"], title="t")
    assert "top-p 0.75: 2 tokens, 80.0 %" in texts(svg)
    assert "top-k 3: 3 tokens, 95.0 %" in texts(svg) and "<a>" in texts(svg)
    upright = [
        float(line.get("x1") or 0)
        for line in parsed(svg).iter()
        if line.tag.endswith("line") and line.get("x1") == line.get("x2")
    ]
    # Top-p and min-p keep two, top-k three.
    assert len(upright) == 3 and upright[0] == upright[2] < upright[1]


def test_the_chosen_temperature_is_thick_and_listed() -> None:
    found = cutoffs.heated(FOUR, [0.5, 1.0, 2.0])
    svg = picture.temperatures(found, 1.0, title="t")
    assert any(one.startswith("T = 1: first 50.0 %") for one in texts(svg))
    thick = [p for p in parsed(svg).iter() if p.get("stroke-width") == "3.4"]
    assert len(thick) == 2  # its curve and its entry in the list


def test_the_set_without_its_last_token_does_not_reach_p() -> None:
    found = cutoffs.ranked(FOUR, SETTINGS)
    assert words.without_last(found, found.cuts[0]) == pytest.approx(0.5, abs=1e-6)
    sentence = words.cuts_said(found, found)
    assert "at least 0.75" in sentence and "80.000 %" in sentence and len(sentence.split()) <= 60
    assert words.totals({"x": found})["x: running total"][-1] == pytest.approx(1, abs=1e-6)
