"""UMAP and t-SNE of a vocabulary, in a process of their own, kept on disk; maps that ship.

    python -m engine.space.vocabulary_layout umap BUNDLE OUT.npz [--own-lengths]

Prints JSON lines for `engine/jobs/registry.py`. The vectors (at length 1 unless asked otherwise)
are reduced to 50 principal components first, then laid out in 3-D with a fixed seed, which costs
speed (UMAP then uses one thread) and buys the same picture every time. OUT is written aside and
renamed, so that nothing half-made stays when the process is killed. The app asks `kept` and `read`,
and imports neither umap nor scikit-learn.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from engine.settings import settings
from engine.space.projection import Projection, finite, pca, unit

Method = Literal["umap", "tsne"]
METHODS: tuple[Method, ...] = ("umap", "tsne")
COMPONENTS = 50
DIRECTIONS = 10
SEED = 0
THREADS = 2
VERSION = 1
SPACE = "space.npz"
"""Maps that travel with a bundle, so that they open at once; its card lists the file."""


def kept(folder: Path, digest: str, method: Method, *, unit: bool) -> Path:
    """Where the coordinates of the model of that digest lie, made already or not."""
    key = repr((VERSION, digest, method, unit)).encode()
    name = f"{folder.name}-{method}-{hashlib.blake2b(key, digest_size=8).hexdigest()}.npz"
    return settings().models.parent / "maps" / name


def read(path: Path) -> Float[np.ndarray, "point axis"] | None:
    """Coordinates from an earlier run; None where there are none or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["coordinates"].astype(np.float32)
    except (OSError, ValueError, KeyError):
        return None


def packed(folder: Path, method: Method, *, unit: bool) -> Float[np.ndarray, "point axis"] | None:
    """Coordinates that came with a bundle; they are of vectors at length 1."""
    try:
        with np.load(folder / SPACE, allow_pickle=False) as file:
            return file[method].astype(np.float32) if unit else None
    except (OSError, ValueError, KeyError):
        return None


def packed_pca(folder: Path, vectors: Float[np.ndarray, "point width"]) -> Projection | None:
    """The main directions that came with a bundle, with its vectors (at length 1) put on them.

    Only the directions travel: the coordinates follow by one product, and exactly.
    """
    try:
        with np.load(folder / SPACE, allow_pickle=False) as file:
            explained, mean, axes = (
                file[f"pca_{part}"].astype(np.float32) for part in ("explained", "mean", "axes")
            )
    except (OSError, ValueError, KeyError):
        return None
    width = vectors.shape[1]
    if axes.shape != (len(explained), width) or mean.shape != (width,):
        return None
    return Projection((vectors - mean) @ axes.T, explained, mean, axes)


def pack(folder: Path, methods: tuple[Method, ...] = ("umap",)) -> Path:
    """Put the maps of a bundle's vocabulary beside it: PCA's directions, layouts in float16."""
    vectors = unit_vectors(folder)
    fitted = pca(vectors, axes=DIRECTIONS)
    maps: dict[str, Any] = {
        "pca_explained": fitted.explained,
        "pca_mean": fitted.mean,
        "pca_axes": fitted.axes,
    }
    maps |= {
        method: lay_out(vectors, method, lambda share: None).astype(np.float16)
        for method in methods
    }
    np.savez_compressed(folder / SPACE, **maps)
    return folder / SPACE


def unit_vectors(folder: Path) -> Float[np.ndarray, "point width"]:
    """The token vectors of a bundle on disk, each at length 1."""
    from engine.models.bundle import read_card, read_matrix

    return unit(finite(read_matrix(folder, read_card(folder).vectors["token"])))


def command(method: Method, folder: Path, out: Path, *, unit: bool) -> list[str]:
    """The process that makes them."""
    argv = [sys.executable, "-m", "engine.space.vocabulary_layout", method, str(folder), str(out)]
    return argv if unit else [*argv, "--own-lengths"]


def among(
    coordinates: Float[np.ndarray, "point axis"],
    indices: np.ndarray,
    cosine: np.ndarray,
) -> Float[np.ndarray, "axis"]:
    """Where a further vector belongs on such a map: between its nearest points, nearer ones more.

    UMAP and t-SNE have no formula for new points; this is a stand-in, and said to be one.
    """
    weights = np.exp(8 * (cosine - cosine.max(initial=-1)))
    return (weights[:, None] * coordinates[indices]).sum(axis=0) / weights.sum()


# ---------------------------------------------------------------------------- the process


class Progress:
    """Stands in for a file: reads "120/500" out of what a library prints, and reports it."""

    def __init__(self, tell: Callable[[float], None], total: float = 0) -> None:
        """Report shares of the work to `tell`; `total` where lines give only a count."""
        self.tell, self.total = tell, total

    def write(self, text: str) -> int:
        """Take what was printed."""
        found = re.search(r"(\d+)\s*/\s*(\d+)", text)
        if found and int(found[2]):
            self.tell(int(found[1]) / int(found[2]))
        elif self.total and (found := re.search(r"Iteration (\d+)", text)):
            self.tell(min(int(found[1]) / self.total, 1.0))
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


def lay_out(
    vectors: Float[np.ndarray, "point width"], method: Method, tell: Callable[[float], None]
) -> Float[np.ndarray, "point 3"]:
    """The map itself; `tell` gets shares of the work, 0 to 1."""
    axes = min(COMPONENTS, *vectors.shape)
    reduced = pca(vectors, axes=axes).coordinates
    if len(reduced) < 5:
        return np.pad(reduced, ((0, 0), (0, max(0, 3 - axes))))[:, :3]
    found = _umap(reduced, tell) if method == "umap" else _tsne(reduced, tell)
    found = found - found.mean(axis=0)
    return (found / max(float(np.abs(found).max()), 1e-9)).astype(np.float32)


def _umap(points: np.ndarray, tell: Callable[[float], None]) -> np.ndarray:
    import umap

    near = min(15, len(points) - 1)
    # Exact neighbours take seconds; umap's own search for them spends more on compiling itself.
    known = _nearest(points, near)
    # It says that new points cannot be placed without that search; `among` places ours.
    warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)
    bar = {"file": Progress(tell), "mininterval": 0.5, "bar_format": "{n_fmt}/{total_fmt}"}
    # A spectral start needs more points than it has axes to spare.
    start = "spectral" if len(points) > 50 else "random"
    reducer = umap.UMAP(
        n_components=3,
        n_neighbors=near,
        init=start,
        random_state=SEED,
        n_jobs=1,
        verbose=True,
        tqdm_kwds=bar,
        precomputed_knn=known,
    )
    return np.asarray(reducer.fit_transform(points))


def _nearest(points: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices and distances of each point's `count` nearest, itself among them."""
    from sklearn.neighbors import NearestNeighbors
    from threadpoolctl import threadpool_limits

    with threadpool_limits(THREADS):
        search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(points)
        distances, indices = search.kneighbors(points)
    return indices, distances.astype(np.float32)


def _tsne(points: np.ndarray, tell: Callable[[float], None]) -> np.ndarray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    near = min(30.0, (len(points) - 1) / 3)
    before, sys.stdout = sys.stdout, Progress(tell, total=750)  # type: ignore[assignment]
    try:
        reducer = TSNE(n_components=3, perplexity=near, max_iter=750, random_state=SEED, verbose=2)
        # Beside the app, not instead of it: its own threads would fight for the same cores.
        with threadpool_limits(THREADS):
            return np.asarray(reducer.fit_transform(points))
    finally:
        sys.stdout = before


def main() -> None:
    """Read vectors, lay them out, write the file; every step is one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--own-lengths", action="store_true")
    given = parser.parse_args()
    out, begun = sys.stdout, time.monotonic()

    def say(**event: object) -> None:
        print(json.dumps(event), file=out, flush=True)

    def tell(share: float) -> None:
        seconds = time.monotonic() - begun
        say(stage=f"Laying out the points, {seconds:.0f} s so far", progress=0.1 + 0.88 * share)

    say(stage="Reading the vectors", progress=0.02)
    from engine.models.bundle import read_card, read_matrix

    vectors = finite(read_matrix(given.bundle, read_card(given.bundle).vectors["token"]))
    say(stage="Loading the library (its first start takes some seconds)", progress=0.05)
    # Libraries print to stdout; that is the jobs' channel.
    sys.stdout = sys.stderr
    places = lay_out(vectors if given.own_lengths else unit(vectors), given.method, tell)
    _write(given.out, places)
    say(stage="Done", progress=1.0, result=str(given.out))


def _write(path: Path, places: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        np.savez(file, coordinates=places)
    os.replace(aside, path)


if __name__ == "__main__":
    main()
