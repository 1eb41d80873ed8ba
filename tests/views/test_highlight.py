"""What a lesson points at, in pictures and files: apart from locks, still where that is wanted."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

from pages.pictures import highlight, palette, svg
from pages.pictures.highlight import control_style, highlighted
from pages.pictures.matrix import matrix
from pages.shell.share import html_file, svg_file

NAMES = ["the", "ban", "ana", "it"]


def picture() -> str:
    rows, columns = [f"q{i}" for i in range(4)], [f"k{i}" for i in range(4)]
    grid = matrix(
        np.eye(4, dtype=np.float32),
        x=20.0,
        y=10.0,
        cell=10.0,
        rows=rows,
        columns=columns,
        row_labels=NAMES,
        column_labels=NAMES,
    )
    labels = [svg.label(name, 0, 10 * i, data_id=rows[i]) for i, name in enumerate(NAMES)]
    return svg.document(80, 60, [grid, *labels], "A map", "Seen")


def frames(drawn: str) -> list[dict[str, str]]:
    root = ElementTree.fromstring(drawn)
    return [one.attrib for one in root.iter() if one.get("class") == "pointed"]


def test_a_picture_without_any_of_them_is_the_same_string() -> None:
    plain = picture()
    assert highlighted(plain, {"t9": "word:x"}) is plain
    assert highlighted(plain, {}) is plain


def test_a_row_is_framed_and_its_label_marked_and_its_id_and_act_stay() -> None:
    drawn = highlighted(svg.offering(picture(), {"q3": "mask Mask it"}), {"q3": "row:it"})
    (frame,) = frames(drawn)
    assert {key: float(frame[key]) for key in ("x", "y", "width", "height")} == {
        "x": 20.0, "y": 40.0, "width": 40.0, "height": 10.0,
    }  # fmt: skip
    assert frame["data-highlight"] == "row:it" and frame["fill"] == "none"
    assert 'data-highlight="row:it" data-id="q3" data-act="mask Mask it"' in drawn


def test_the_tokens_of_a_word_share_a_frame_and_a_cell_has_its_own() -> None:
    drawn = highlighted(
        picture(), dict.fromkeys(("k1", "k2"), "column:banana"), {("q0", "k3"): "cell:max"}
    )
    word, cell = frames(drawn)
    assert (float(word["x"]), float(word["width"])) == (30.0, 20.0)
    assert (float(cell["x"]), float(cell["y"]), float(cell["width"])) == (50.0, 10.0, 10.0)


def test_frames_stand_in_their_matrix_in_front_of_its_cells() -> None:
    drawn = highlighted(picture(), {"q3": "row:it"})
    group = next(
        one for one in ElementTree.fromstring(drawn).iter() if one.get("class") == "matrix"
    )
    assert list(group)[-1].get("class") == "pointed"


def test_names_are_escaped_and_hostile_ones_change_nothing() -> None:
    drawn = highlighted(picture(), {"q3": 'row:"><script>'})
    ElementTree.fromstring(drawn)
    assert "<script>" not in drawn


def test_chips_are_marked_too_as_they_are_no_svg() -> None:
    markup = '<div class="x"><span data-id="t1">a</span><span data-id="t2">b</span></div>'
    drawn = highlighted(markup, {"t2": "word:b"})
    assert drawn.startswith('<div class="x"><style>')
    assert '<span data-highlight="word:b" data-id="t2">b</span>' in drawn


def test_saved_files_have_them_in_plain_colors() -> None:
    drawn = highlighted(picture(), {"q3": "row:it"})
    file = svg_file(drawn)
    assert 'data-highlight="row:it"' in file and "var(" not in file
    assert palette.hexadecimal(palette.HIGHLIGHT) in file
    ElementTree.fromstring(file)
    assert "row:it" in html_file(drawn, "A map")


def test_motion_stands_only_where_nobody_asked_for_less() -> None:
    for sheet in (highlight.STYLE, control_style(["top_p"], "#c2185b")):
        wanted = "@media (prefers-reduced-motion:no-preference)"
        before, after = sheet.split(wanted)
        assert "animation" not in before and "animation:atlas-pulse" in after
        assert re.search(r"animation:atlas-pulse [\d.]+s ease-in-out [1-9]\}", after)  # it ends


def test_it_is_told_apart_from_a_lock_by_more_than_color() -> None:
    assert "dashed" in highlight.STYLE and "stroke-dasharray" in highlight.STYLE
    assert palette.HIGHLIGHT != palette.ACCENT


def test_a_control_is_pointed_at_by_its_key() -> None:
    assert control_style([], "#000") == ""
    assert control_style(["top_p"], "#000").startswith(".st-key-top_p,.st-key-set-top_p{outline")
