"""The pictures of the guessing game: both numbers of each word, in two widths."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from pages.learn.game import picture
from pages.learn.game.picture import Row

ROWS = [Row("sea", 0.53, 0.0625, came=True), Row("<b>", 0.002, 0.0002), Row("x" * 60, 0.0, 0.9)]


def test_shares_are_on_one_scale_and_told_in_words() -> None:
    root = ElementTree.fromstring(picture.shares(ROWS, "Shares", "said"))
    text = "".join(root.itertext())
    for part in ("✓ sea", "53 %", "6.2 %", "0.2 %", "< 0.1 %", "you", "the model"):
        assert part in text, part
    rows = [node for node in root.iter() if node.get("data-id")]
    assert [node.get("data-id") for node in rows] == ["g0", "g1", "g2"] * 2
    assert rows[0].get("data-tip") == "sea: you 53 %, the model 6.2 %"
    bars = [[float(bar.get("width", 0)) for bar in list(row)[2::2]] for row in rows[:2]]
    assert bars[0][0] / bars[0][1] == pytest.approx(0.53 / 0.0625, rel=0.01)
    assert bars[1][0] >= 1  # a small one still is seen


def test_bits_are_on_the_scale_of_the_largest() -> None:
    root = ElementTree.fromstring(picture.bits([Row("a", 2, 8), Row("b", 4, 1)], "Bits", "said"))
    assert "8.0 bits" in "".join(root.itertext())
    rows = [node for node in root.iter() if node.get("data-id")]
    widths = [[float(bar.get("width", 0)) for bar in list(row)[2::2]] for row in rows[:2]]
    assert widths[0][0] * 4 == pytest.approx(widths[0][1]) == widths[1][0] * 2


def test_long_names_stay_before_their_bars() -> None:
    for svg in ElementTree.fromstring(picture.shares(ROWS, "t", "s")).iter():
        if svg.tag.endswith("text") and svg.text and svg.text.startswith("xx"):
            assert len(svg.text) < 20
