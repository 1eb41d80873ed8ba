"""Home's pictures hold the tokens, the looks and the outcomes that they were given."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from pages.home.cards import picture as home_cards
from pages.pictures import architecture, palette
from pages.pictures.architecture import Outcome, Tower, whole_path
from pages.pictures.svg import text_width

SVG = "{http://www.w3.org/2000/svg}"


def tower(letter: str, n: int, *, layers: int = 2, source: int | None = None) -> Tower:
    weights = np.tril(np.ones((layers, n, n), np.float32))
    weights /= weights.sum(axis=-1, keepdims=True)
    cross = None
    if source is not None:
        cross = np.zeros((layers, n, source), np.float32)
        cross[:, :, 0] = 1
    return Tower(
        letter=letter,
        title="Decoder",
        colour=palette.DECODER,
        texts=tuple(f" w{i}" for i in range(n)),
        ids=tuple(range(100, 100 + n)),
        weights=weights,
        cross=cross,
    )


def outcomes(n: int) -> list[Outcome]:
    return [Outcome(f"o{i}", (i + 1) / n) for i in range(n)]


def test_every_token_stands_once_with_its_number_and_what_follows() -> None:
    drawn = whole_path([tower("t", 4)], outcomes(4), title="Path")
    root = ET.fromstring(drawn)
    chips = [group for group in root.iter(f"{SVG}g") if group.get("data-id")]
    assert [chip.get("data-id") for chip in chips] == ["t0", "t1", "t2", "t3"]
    assert ["".join(chip.itertext()) for chip in chips] == [f"·w{i}10{i}" for i in range(4)]
    assert "probability 100.0 %" in drawn and "probability 25.0 %" in drawn


def test_bars_are_as_tall_as_the_probability() -> None:
    drawn = whole_path([tower("t", 2)], outcomes(2), title="Path")
    heights = [
        float(rect.get("height", 0))
        for rect in ET.fromstring(drawn).iter(f"{SVG}rect")
        if rect.get("fill") == palette.CHOSEN
    ]
    assert heights == [15.0, 30.0]


def test_a_causal_tower_has_no_look_to_the_right() -> None:
    root = ET.fromstring(whole_path([tower("t", 5)], [], title="Path"))
    for line in root.iter(f"{SVG}path"):
        if line.get("data-on") and "C" in line.get("d", ""):
            numbers = [float(part) for part in re.findall(r"-?[\d.]+", line.get("d", ""))]
            assert numbers[0] <= numbers[-2] and numbers[1] > numbers[-1]


def test_two_towers_are_joined_where_the_second_looks() -> None:
    drawn = whole_path([tower("s", 3), tower("t", 2, source=3)], outcomes(2), title="Path")
    crossing = [
        line
        for line in ET.fromstring(drawn).iter(f"{SVG}path")
        if line.get("stroke") == palette.CROSS
    ]
    assert len(crossing) == 4
    assert {line.get("data-on") for line in crossing} == {"t0", "t1"}


def test_lines_belong_to_ids_that_exist() -> None:
    drawn = whole_path([tower("s", 3), tower("t", 2, source=3)], outcomes(2), title="Path")
    ids = set(re.findall(r'data-id="([^"]+)"', drawn))
    for names in re.findall(r'data-on="([^"]+)"', drawn):
        assert set(names.split()) <= ids


@pytest.mark.parametrize("layers", [1, 6, 24, 48])
def test_any_number_of_layers_stays_in_the_picture(layers: int) -> None:
    root = ET.fromstring(whole_path([tower("t", 3, layers=layers)], outcomes(3), title="Path"))
    height = float(root.get("height", 0))
    for dot in root.iter(f"{SVG}circle"):
        assert 0 < float(dot.get("cy", 0)) < height


def test_hostile_tokens_stay_text() -> None:
    one = tower("t", 1)
    hostile = Tower(
        letter="t",
        title="<b>",
        colour=one.colour,
        texts=("<script>alert(1)</script>\"' onload=",),
        ids=(1,),
        weights=one.weights,
    )
    drawn = whole_path([hostile], [Outcome("<img src=x>", 0.5)], title="<i>")
    assert "<script" not in drawn and "<img" not in drawn
    ET.fromstring(drawn)


def test_small_pictures_are_well_formed_and_of_one_size() -> None:
    words = ("The", " cat", " <b>", "\n", "🙂")
    grid = np.tril(np.ones((5, 5), np.float32)) / 5
    drawings = [
        home_cards.chips(words, (1, 2, 3, 4, 5)),
        home_cards.space(np.arange(10.0).reshape(5, 2), words),
        home_cards.space(np.zeros((5, 2)), words),
        home_cards.weights(grid, words),
        home_cards.bridge(grid, words, words),
        home_cards.bars(words, (0.5, 0.2, 0.1, 0.1, 0.1)),
    ]
    for drawn in drawings:
        root = ET.fromstring(drawn)
        assert root.get("viewBox") == "0 0 206 104"


WORDS = ("The", "·river", "·bank", "·unbelievably", "·l", "o" * 60, "·was", "·wet", ",", "·money")


@pytest.mark.parametrize("seed", range(20))
def test_names_on_a_small_map_cover_no_other_name_no_point_and_no_edge(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(16, 2)) * (1.0, 0.05 if seed % 2 else 1.0)
    words = [WORDS[i] for i in rng.integers(0, len(WORDS), 16)]
    root = ET.fromstring(home_cards.space(points, words))
    dots = [(float(e.get("cx", 0)), float(e.get("cy", 0))) for e in root.iter() if e.get("cx")]
    names = [e for e in root.iter() if e.tag.endswith("text") and e.text]
    boxes = [
        (x, y - 8, x + text_width(str(e.text), 11), y + 2)
        for e in names
        for x, y in [(float(e.get("x", 0)), float(e.get("y", 0)))]
    ]
    assert len(dots) == 16 and len(boxes) >= 3
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert 0 <= left and right <= home_cards.WIDTH
        assert not any(left < x + 4 and x - 4 < right and top < y + 4 and y - 4 < bottom
                       for x, y in dots)  # fmt: skip
        for other in boxes[i + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_a_long_piece_does_not_widen_its_column_without_end() -> None:
    one = tower("t", 1)
    long = Tower(
        letter="t",
        title="t",
        colour=one.colour,
        texts=("x" * 500,),
        ids=(1,),
        weights=one.weights,
    )
    width = float(ET.fromstring(whole_path([long], [], title="t")).get("width", 0))
    assert width <= 2 * architecture.MARGIN + architecture.WIDEST
