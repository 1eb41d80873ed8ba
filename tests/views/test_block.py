"""Pictures of an opened block: what they say, in numbers, and that nothing in them is obeyed."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from engine.blocks.commitment import Commitment
from engine.blocks.parts import Parts, Update, updates
from engine.blocks.units import Pushes
from pages.attention.layers import commitment_picture, strip
from pages.attention.layers.block import parts_picture, units_picture, updates_picture

NAMES = ("<b>a</b>", " cat", "\u202e x")


def block(index: int = 0, *, parallel: bool = False, normed_after: bool = False) -> Parts:
    """Attention adds (0, 3), the network (8, 0), to a stream of (4, 0)."""
    into = np.tile(np.array([4, 0], np.float32), (3, 1))
    own, fed = (np.tile(np.array(v, np.float32), (3, 1)) for v in ((0, 3), (8, 0)))
    second = into if parallel else into + own
    return Parts(
        index=index,
        updates=(Update("attention", own, into), Update("feed-forward", fed, second)),
        units=np.array([[0.1, -2.0, 1.2, 0.0]] * 3, np.float32),
        reads=second / 2,
        leaving=into + own + fed,
        parallel=parallel,
        normed_after=normed_after,
    )


def texts(picture: str) -> list[str]:
    return ["".join(t.itertext()) for t in ElementTree.fromstring(picture).iter() if t.text]


def test_a_block_shows_lengths_angles_and_how_many_units_fire() -> None:
    picture = parts_picture.block(block(2), 1, title="<t>", described="d")
    said = texts(picture)
    assert "adds 3, cosine +0.00" in said and "adds 8, cosine +0.80" in said
    assert {"4", "5", "12.4"} <= set(said)
    assert "enters layer 3" in said and "leaves layer 3" in said
    assert "2 at least half as active as the strongest" in said
    assert said.count("norm") == 2  # before each part
    words = parts_picture.says(block(2), NAMES[0], 1)
    assert "feed-forward network adds 8 and the attention 3" in words
    assert "partly along" in words and len(words.split()) <= 60


def test_where_norms_stand_and_what_is_read_tell_families_apart() -> None:
    after = parts_picture.block(block(normed_after=True), 0, title="t", described="d")
    assert texts(after).count("norm") == 2
    beside = parts_picture.block(block(parallel=True), 0, title="t", described="d")
    assert "adds 8, cosine +1.00" in texts(beside)


def test_bars_of_all_layers_say_their_lengths_and_the_chosen_one_is_framed() -> None:
    stream = np.stack([np.full((3, 2), size, np.float32) for size in (1, 2, 3)])
    found = updates([block(0), block(1)], stream)
    assert found.sublayers == ("attention", "feed-forward")
    assert found.cosines[0, 1].tolist() == pytest.approx([0.8] * 3)
    picture = updates_picture.updates(found, 0, layer=1, title="t", described="d")
    assert texts(picture).count("feed-forward 8, cosine +0.80") == 2
    assert 'data-id="n1"' in picture and 'data-id="n2"' in picture
    words = updates_picture.says(found, NAMES[1], 0)
    assert "feed-forward network of layer 1 adds the longest vector: 8, to one of 5" in words
    assert "in 2 of 2 layers" in words


def test_a_layer_that_is_not_opened_has_no_bar_and_counts_nowhere() -> None:
    stream = np.ones((3, 3, 2), np.float32)
    shut = Parts(1, (), None, None, stream[2], False, False)
    found = updates([block(0), shut], stream)
    picture = updates_picture.updates(found, 0, layer=0, title="t", described="d")
    assert texts(picture).count("feed-forward 8, cosine +0.80") == 1 and "nan" not in picture
    assert "in 1 of 1 layers" in updates_picture.says(found, "a", 0)


PUSHES = Pushes(
    units=np.array([4, 0]),
    activations=np.array([2.0, -0.5], np.float32),
    lengths=np.array([1.0, 2.0], np.float32),
    raised=np.array([[1, 2], [3, 4]]),
    raised_by=np.array([[0.5, 0.25], [0.1, 0.05]], np.float32),
    lowered=np.array([[5, 6], [7, 8]]),
    lowered_by=np.array([[-0.4, -0.3], [-0.2, -0.1]], np.float32),
    head="norm",
    normed=False,
)
UP, DOWN = [("<i>up", " b"), ("c", "d")], [("low", "e"), ("f", "g")]


def test_units_are_rows_with_activation_and_signed_logits() -> None:
    picture = units_picture.units(PUSHES, UP, DOWN, chosen=4, title="t", described="d")
    said = texts(picture)
    assert {"5", "2.00", "−0.50", "<i>up", "+0.50", "−0.40", "low"} <= set(said)
    words = units_picture.units_say(PUSHES, UP, DOWN, NAMES[0], 1024)
    assert "unit 5 fires most" in words and "raises “<i>up” by 0.5 logits" in words
    assert "lowers “low” by 0.4" in words and len(words.split()) <= 60
    table = units_picture.units_table(PUSHES, UP, DOWN)
    assert table["pushes down"] == ["low -0.4, e -0.3", "f -0.2, g -0.1"]


def test_a_text_is_tinted_by_sign_and_size_and_says_so_in_numbers() -> None:
    found = units_picture.firing(
        np.array([2.0, -1.0, 0.0], np.float32), NAMES, (0, 1, 2), unit=6, chosen=1
    )
    assert [one.tint for one in found.cells] == [1.0, -0.5, 0.0]
    assert [one.below for one in found.cells] == [("2.00",), ("−1.00",), ("0.00",)]
    assert [text for _, text in found.legend] == ["+2.00", "0", "−1.00"]
    words = units_picture.firing_says(np.array([2.0, -1.0, 0.0]), NAMES, 6)
    assert words.startswith("Unit 7 fires most at") and "At 2 of 3 tokens" in words


def test_the_commitment_strip_says_the_layer_of_each_place_and_what_comes() -> None:
    found = Commitment(
        np.arange(3), np.array([7, 8, 9]), np.array([0.5, 0.9, 0.2]), np.array([0, 2, 4]), 4
    )
    shown = commitment_picture.commitment(found, NAMES, ("x", "<y>", "z"), chosen=2)
    assert [one.below[0] for one in shown.cells] == ["input", "L2", "L4"]
    tints = [one.tint for one in shown.cells]
    assert tints == sorted(tints) and tints[-1] == 1.0
    words = commitment_picture.says(found, NAMES, ("x", "<y>", "z"), 1, at=False)
    assert words.startswith("After “·cat”, “<y>” became first after layer 2 and stayed so.")
    assert "after layer 2.0 of 4; at 1 of 3 places only the last" in words


@pytest.mark.parametrize("form", ["html", "drawing"])
def test_both_forms_of_a_strip_are_escaped_and_legible(form: str) -> None:
    found = strip.Strip(
        tuple(strip.Cell(k, name, 0.5, ("1.00", "→<b>"), name) for k, name in enumerate(NAMES)),
        chosen=1,
        legend=((1.0, "<top>"),),
    )
    given = strip.html(found) if form == "html" else strip.drawing(found, title="t", described="d")
    said = texts(given)
    assert "<b>a</b>" in said and "→<b>" in said
    assert "<top>" in "".join(ElementTree.fromstring(given).itertext())
    assert not any("\u202e" in one for one in said)
    assert [f'data-id="q{k}"' in given for k in range(3)] == [True] * 3
    sizes = re.findall(r'font-size="([\d.]+)"', given) + re.findall(r"font:\d+ (\d+)px", given)
    assert sizes and min(map(float, sizes)) >= 12
