"""Vectors of words at several moments as points in a plane that can be compared.

In: vectors [moment, word, width]. Out: `Places`. Each moment has main directions of its own
(principal components, without a sign and turned at will): its points are rotated or mirrored so
that they lie as near as can be to those of the moment after it (orthogonal Procrustes: Schönemann
1966), the last one first. Lengths stay as they are, so a cloud that grows is seen growing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.values import Frozen


@dataclass(frozen=True, eq=False, slots=True)
class Places(Frozen):
    """Where each word lies at each moment, and how much of its vectors a plane can show.

    `held` is the share of the variance that lies in the plane; `cosines` are those of the vectors
    themselves, in all their numbers. `words` are in the order of the axis `word`.
    """

    words: tuple[str, ...]
    points: Float[np.ndarray, "moment word 2"]
    held: Float[np.ndarray, "moment"]
    cosines: Float[np.ndarray, "moment word word"]


def places(words: tuple[str, ...], vectors: Float[np.ndarray, "moment word width"]) -> Places:
    """The points of three words or more."""
    if len(words) < 3:
        raise ValueError(f"a plane needs 3 words at least, got {len(words)}")
    wide = vectors.astype(np.float64)
    planes, held = zip(*(plane(one) for one in wide), strict=True)
    aligned = [planes[-1]]
    for points in planes[-2::-1]:
        aligned.append(points @ rotation(points, aligned[-1]))
    lengths = np.linalg.norm(wide, axis=2, keepdims=True)
    unit = wide / np.maximum(lengths, 1e-12)
    return Places(
        words=words,
        points=np.stack(aligned[::-1]).astype(np.float32),
        held=np.array(held, dtype=np.float32),
        cosines=(unit @ unit.transpose(0, 2, 1)).astype(np.float32),
    )


def plane(
    vectors: Float[np.ndarray, "word width"],
) -> tuple[Float[np.ndarray, "word 2"], float]:
    """Points on the two main directions, and the share of the variance that they hold."""
    centred = vectors - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    total = float((sizes**2).sum())
    points = np.zeros((len(vectors), 2))
    points[:, : min(2, len(sizes))] = left[:, :2] * sizes[:2]
    return points, float((sizes[:2] ** 2).sum()) / total if total else 0.0


def rotation(
    points: Float[np.ndarray, "word 2"], onto: Float[np.ndarray, "word 2"]
) -> Float[np.ndarray, "2 2"]:
    """The rotation or mirroring R that brings `points @ R` nearest to `onto`."""
    left, _, right = np.linalg.svd(points.T @ onto)
    return left @ right
