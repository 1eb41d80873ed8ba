"""The bench of the large map measures what it names; its figures are not judged here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import space
from bench.measure import Row
from engine.models.bundle import read_card, read_matrix


def test_its_parts_measure_a_small_map_too(tmp_path: Path) -> None:
    given = space.Given(points=400, gpu=False, folder=tmp_path)
    rows = [row for name in ("pca", "neighbours") for row in space.PARTS[name](given)]
    assert [row.what for row in rows] == [
        "PCA",
        "twelve neighbours (cosine)",
        "twelve neighbours (euclid)",
    ]
    assert all(" ms (" in row.measured for row in rows)


def test_the_stand_in_is_a_bundle_with_the_large_table(tmp_path: Path) -> None:
    given = space.Given(points=400, gpu=False, folder=tmp_path)
    card = read_card(given.bundle)
    assert (card.vocabulary, card.width) == (400, space.WIDTH)
    table = read_matrix(given.bundle, card.vectors["token"])
    assert (table == space.large(400)).all()
    larger = read_card(given.larger)
    assert (larger.name, larger.vocabulary, larger.width) == ("larger", 2000, space.NARROW)


def test_a_part_that_fails_is_said_and_the_others_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(given: space.Given) -> Iterator[Row]:
        yield Row("begun", "1 s")
        raise RuntimeError("no Chromium on this machine")

    for name in ("ATLAS_MODELS", "ATLAS_DEVICE"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(space, "PARTS", {"one": broken, "two": lambda _: iter([Row("x", "2")])})
    out = tmp_path / "report.md"
    monkeypatch.setattr("sys.argv", ["bench.space", "--points", "9", "--out", str(out)])
    assert space.main() == 0
    kept = out.read_text()
    assert "| begun | 1 s |" in kept and "| x | 2 |" in kept
    assert "| one | not measured: no Chromium on this machine |" in kept
    assert "a try with 9 points" in kept and "| x | 2 |" in capsys.readouterr().out
