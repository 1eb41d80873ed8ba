"""Maps and neighbours against scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

from engine.errors import BrokenBundle
from engine.space import projection


def cloud(points: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(width, width)) * np.linspace(3, 0.1, width)
    return (rng.normal(size=(points, width)) @ mixing + 2).astype(np.float32)


@pytest.mark.parametrize(("points", "width"), [(40, 90), (400, 24), (9000, 12)])
def test_pca_equals_scikit_learn(points: int, width: int) -> None:
    vectors = cloud(points, width)
    ours = projection.pca(vectors)
    theirs = PCA(3, svd_solver="full").fit(vectors.astype(np.float64))
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_, atol=1e-5)
    expected = theirs.transform(vectors.astype(np.float64))
    signs = np.sign((ours.coordinates * expected).sum(axis=0))
    np.testing.assert_allclose(ours.coordinates * signs, expected, atol=2e-3)


def test_a_map_never_flips_when_its_points_are_shuffled() -> None:
    vectors = cloud(200, 10)
    order = np.random.default_rng(1).permutation(200)
    first, second = projection.pca(vectors), projection.pca(vectors[order])
    np.testing.assert_allclose(first.coordinates[order], second.coordinates, atol=1e-3)


def test_a_new_point_drops_into_the_old_map() -> None:
    vectors = cloud(50, 8)
    fitted = projection.pca(vectors)
    np.testing.assert_allclose(projection.place(fitted, vectors), fitted.coordinates, atol=1e-5)


@pytest.mark.parametrize("points", [1, 2, 3, 20])
def test_points_that_are_all_equal_lie_on_the_origin(points: int) -> None:
    fitted = projection.pca(np.ones((points, 6), dtype=np.float32))
    assert fitted.coordinates.shape == (points, 3)
    assert not fitted.coordinates.any()
    assert not fitted.explained.any()


def test_vectors_that_are_not_numbers_are_a_sentence() -> None:
    vectors = cloud(30, 4)
    vectors[7, 1] = np.nan
    vectors[9, 1] = np.inf
    for function in (projection.pca, projection.prepared):
        with pytest.raises(BrokenBundle, match="2 of the 30 vectors"):
            function(vectors)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["cosine", "euclid"]), st.integers(1, 15))
def test_neighbours_equal_scikit_learn(seed: int, measure: projection.Measure, size: int) -> None:
    vectors = cloud(120, 16, seed)
    query = vectors[seed % 120] + np.float32(0.1)
    found = projection.neighbours(projection.prepared(vectors), query, size, measure=measure)
    metric = "cosine" if measure == "cosine" else "euclidean"
    reference = NearestNeighbors(n_neighbors=size, metric=metric, algorithm="brute")
    reference.fit(vectors.astype(np.float64))
    distances, indices = reference.kneighbors(query[None].astype(np.float64))
    np.testing.assert_array_equal(found.indices, indices[0])
    ours = 1 - found.cosine if measure == "cosine" else found.euclid
    np.testing.assert_allclose(ours, distances[0], atol=1e-6)
    cosine = cosine_similarity(vectors[found.indices].astype(np.float64), query[None])[:, 0]
    np.testing.assert_allclose(found.degrees, np.degrees(np.arccos(cosine)), atol=1e-3)


def test_neighbours_of_a_zero_vector_and_of_too_few_points() -> None:
    vectors = np.array([[1, 0], [0, 0], [0, 2]], dtype=np.float32)
    space = projection.prepared(vectors)
    found = projection.neighbours(space, np.zeros(2, dtype=np.float32), 10)
    assert found.cosine.tolist() == [0, 0, 0]
    assert found.degrees.tolist() == [90, 90, 90]
    assert projection.neighbours(space, vectors[0], 10, without=[0]).indices.tolist() == [1, 2]
    assert projection.neighbours(space, vectors[0], 10, without=[0, 1, 2]).indices.size == 0


def test_rank_counts_every_nearer_point() -> None:
    space = projection.prepared(cloud(60, 5))
    query = space.vectors[3]
    found = projection.neighbours(space, query, 60)
    for place in (0, 1, 17, 59):
        assert projection.rank_of(space, query, int(found.indices[place])) == place + 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_trustworthiness_and_continuity_equal_scikit_learn(seed: int, size: int) -> None:
    vectors = cloud(70, 9, seed).astype(np.float64)
    coordinates = projection.pca(vectors.astype(np.float32), axes=2).coordinates
    found = projection.quality(vectors, coordinates, size=size)
    assert found is not None
    flat = coordinates.astype(np.float64)
    assert found.trustworthiness == pytest.approx(
        trustworthiness(vectors, flat, n_neighbors=size), abs=1e-6
    )
    # Continuity is trustworthiness with the two spaces exchanged.
    assert found.continuity == pytest.approx(
        trustworthiness(flat, vectors, n_neighbors=size), abs=1e-6
    )


def test_kept_neighbours_are_counted_for_each_point() -> None:
    vectors = cloud(40, 6)
    coordinates = projection.pca(vectors, axes=2).coordinates
    found = projection.quality(vectors, coordinates, size=5)
    assert found is not None
    for row in range(40):
        true = np.argsort(np.linalg.norm(vectors - vectors[row], axis=1))[1:6]
        seen = np.argsort(np.linalg.norm(coordinates - coordinates[row], axis=1))[1:6]
        assert found.kept[row] == len(set(true) & set(seen))


def test_a_map_of_all_axes_is_perfect_and_a_shuffled_one_is_not() -> None:
    vectors = cloud(60, 3)
    perfect = projection.quality(vectors, projection.pca(vectors).coordinates, size=5)
    assert perfect is not None
    assert perfect.trustworthiness == perfect.continuity == 1
    assert (perfect.kept == 5).all()
    shuffled = projection.quality(vectors, vectors[::-1], size=5)
    assert shuffled is not None
    assert shuffled.trustworthiness < 0.7


def test_a_sample_of_rows_estimates_the_whole() -> None:
    vectors = cloud(500, 12)
    coordinates = projection.pca(vectors).coordinates
    whole = projection.quality(vectors, coordinates)
    some = projection.quality(vectors, coordinates, rows=np.arange(0, 500, 3))
    assert whole is not None and some is not None
    assert some.trustworthiness == pytest.approx(whole.trustworthiness, abs=0.02)


def test_quality_is_not_defined_for_a_handful_of_points() -> None:
    assert projection.quality(cloud(20, 3), cloud(20, 3), size=10) is None


def test_an_axis_of_ones_own_comes_first_and_explains_its_share() -> None:
    vectors = cloud(80, 7)
    direction = vectors[3] - vectors[9]
    fitted = projection.axis_map(vectors, direction)
    gap = fitted.coordinates[3, 0] - fitted.coordinates[9, 0]
    assert gap == pytest.approx(np.linalg.norm(direction), rel=1e-4)
    np.testing.assert_allclose(fitted.axes @ fitted.axes.T, np.eye(3), atol=1e-5)
    centred = vectors - vectors.mean(axis=0)
    share = (centred @ fitted.axes[0]).var() / centred.var(axis=0).sum()
    assert fitted.explained[0] == pytest.approx(share, rel=1e-4)


def test_an_axis_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="zero"):
        projection.axis_map(cloud(5, 3), np.zeros(3, dtype=np.float32))


def test_an_analogy_walks_from_b_to_a() -> None:
    vectors = np.array([[2, 1], [1, 1], [1, 3]], dtype=np.float32)
    assert projection.analogy(projection.prepared(vectors), 0, 1, 2).tolist() == [2, 3]
