"""`python -m bench.space`: the map of a large vocabulary, 50,257 points of 768 numbers.

    --umap      also UMAP in its own process (a minute or two)
    --gpu       let Chromium use the machine's GPU; else a GPU in software draws

Vectors are drawn at random around a few hundred centres, as no model of that size is shipped; the
times depend on their number and width alone. Goals are those of the project. The page is the real
one: a copy of a shipped bundle, its vectors exchanged for the large ones.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.app import BROWSERS, MODELS, server
from bench.measure import Row, Times, below, machine, table, timed

POINTS, WIDTH = 50_257, 768
WIRE = 2_000_000
FRAMES = """async (node) => {
    // Turns the camera for three seconds, a little in each frame, and counts the frames drawn.
    const scene = node._fullLayout.scene._scene, begun = performance.now();
    let frames = 0;
    while (performance.now() - begun < 3000) {
        const a = (performance.now() - begun) / 1000;
        const eye = { x: 1.6 * Math.cos(a), y: 1.6 * Math.sin(a), z: 0.8 };
        const camera = { ...scene.getCamera(), eye, projection: { type: "perspective" } };
        scene.setViewport({ aspectratio: scene.fullSceneLayout.aspectratio, camera });
        await new Promise(requestAnimationFrame);
        const gl = scene.glplot.gl;
        gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
        frames += 1;
    }
    return frames / ((performance.now() - begun) / 1000);
}"""


def main() -> None:
    """Measure, and print a table."""
    given = _arguments()
    print(f"# The map of {POINTS:,} points\n\n{machine()}", flush=True)
    vectors = large()
    print(table("In the engine", engine(vectors)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        bundle = stand_in(Path(folder) / "models" / "large", vectors)
        os.environ["ATLAS_MODELS"] = str(bundle.parent)
        if given.umap:
            print(table("UMAP in its own process", umap(bundle)), flush=True)
        print(table("In Chromium", browser(gpu=given.gpu)), flush=True)


def _arguments() -> argparse.Namespace:
    found = argparse.ArgumentParser(prog="python -m bench.space", description=__doc__)
    found.add_argument("--umap", action="store_true")
    found.add_argument("--gpu", action="store_true")
    return found.parse_args()


def large() -> np.ndarray:
    """Vectors [point, width] around 300 centres."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(300, WIDTH)).astype(np.float32)
    noise = rng.normal(size=(POINTS, WIDTH)).astype(np.float32)
    return centres[rng.integers(0, 300, POINTS)] + noise


def engine(vectors: np.ndarray) -> list[Row]:
    """PCA, and neighbours by both measures."""
    from engine import projection

    space = projection.prepared(vectors)
    rows = [below("PCA", timed(lambda: projection.pca(vectors, axes=10), times=3), 2000)]
    for measure in projection.MEASURES:
        found = timed(
            lambda m=measure: projection.neighbours(space, vectors[7], 12, measure=m), times=15
        )
        rows.append(below(f"twelve neighbours ({measure})", found, 30))
    return rows


def stand_in(folder: Path, vectors: np.ndarray) -> Path:
    """A bundle whose table of vectors is the large one; its graph is a small model's still."""
    from engine.bundle import digest

    shutil.copytree(MODELS / "tales-gpt", folder)
    vectors.astype(np.float32).tofile(folder / "large.bin")
    card = json.loads((folder / "card.json").read_text())
    card["files"]["large.bin"] = digest(folder / "large.bin")
    card["vectors"] = {
        "token": {"file": "large.bin", "offset": 0, "shape": [POINTS, WIDTH], "dtype": "float32"}
    }
    card |= {"name": "large", "title": "Large", "vocabulary": POINTS, "width": WIDTH}
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def umap(bundle: Path) -> list[Row]:
    """The layout, from its start to the file."""
    import subprocess

    from engine import mapping

    began = time.perf_counter()
    out = bundle.parent.parent / "map.npz"
    subprocess.run(
        mapping.command("umap", bundle, out, unit=True), check=True, stdout=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - began
    return [Row("UMAP, one thread, seeded", f"{seconds:.0f} s", "under 100 s", seconds < 100)]


def browser(*, gpu: bool) -> list[Row]:
    """From the click on the page to the picture, bytes on the wire, frames a second."""
    from playwright.sync_api import sync_playwright

    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        return [Row("the map in a browser", "not measured: no Chromium on this machine")]
    arguments = ["--no-sandbox", "--disable-quic"]
    arguments += [] if gpu else ["--disable-gpu", "--enable-unsafe-swiftshader"]
    with server() as (address, _process), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        page = chromium.new_page(viewport={"width": 1440, "height": 1000})
        received: list[int] = []
        page.on("websocket", lambda s: s.on("framereceived", lambda d: received.append(len(d))))
        # An empty text: the large table fits no graph, and the map needs none. The first visit
        # brings the library and opens the bundle; what is timed is a picture after that.
        link = f"{address}/Embeddings?model=large&text="
        _drawn(page, link)
        wire, times = 0, []
        for _ in range(3):
            received.clear()
            times.append(_drawn(page, link))
            wire = sum(received)
        plot = page.locator(".space .plot")
        renderer = plot.evaluate(
            "n => { const gl = n._fullLayout.scene._scene.glplot.gl, "
            "e = gl.getExtension('WEBGL_debug_renderer_info'); "
            "return e ? gl.getParameter(e.UNMASKED_RENDERER_WEBGL) : 'unknown'; }"
        )
        rates = [plot.evaluate(FRAMES) for _ in range(3)]
        chromium.close()
    rate = sorted(rates)[1]
    return [
        below("the page opened again, its 3-D picture drawn", Times(tuple(times)), 1500),
        Row("on the wire", f"{wire / 1e6:.2f} MB", "under 2 MB", wire < WIRE),
        Row(f"turning, drawn by {renderer}", f"{rate:.0f} frames a second", "30", rate >= 30),
    ]


def _drawn(page: Any, link: str) -> float:
    began = time.perf_counter()
    page.goto(link)
    page.locator(".space .labels button").first.wait_for(timeout=300_000)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
