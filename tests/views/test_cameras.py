"""The camera of a map, as links carry it."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from pages.embeddings.map import cameras, files
from pages.embeddings.map import picture as space
from pages.embeddings.map.picture import Mark

FRONT = "0_-2_0_0_0_0_0_0_1"


@pytest.mark.parametrize("text", [FRONT, "1.2_1.3_0.85_0_0_-0.125_0_0_1"])
def test_a_camera_of_nine_numbers_is_one_of_a_deep_map(text: str) -> None:
    assert cameras.legal(text, flat=False) and not cameras.legal(text, flat=True)
    assert cameras.camera(text) != cameras.Camera()


def test_a_window_of_three_numbers_is_one_of_a_flat_map() -> None:
    assert cameras.legal("0.5_0.25_0.4", flat=True)
    assert not cameras.legal("0.5_0.25_0.4", flat=False)


NONSENSE = (
    "",
    "1_2",
    "1_2_3_4_5_6_7_8_x",
    "nan_0_0_0_0_0_0_0_1",
    "1e9_0_0_0_0_0_0_0_1",
    "99999_0_0_0_0_0_0_0_1",
    "1_1_1_1_1_1_0_0_1",  # the eye in what it looks at
    "0_0_2_0_0_0_0_0_1",  # up along the line of sight
    "1_1_1_0_0_0_0_0_0",
    "<script>",
)


@pytest.mark.parametrize("text", NONSENSE)
def test_what_makes_no_camera_is_none(text: str) -> None:
    assert not cameras.legal(text, flat=False)
    assert cameras.camera(text) == cameras.Camera()


@pytest.mark.parametrize("text", ["0_0_0", "0.5_0.5_-1", "0.5_0.5_999", "a_b_c", FRONT])
def test_what_makes_no_window_is_none(text: str) -> None:
    assert not cameras.legal(text, flat=True)


def test_from_the_front_x_goes_right_and_z_goes_up() -> None:
    seen = cameras.camera(FRONT).across(np.eye(3))
    np.testing.assert_allclose(seen, [[1, 0], [0, 0], [0, 1]], atol=1e-12)


def test_the_drawing_is_seen_from_the_camera() -> None:
    places = np.array([[3.0, 1, 0], [-3, 0, 0], [0, 0, 2]], dtype=np.float32)
    marks = [Mark("t0", (3.0, 1.0, 0.0), "right"), Mark("t1", (0.0, 0.0, 2.0), "up")]
    svg = files.drawing(
        files.Shown(
            {"legend": [], "names": []},
            places,
            np.zeros(len(places), np.uint8),
            [space.marks("", marks)],
            space.labels(marks, "own"),
            ["a", "b", "c"],
            flat=False,
            camera=FRONT,
        ),
        "A map",
    )
    dots = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}circle")
    (x, y), (middle, top) = [(float(d.get("cx", 0)), float(d.get("cy", 0))) for d in dots]
    assert x > middle == pytest.approx(450, abs=0.1)
    assert top < y == pytest.approx(320, abs=0.1)
