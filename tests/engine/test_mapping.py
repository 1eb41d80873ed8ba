"""UMAP and t-SNE in a process: real progress, the same map every time, nothing half-made."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from engine.models import catalog
from engine.space import vocabulary_layout
from engine.space.projection import pca, quality
from tests.engine.checkpoints import Bundles


def cloud(points: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(points, 8)) + 4 * rng.integers(0, 3, (points, 1))).astype(np.float32)


def test_progress_is_read_from_what_libraries_print() -> None:
    seen: list[float] = []
    bar = vocabulary_layout.Progress(seen.append)
    bar.write("120/500")
    bar.write("no number here")
    vocabulary_layout.Progress(seen.append, total=750).write("[t-SNE] Iteration 150: error = 1.2")
    assert seen == [0.24, 0.2]


def test_tsne_gives_the_same_map_twice() -> None:
    seen: list[float] = []
    first = vocabulary_layout.lay_out(cloud(60), "tsne", seen.append)
    assert first.shape == (60, 3)
    assert np.abs(first).max() == pytest.approx(1)
    np.testing.assert_array_equal(first, vocabulary_layout.lay_out(cloud(60), "tsne", seen.append))
    assert seen and all(0 <= share <= 1 for share in seen)


@pytest.mark.parametrize("points", [1, 2, 4])
def test_a_handful_of_points_is_laid_out_without_a_library(points: int) -> None:
    assert vocabulary_layout.lay_out(cloud(points), "umap", lambda share: None).shape == (points, 3)


def test_a_further_vector_stands_among_its_neighbours() -> None:
    places = np.array([[0, 0, 0], [2, 0, 0], [9, 9, 9]], dtype=np.float32)
    spot = vocabulary_layout.among(places, np.array([0, 1]), np.array([0.5, 0.5]))
    np.testing.assert_allclose(spot, [1, 0, 0])
    nearer = vocabulary_layout.among(places, np.array([0, 1]), np.array([0.9, 0.5]))
    assert nearer[0] < 0.2


def test_a_map_that_came_with_a_bundle_is_read_for_vectors_at_length_one(
    bundles: Bundles, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundles("gpt2"), folder)
    assert vocabulary_layout.packed(folder, "tsne", unit=True) is None
    vocabulary_layout.pack(folder, ("tsne",))
    places = vocabulary_layout.packed(folder, "tsne", unit=True)
    assert places is not None and places.shape == (len(vocabulary_layout.unit_vectors(folder)), 3)
    again = vocabulary_layout.lay_out(
        vocabulary_layout.unit_vectors(folder), "tsne", lambda share: None
    )
    np.testing.assert_allclose(places, again, atol=1e-3)  # float16
    assert vocabulary_layout.packed(folder, "tsne", unit=False) is vocabulary_layout.packed(
        folder, "umap", unit=True
    )


def test_the_main_directions_that_came_with_a_bundle_are_its_own(
    bundles: Bundles, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundles("gpt2"), folder)
    vectors = vocabulary_layout.unit_vectors(folder)
    assert vocabulary_layout.packed_pca(folder, vectors) is None
    vocabulary_layout.pack(folder, ())
    came, made = (
        vocabulary_layout.packed_pca(folder, vectors),
        pca(vectors, axes=vocabulary_layout.DIRECTIONS),
    )
    assert came is not None
    np.testing.assert_allclose(came.coordinates, made.coordinates, atol=1e-6)
    np.testing.assert_array_equal(came.explained, made.explained)
    # Directions of another width are another model's.
    assert vocabulary_layout.packed_pca(folder, vectors[:, 1:]) is None


@pytest.mark.parametrize("name", ["tales-gpt", "fr-en", "tales-bert"])
def test_shipped_maps_are_of_the_shipped_vectors(name: str) -> None:
    folder = catalog.SHIPPED / name
    vectors = vocabulary_layout.unit_vectors(folder)
    came, made = (
        vocabulary_layout.packed_pca(folder, vectors),
        pca(vectors, axes=vocabulary_layout.DIRECTIONS),
    )
    assert came is not None
    np.testing.assert_allclose(came.coordinates, made.coordinates, atol=1e-4)
    laid = vocabulary_layout.packed(folder, "umap", unit=True)
    assert laid is not None and laid.shape == (len(vectors), 3)
    rows = np.unique(np.linspace(0, len(vectors) - 1, 300).astype(int))
    assert quality(vectors, laid, rows=rows).trustworthiness > 0.7  # 0.5: another model's map


def test_a_damaged_file_is_no_map(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    assert vocabulary_layout.read(path) is None
    path.write_bytes(b"PK nothing")
    assert vocabulary_layout.read(path) is None
    vocabulary_layout._write(path, np.ones((3, 3), np.float32))
    assert vocabulary_layout.read(path) is not None
    assert list(tmp_path.iterdir()) == [path]


def test_maps_of_another_model_in_the_same_folder_lie_elsewhere(tmp_path: Path) -> None:
    names = {
        vocabulary_layout.kept(tmp_path, digest, method, unit=unit)
        for digest in ("1", "2")
        for method in vocabulary_layout.METHODS
        for unit in (True, False)
    }
    assert len(names) == 8


@pytest.mark.timeout(900)
def test_the_umap_process_tells_its_progress_and_keeps_the_map(tmp_path: Path) -> None:
    folder = catalog.find("tales-bert").folder
    assert folder is not None
    out = tmp_path / "map.npz"
    done = subprocess.run(
        vocabulary_layout.command("umap", folder, out, unit=True),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    shares = [event["progress"] for event in events]
    assert shares == sorted(shares) and shares[-1] == 1
    assert len(shares) > 8
    assert events[-1]["result"] == str(out)
    places = vocabulary_layout.read(out)
    assert places is not None and places.shape == (6144, 3)
