"""Maps of vector spaces, and what is true in the space itself.

`pca` fits a basis once and `place` puts other vectors on the same basis, so that a map does not
jump when its points change. `prepared` + `neighbours` answer in the original space, whatever the
map shows. `quality` says how far a map can be trusted (trustworthiness and continuity as defined
by Venna and Kaski 2001, and as in scikit-learn). `axis_map` draws with an axis of one's own,
`analogy` walks a - b + c.

In: numpy arrays of vectors, one a row. Knows nothing of tokens, models or pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from engine.errors import BrokenBundle
from engine.values import Frozen

Measure = Literal["cosine", "euclid"]
MEASURES: tuple[Measure, ...] = ("cosine", "euclid")
AXES = 3
SPARE = 32
"""Rows examined exactly beyond those asked for: float32 may swap near ties."""
CHUNK = 4096


@dataclass(frozen=True, eq=False, slots=True)
class Projection(Frozen):
    """A linear map of points: `coordinates = (vectors - mean) @ axes.T`.

    `explained` is the share of the variance on each axis, 0 to 1.
    """

    coordinates: Float[np.ndarray, "point axis"]
    explained: Float[np.ndarray, "axis"]
    mean: Float[np.ndarray, "width"]
    axes: Float[np.ndarray, "axis width"]


@dataclass(frozen=True, eq=False, slots=True)
class Prepared(Frozen):
    """Vectors with their lengths, ready for many questions about neighbours."""

    vectors: Float[np.ndarray, "point width"]
    norms: Float[np.ndarray, "point"]


@dataclass(frozen=True, eq=False, slots=True)
class Neighbours(Frozen):
    """The nearest points, nearest first; `degrees` is the angle of `cosine`."""

    indices: Int[np.ndarray, "near"]
    cosine: Float[np.ndarray, "near"]
    euclid: Float[np.ndarray, "near"]
    degrees: Float[np.ndarray, "near"]


@dataclass(frozen=True, eq=False, slots=True)
class Quality(Frozen):
    """How far a map tells the truth about neighbours; each score is 1 for a perfect map.

    `trustworthiness` falls when the map shows neighbours that are none, `continuity` when it
    tears true neighbours apart. `kept` counts, for each point of `rows`, how many of its
    `size` true neighbours are among the `size` nearest on the map.
    """

    trustworthiness: float
    continuity: float
    size: int
    rows: Int[np.ndarray, "row"]
    kept: Int[np.ndarray, "row"]


def finite(vectors: np.ndarray, *, what: str = "vectors") -> np.ndarray:
    """Return float32 vectors, or raise a sentence when some are not numbers."""
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    bad = int((~np.isfinite(vectors).all(axis=1)).sum())
    if bad:
        raise BrokenBundle(
            f"{bad:,} of the {len(vectors):,} {what} hold values that are not numbers, so no "
            "map can be drawn. Export the model again."
        )
    return vectors


def unit(vectors: Float[np.ndarray, "point width"]) -> Float[np.ndarray, "point width"]:
    """Every vector at length 1; a zero vector stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)


# ---------------------------------------------------------------------------- maps


def pca(vectors: Float[np.ndarray, "point width"], *, axes: int = AXES) -> Projection:
    """Principal components by singular values, the sign fixed so that a map never flips.

    With fewer points or columns than `axes` the missing axes are zero. Points that are all equal
    land on the origin with nothing explained.
    """
    vectors = finite(vectors)
    mean = vectors.mean(axis=0, dtype=np.float64)
    variances, basis = _components(vectors, mean)
    total = float(variances.sum())
    basis = basis[:axes] * _signs(basis[:axes])
    shares = variances[:axes] / total if total > 0 else np.zeros(min(axes, len(variances)))
    if total == 0:
        basis = np.zeros_like(basis)
    basis = np.pad(basis, ((0, axes - len(basis)), (0, 0))).astype(np.float32)
    shares = np.pad(shares, (0, axes - len(shares))).astype(np.float32)
    mean = mean.astype(np.float32)
    return Projection((vectors - mean) @ basis.T, shares, mean, basis)


def _components(vectors: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances (largest first, not divided by n) and unit axes as rows, in float64."""
    points, width = vectors.shape
    if points <= width:
        _, singular, basis = np.linalg.svd(vectors - mean, full_matrices=False)
        return singular**2, basis
    # Many points: the singular values of the centred matrix are the roots of the eigenvalues of
    # its width x width Gram matrix. Summed in float64, by chunks, which costs no second copy.
    gram = np.zeros((width, width))
    for start in range(0, points, CHUNK):
        part = vectors[start : start + CHUNK] - mean
        gram += part.T @ part
    values, columns = np.linalg.eigh(gram)
    return np.clip(values[::-1], 0, None), columns[:, ::-1].T


def _signs(basis: np.ndarray) -> np.ndarray:
    """+1 or -1 for each axis, so that its largest entry comes out positive."""
    largest = basis[np.arange(len(basis)), np.abs(basis).argmax(axis=1)]
    return np.where(largest < 0, -1.0, 1.0)[:, None]


def place(
    projection: Projection, vectors: Float[np.ndarray, "other width"]
) -> Float[np.ndarray, "other axis"]:
    """Coordinates of other vectors on the basis of a map."""
    return ((finite(vectors) - projection.mean) @ projection.axes.T).astype(np.float32)


def axis_map(
    vectors: Float[np.ndarray, "point width"], direction: Float[np.ndarray, "width"]
) -> Projection:
    """A map whose first axis is `direction`; the others are the PCA of what is left.

    The first coordinate is 0 at the mean and grows in the direction given.
    """
    vectors = finite(vectors)
    length = float(np.linalg.norm(direction))
    if not length:
        raise ValueError("direction must not be zero")
    first = np.asarray(direction, dtype=np.float32) / np.float32(length)
    along = vectors @ first
    rest = pca(vectors - np.outer(along, first), axes=AXES - 1)
    mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    axes = np.vstack([first, rest.axes])
    total = float(((vectors - mean).astype(np.float64) ** 2).sum())
    coordinates = (vectors - mean) @ axes.T
    spread = (coordinates.astype(np.float64) ** 2).sum(axis=0)
    explained = spread / total if total > 0 else np.zeros(AXES)
    return Projection(coordinates, explained.astype(np.float32), mean, axes)


# ---------------------------------------------------------------------------- neighbours


def prepared(vectors: Float[np.ndarray, "point width"]) -> Prepared:
    """Check vectors and measure their lengths once."""
    vectors = finite(vectors)
    return Prepared(vectors, np.linalg.norm(vectors, axis=1))


def neighbours(
    space: Prepared,
    query: Float[np.ndarray, "width"],
    size: int = 10,
    *,
    measure: Measure = "cosine",
    without: Sequence[int] = (),
) -> Neighbours:
    """The `size` nearest points to a vector, in the space itself, those of `without` left out.

    The cosine with a zero vector counts as 0 (90 degrees).
    """
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {MEASURES}, got {measure!r}")
    query = np.asarray(query, dtype=np.float32)
    near = closeness(space, query, measure)
    near[list(without)] = -np.inf
    size = max(0, min(size, len(near) - len(set(without))))
    # One matrix product in float32 finds the candidates; those few are measured again in float64.
    wide = min(len(near) - len(set(without)), size + SPARE)
    candidates = np.argpartition(-near, max(wide - 1, 0))[:wide]
    cosine, euclid = distances(space.vectors[candidates], query)
    order = np.lexsort((candidates, -cosine if measure == "cosine" else euclid))[:size]
    cosine = cosine[order]
    return Neighbours(candidates[order], cosine, euclid[order], degrees(cosine))


def closeness(space: Prepared, query: np.ndarray, measure: Measure) -> Float[np.ndarray, "point"]:
    """A number for each point that is larger the nearer the point (float32, one product)."""
    dots = space.vectors @ query
    if measure == "euclid":
        return 2 * dots - space.norms**2
    return np.divide(dots, space.norms, out=np.zeros_like(dots), where=space.norms > 0)


def distances(vectors: np.ndarray, query: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and Euclidean distance of each vector to `query`, in float64."""
    rows, other = vectors.astype(np.float64), query.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(other)
    cosine = np.divide(rows @ other, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    return np.clip(cosine, -1, 1), np.linalg.norm(rows - other, axis=1)


def degrees(cosine: np.ndarray) -> np.ndarray:
    """Angle in degrees, 0 to 180: degrees(0.5) = 60."""
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def rank_of(space: Prepared, query: np.ndarray, index: int, *, measure: Measure = "cosine") -> int:
    """Place of one point among all neighbours of a vector, 1 for the nearest."""
    near = closeness(space, np.asarray(query, dtype=np.float32), measure)
    return int((near > near[index]).sum()) + 1


def analogy(space: Prepared, a: int, b: int, c: int) -> Float[np.ndarray, "width"]:
    """The vector a - b + c (king - man + woman)."""
    return space.vectors[a] - space.vectors[b] + space.vectors[c]


# ---------------------------------------------------------------------------- trust


def quality(
    vectors: Float[np.ndarray, "point width"],
    coordinates: Float[np.ndarray, "point axis"],
    *,
    size: int = 10,
    rows: Int[np.ndarray, "row"] | None = None,
) -> Quality | None:
    """Compare the neighbours on a map with those in the space (Euclidean distances in both).

    With all rows the two scores are scikit-learn's; with some rows (a sample of a large map) they
    are the mean over those, each still measured against every point. None where the scores are
    not defined: fewer than 2 x `size` + 1 points.
    """
    points = len(vectors)
    if 2 * size >= points:
        return None
    rows = np.arange(points) if rows is None else np.asarray(rows)
    high, low = prepared(vectors), prepared(coordinates)
    trust, whole, kept = 0.0, 0.0, np.zeros(len(rows), dtype=np.int64)
    for start in range(0, len(rows), 256):
        part = rows[start : start + 256]
        true, seen = _distances_to_all(high, part), _distances_to_all(low, part)
        trust += _penalty(true, seen, size)
        whole += _penalty(seen, true, size)
        kept[start : start + 256] = _shared(true, seen, size)
    scale = 2 / (len(rows) * size * (2 * points - 3 * size - 1))
    return Quality(1 - scale * trust, 1 - scale * whole, size, rows, kept)


def _distances_to_all(space: Prepared, rows: np.ndarray) -> np.ndarray:
    """Squared distances [row, point]; a point is infinitely far from itself."""
    vectors = space.vectors.astype(np.float64) if len(space.vectors) <= CHUNK else space.vectors
    norms = (vectors**2).sum(axis=1)
    squared = norms[rows][:, None] + norms[None] - 2 * vectors[rows] @ vectors.T
    squared[np.arange(len(rows)), rows] = np.inf
    return squared


def _nearest(distance: np.ndarray, size: int) -> np.ndarray:
    return np.argpartition(distance, size - 1, axis=1)[:, :size]


def _penalty(reference: np.ndarray, other: np.ndarray, size: int) -> float:
    """Sum of how far outside the first `size` by `reference` the nearest by `other` lie."""
    near = _nearest(other, size)
    far = np.take_along_axis(reference, near, axis=1)
    ranks = [(reference < far[:, [i]]).sum(axis=1) + 1 for i in range(size)]
    return float(np.clip(np.stack(ranks) - size, 0, None).sum())


def _shared(first: np.ndarray, second: np.ndarray, size: int) -> np.ndarray:
    """How many of the nearest by one distance are among the nearest by the other, for each row."""
    a, b = _nearest(first, size), _nearest(second, size)
    return (a[:, :, None] == b[:, None, :]).any(axis=2).sum(axis=1)
