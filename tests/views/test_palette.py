"""Colours can be read, and told apart by those who see fewer of them."""

import itertools

import numpy as np
import pytest

from pages.pictures import palette

TEXTS = [
    "INK", "MUTED", "ACCENT", "QUERY", "KEY", "VALUE", "OUTPUT", "POSITIVE", "NEGATIVE", "CUT",
    "ENCODER", "DECODER", "CROSS", "RIGHT", "WRONG", "CHOSEN", "ATTENTION",
]  # fmt: skip
# Linear RGB as seen without the red, green or blue cones (Viénot 1999; Brettel 1997, one plane).
BLIND = {
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    "tritan": [[1, 0.14461, -0.14461], [0, 0.85924, 0.14076], [0, 0.85924, 0.14076]],
}


def linear(colour: str) -> np.ndarray:
    plain = colour.lstrip("#")
    rgb = np.array([int(plain[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.maximum(xyz @ rgb / [0.9505, 1, 1.089], 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", TEXTS)
def test_strong_colours_can_be_read_on_the_page(name: str, dark: bool) -> None:
    colour = palette.hexadecimal(getattr(palette, name), dark=dark)
    assert contrast(colour, palette.hexadecimal(palette.PAPER, dark=dark)) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "ground", [*palette.CHIPS, *palette.RANKS, palette.SPECIAL, palette.GLOW, palette.SURFACE]
)
def test_ink_can_be_read_on_every_ground(ground: str, dark: bool) -> None:
    ink = palette.hexadecimal(palette.INK, dark=dark)
    assert contrast(ink, palette.hexadecimal(ground, dark=dark)) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", BLIND)
@pytest.mark.parametrize(
    "pair",
    [
        *itertools.combinations(("QUERY", "KEY", "VALUE"), 2),
        ("POSITIVE", "NEGATIVE"),
        ("ENCODER", "DECODER"),
        ("KEPT", "RETURNED"),
        ("KEPT", "PRUNED"),
    ],
)
def test_pairs_stay_apart_for_colour_blind_readers(
    pair: tuple[str, str], kind: str, dark: bool
) -> None:
    seen = [
        lab(np.clip(np.array(BLIND[kind]) @ linear(palette.hexadecimal(colour, dark=dark)), 0, 1))
        for colour in (getattr(palette, pair[0]), getattr(palette, pair[1]))
    ]
    assert np.linalg.norm(seen[0] - seen[1]) >= 12


def test_neighbouring_chips_differ() -> None:
    for position in range(40):
        assert palette.chip(position) != palette.chip(position + 1)


def test_rank_bands_end_where_they_say() -> None:
    bands = [palette.rank_band(rank) for rank in (1, 10, 11, 100, 101, 1000, 1001)]
    assert bands == [palette.RANKS[i] for i in (0, 0, 1, 1, 2, 2, 3)]


def test_every_variable_has_a_light_and_a_dark_value() -> None:
    sheet = palette.stylesheet()
    for name, value in palette.values(dark=True).items():
        assert f"--atlas-{name}:{value}" in sheet
    assert palette.values()["query"] == palette.hexadecimal(palette.QUERY)


def test_colours_for_charts_are_plain() -> None:
    assert palette.rgba(palette.QUERY, 0.5) == "rgba(31,102,196,0.5)"
    assert palette.diverging()[1][1] == palette.hexadecimal(palette.PAPER)
    assert "var(" not in str(palette.chart_layout(dark=True))
