"""Building blocks of pictures: nothing gets out of a text, numbers come back as they went in."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from pages.pictures import matrix, palette, svg


@example("\r\n")
@given(st.text(max_size=60))
def test_any_text_survives_as_text_and_nothing_else(text: str) -> None:
    drawn = svg.document(10, 10, svg.label(text, 0, 0, data_tip=text), text)
    root = ET.fromstring(drawn)
    assert [child.tag.split("}")[1] for child in root] == ["title", "text"]
    clean = text.translate(svg._UNSAFE).encode("utf-8", "replace").decode()
    assert "".join(root[1].itertext()).replace("\r", "\n") == clean.replace("\r", "\n")


def test_markup_is_escaped_in_text_and_attributes() -> None:
    hostile = "\"><script>alert('x')</script>"
    drawn = svg.tag("g", svg.esc(hostile), data_tip=hostile)
    assert "<script" not in drawn and drawn.count("<") == 2


def test_spaces_and_controls_are_seen() -> None:
    assert svg.visible(" a\tb\nc\x00") == "·a→b⏎c␀"
    assert svg.visible("\u202eevil") == "⬚evil"
    assert svg.visible("x" * 100, limit=10) == "x" * 9 + "…"


def test_what_html_knows_is_closed_by_an_end_tag() -> None:
    assert svg.tag("b") == "<b></b>" and svg.tag("path") == "<path/>"


def test_tag_writes_short_numbers_and_leaves_out_none() -> None:
    assert svg.tag("rect", x=1.0, y=2.345, rx=None, keep=True) == (
        '<rect x="1" y="2.35" data-keep=""/>'
    )
    assert svg.tag("g", fill_opacity=np.float32(0.5)) == '<g fill-opacity="0.5"/>'


def test_widths_grow_with_wide_and_not_with_combining_characters() -> None:
    assert svg.text_width("abc", 10) == 18
    assert svg.text_width("e\u0301", 10) == svg.text_width("e", 10)
    assert svg.text_width("你好", 10) > svg.text_width("ab", 10)


@pytest.mark.parametrize("width", [0, 20, 60, 1000])
def test_a_shortened_text_fits(width: float) -> None:
    shown = svg.shortened("a long piece of text", width, 10)
    assert svg.text_width(shown, 10) <= max(width, 6) + 1e-9 or shown == "…"


def values(drawn: str) -> np.ndarray:
    raw = base64.b64decode(re.search(r'data-values="([^"]+)"', drawn)[1])  # type: ignore[index]
    return np.frombuffer(raw, dtype="<f2")


def pixels(drawn: str) -> list[np.ndarray]:
    found = re.findall(r"data:image/png;base64,([^\"]+)", drawn)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(one)))) for one in found]


def square(grid: np.ndarray, **options: object) -> str:
    n, m = grid.shape
    rows, columns = [f"q{i}" for i in range(n)], [f"k{i}" for i in range(m)]
    return matrix.matrix(
        grid,
        x=0,
        y=0,
        cell=10,
        rows=rows,
        columns=columns,
        row_labels=rows,
        column_labels=columns,
        **options,  # type: ignore[arg-type]
    )


def test_a_matrix_carries_its_exact_values_and_masks_nan() -> None:
    grid = np.array([[1.0, np.nan], [0.25, 0.75]], dtype=np.float32)
    drawn = square(grid)
    kept = values(drawn).reshape(2, 2)
    assert np.isnan(kept[0, 1])
    np.testing.assert_allclose(kept[[0, 1, 1], [0, 0, 1]], [1, 0.25, 0.75], rtol=1e-3)
    colour, hatch = pixels(drawn)
    assert colour.tolist() == [[255, 0], [64, 191]]
    assert hatch.tolist() == [[0, 255], [0, 0]]


def test_a_signed_matrix_has_a_hue_for_each_sign_and_none_for_zero() -> None:
    above, below = pixels(square(np.array([[2.0, 0.0, -1.0]], dtype=np.float32)))
    assert above.tolist() == [[255, 0, 0]]
    assert below.tolist() == [[0, 0, 128]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (33, 64)])
def test_an_image_keeps_every_shade(shape: tuple[int, int]) -> None:
    shades = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    (kept,) = pixels(matrix.glass(shades / np.float32(255), width=10, height=10))
    assert np.array_equal(kept, shades)


def test_values_beyond_half_precision_are_kept_finite() -> None:
    assert np.isfinite(values(square(np.array([[1e9, -1e9]], dtype=np.float32)))).all()


def test_scales_keep_their_ends_and_their_order() -> None:
    grid = np.array([[0.0, 1e-4, 0.01, 0.5, 1.0]], dtype=np.float32)
    for scale in ("linear", "sqrt", "log"):
        strength = matrix.scaled(grid, 1.0, scale)  # type: ignore[arg-type]
        assert strength[0, 0] == 0 and strength[0, -1] == 1
        assert (np.diff(strength[0]) >= 0).all()


def test_a_matrix_of_the_wrong_size_says_both_sizes() -> None:
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        matrix.matrix(
            np.zeros((2, 2), np.float32),
            x=0,
            y=0,
            cell=1,
            rows=["a"],
            columns=["b", "c"],
            row_labels=["a"],
            column_labels=["b", "c"],
        )


def test_sixty_four_tokens_stay_small() -> None:
    grid = np.random.default_rng(0).dirichlet(np.ones(64) * 0.05, 64).astype(np.float32)
    assert len(square(grid)) < 20_000


def test_a_picture_is_the_same_for_the_same_values() -> None:
    grid = np.eye(4, dtype=np.float32)
    assert square(grid) == square(grid)
    assert square(grid) != square(grid[::-1])


def test_resolved_leaves_no_variable() -> None:
    drawn = svg.document(10, 10, [square(np.eye(3, dtype=np.float32))], "t")
    for dark in (False, True):
        plain = palette.resolved(drawn, dark=dark)
        assert "var(--atlas-" not in plain
        assert palette.hexadecimal(palette.ATTENTION, dark=dark) in plain
