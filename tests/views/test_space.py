"""The map's payloads, its words and its files."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from engine.space import projection
from engine.tokenizers.vocabulary import Vocabulary
from pages.embeddings.map import charts, files, neighbours
from pages.embeddings.map import picture as space
from pages.embeddings.positions.section import adjacent_told
from pages.pictures import palette
from pages.pictures.highlight import highlighted
from pages.shell import share
from pages.tokenization.vectors import picture as vectors
from tests.clouds import unpacked


def words(count: int) -> Vocabulary:
    return Vocabulary(
        texts=tuple(f"<b>{i}" for i in range(count)),
        stored=tuple(f"<b>{i}" for i in range(count)),
        kinds=np.arange(count, dtype=np.uint8) % 6,
        sizes=np.arange(count, dtype=np.int32),
        scores=np.full(count, np.nan, dtype=np.float32),
    )


def cloud(points: int = 40) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(points, 9)).astype(np.float32)


@pytest.mark.parametrize("colour", space.COLOURS)
def test_every_point_has_a_class_of_the_legend(colour: str) -> None:
    whole = words(40)
    groups, legend = space.classes(whole, np.linspace(1, 2, 40), colour)
    assert groups.dtype == np.uint8 and len(groups) == 40
    assert set(groups) <= set(range(len(legend)))
    assert all(one.startswith("#") for entry in legend for one in entry.colour)


def test_equal_values_are_one_class() -> None:
    groups, legend = space.banded(np.ones(10), "{low:.1f}–{high:.1f}")
    assert set(groups) == {0} and [entry.name for entry in legend] == ["1.0–1.0"]


def test_places_travel_within_a_thirty_thousandth() -> None:
    places = cloud()[:, :3]
    groups, legend = space.banded(np.arange(40), "{low}–{high}")
    sent = space.cloud(places, [str(i) for i in range(40)], groups, legend)
    back = unpacked(sent["packed"])["places"] * sent["scale"]
    np.testing.assert_allclose(back, places, atol=np.abs(places).max() / 30_000)
    again = space.cloud(places, [str(i) for i in range(40)], groups, legend)
    assert again["digest"] == sent["digest"]
    moved = space.cloud(places + 1, [str(i) for i in range(40)], groups, legend)
    assert moved["digest"] != sent["digest"]


def test_points_travel_packed_their_names_a_line_each() -> None:
    names, places = ["a\nb", "<b>", " ☃", "", "x" * 30], np.arange(15).reshape(5, 3)
    groups, legend = space.banded(np.arange(5), "{low}–{high}")
    sent = space.cloud(places.astype(np.float32), names, groups, legend, ids="p")
    found = unpacked(sent["packed"])
    assert found["names"] == sent["names"] == ["a⏎b", "<b>", "·☃", "", "x" * 23 + "…"]
    assert (found["classes"] == groups).all() and found["ids"] == "p" and found["count"] == 5
    assert found["digest"] == sent["digest"]
    assert [tuple(entry["colour"]) for entry in found["legend"]] == [e.colour for e in legend]
    # Numbers of two bytes begin where a browser can read them: at an even place.
    assert int.from_bytes(sent["packed"][:4], "little") % 4 == 0
    nothing = space.cloud(np.zeros((0, 3), np.float32), [], np.zeros(0, np.uint8), [])
    assert unpacked(nothing["packed"])["names"] == []


def test_hover_texts_are_escaped_and_labels_are_plain() -> None:
    mark = space.Mark("t0", (0.0, 0.0, 0.0), "<img src=x>", "<b>\nsecond")
    assert space.marks("", [mark])["texts"] == ["&lt;b&gt;<br>second"]
    assert space.labels([mark], "own")[0]["text"] == "<img·src=x>"


@pytest.mark.parametrize("flat", [True, False])
def test_the_drawing_holds_the_marks_and_names_the_axes(flat: bool) -> None:
    fitted = projection.pca(cloud())
    marks = [space.Mark(f"t{i}", tuple(fitted.coordinates[i]), f"<{i}>") for i in range(3)]
    axes = space.axis_names(fitted)
    shown = files.Shown(
        {"legend": [], "names": []},
        fitted.coordinates[:, :3],
        np.zeros(40, np.uint8),
        [space.marks("", marks)],
        space.labels(marks, "own"),
        axes,
        flat,
    )
    root = ElementTree.fromstring(files.drawing(shown, "A map"))
    text = "".join(root.itertext())
    assert all(f"<{i}>" in text for i in range(3))
    assert axes[0] in text and (axes[2] in text) == (not flat)


@pytest.mark.parametrize("flat", [True, False])
def test_a_saved_map_keeps_colors_legend_and_title(flat: bool) -> None:
    places = cloud()[:, :3]
    classes = np.arange(40, dtype=np.uint8) % 2
    legend = [
        space.Legend("<first>", ("#112233", "#000000")),
        space.Legend("second", ("#445566",) * 2),
    ]
    sent = space.cloud(places, ["x"] * 40, classes, legend)
    marks = [space.Mark("t0", (0.0, 0.0, 0.0), "bank")]
    group = space.marks("tokens", marks, colour=palette.KEPT)
    lit = [space.lit("worst", [3], 40, colour=palette.WRONG)]
    shown = files.Shown(
        sent, places, classes, [group], space.labels(marks, "own"), ["a", "b", "c"], flat, lit=lit
    )
    svg = files.drawing(shown, "A <map>")
    text = "".join(ElementTree.fromstring(svg).itertext())
    assert all(word in text for word in ("A <map>", "<first>", "second", "tokens", "worst", "bank"))
    assert all(hue in svg for hue in ("#112233", "#445566", group["colour"][0]))
    page = share._figure_file(files.figure(shown, "A <map>"))
    own = page[page.rindex("Plotly.newPlot") :]
    assert all(word in own for word in ("first", "second", "tokens", "worst", "bank", "#112233"))
    assert "map" in own and "<map>" not in own
    assert '"showSendToCloud": false' in own and '"sendChartToCloud"' in own
    hidden = files.Shown(sent, places, classes, [], [], ["a", "b", "c"], flat, only=[])
    assert not files.figure(hidden, "").data


@pytest.mark.parametrize("flat", [True, False])
def test_what_a_lesson_points_at_is_ringed_in_saved_maps_and_pulses_there(flat: bool) -> None:
    marks = [space.Mark(f"t{i}", (0.1 * i, 0.2, 0.3), f"w{i}") for i in range(3)]
    rings = space.pointed([*marks, marks[1]], {"t1": "word:bank", "v9": "token:king"})
    assert [(ring["id"], ring["name"]) for ring in rings] == [("t1", "word:bank")]
    nothing, groups = space.cloud(np.zeros((0, 3), np.float32), [], np.zeros(0, np.uint8), []), []
    shown = files.Shown(
        nothing,
        np.zeros((0, 3), np.float32),
        np.zeros(0, np.uint8),
        [*groups, space.marks("", marks)],
        [],
        ["a", "b", "c"],
        flat,
        rings=rings,
    )
    svg = highlighted(files.drawing(shown, "A map"), {"t1": "word:bank"})
    root = ElementTree.fromstring(svg)
    own = [node for node in root.iter() if node.get("class") == "pointed"]
    assert [node.get("data-highlight") for node in own] == ["word:bank"]
    (dot,) = (node for node in root.iter() if node.get("data-id") == "t1")
    assert (own[0].get("cx"), own[0].get("cy")) == (dot.get("cx"), dot.get("cy"))
    assert "prefers-reduced-motion:no-preference" in svg and "atlas-pulse" in svg
    trace = files.figure(shown, "A map").data[-1]
    assert trace.name == "what the lesson points at" and trace.marker.symbol == "circle-open"
    assert trace.x.tolist() == pytest.approx([0.1]) and trace.hovertext == (
        "The lesson points here: word:bank",
    )


def test_positions_are_told_by_their_own_cosines() -> None:
    turn = np.linspace(0, np.pi, 9)
    smooth = np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)
    assert "on average closer than any two: cosine 0.92" in adjacent_told(smooth)
    jumping = smooth[[0, 8, 1, 7, 2, 6, 3, 5, 4]]
    told = adjacent_told(jumping)
    assert "no closer than any two" in told and "Not all: 1 and 2 have -1.00." in told


def test_the_words_give_the_numbers_of_this_map() -> None:
    points = cloud()
    fitted = projection.pca(points)
    quality = projection.quality(points, fitted.coordinates)
    assert quality is not None
    told = space.told(fitted, 40, 9, quality, flat=False)
    assert f"{100 * fitted.explained.sum():.0f} % of the variance" in told
    assert f"trustworthiness {quality.trustworthiness:.2f}" in told
    assert len(told.split()) <= 60
    flat = space.told(fitted, 40, 9, None, flat=True)
    assert f"{100 * fitted.explained[:2].sum():.0f} % of the variance" in flat


def test_colours_between_two_ends() -> None:
    assert space.band(0.0) == space.pair(palette.BAR)
    assert space.band(1.0) == space.pair(palette.CHOSEN)


def test_twins_are_words_spelt_alike() -> None:
    assert charts.twins(["·bank", "the", ",", ",", "·Bank", "·the"]) == [(0, 4), (1, 5)]


def test_the_list_of_neighbours_shows_cosine_angle_and_distance() -> None:
    points = projection.prepared(cloud())
    found = projection.neighbours(points, points.vectors[0], 5, without=[0])
    listed = neighbours.Listed([f"v{i}" for i in found.indices], ["<a>"] * 5)
    for measure in projection.MEASURES:
        root = ElementTree.fromstring(neighbours.neighbour_list(found, listed, measure))
        text = "".join(root.itertext())
        assert f"{found.cosine[0]:.2f}" in text and f"{found.degrees[0]:.0f}°" in text
        assert "<a>" in text
    assert neighbours.table(found, listed)["cosine"] == found.cosine.round(4).tolist()
    ElementTree.fromstring(neighbours.strip(points.vectors[0], "<x>"))


def test_a_row_and_its_position_are_told_with_their_lengths() -> None:
    row, position = cloud(2)
    picture = vectors.into(row, position, row + position, name="<x>", token_id=7, place=0)
    ElementTree.fromstring(picture)
    told = vectors.told(row, position, row + position, token_id=7, vocabulary=40)
    assert f"{np.linalg.norm(position):.2f}" in told and "Their sum enters layer 1" in told
    scaled = vectors.told(row, position, 3 * row, token_id=7, vocabulary=40)
    assert f"{np.linalg.norm(3 * row):.2f}" in scaled
    alone = vectors.told(row, None, row, token_id=7, vocabulary=40)
    assert "adds no position embedding" in alone
