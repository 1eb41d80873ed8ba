"""The large map in a browser: its first picture and its turning, drawn by ours and by plotly.js.

In: a bundle with many vectors, and whether the browser may use the machine's GPU. Out: rows. Both
drawings stand in pages of their own of one browser and one server, and are measured in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.browsing import SLOWEST, browsing
from bench.measure import Row, Times, below

WIRE = 2_000_000
OURS, PLOTLY = "the map", "plotly.js"
# Turned for three seconds; a frame counts once its pixels are there.
TURNED_BY_PLOTLY = """async (node) => {
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
    return [frames / ((performance.now() - begun) / 1000), 1];
}"""
TURNED = """async (node) => {
    const stage = node.querySelector(".stage"), box = stage.getBoundingClientRect();
    const hand = (kind, x) => stage.dispatchEvent(new PointerEvent(kind,
        { bubbles: true, pointerId: 1, clientX: box.x + box.width / 2 + x, clientY: box.y + 200 }));
    stage.setPointerCapture = () => {};
    const gl = node.querySelector("canvas.points").getContext("webgl2"), begun = performance.now();
    hand("pointerdown", 0);
    let frames = 0, share = 0;
    while (performance.now() - begun < 3000) {
        hand("pointermove", 200 * Math.sin((performance.now() - begun) / 500));
        await new Promise(requestAnimationFrame);
        gl?.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
        frames += 1;
        share += Number(stage.dataset.share);
    }
    const seconds = (performance.now() - begun) / 1000;
    hand("pointerup", 0);
    return [frames / seconds, share / frames];
}"""
RENDERER = """node => {
    const gl = node._fullLayout.scene._scene.glplot.gl;
    const told = gl.getExtension("WEBGL_debug_renderer_info");
    return told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : "an unnamed renderer";
}"""


def address(model: str) -> str:
    """Where the map is; an empty text, as the large table fits no graph and the map needs none."""
    return f"Embeddings?model={model}&text=&view=Vocabulary"


def picture(bundle: Path, gpu: bool, *, times: int = 5) -> Iterator[Row]:
    """From a click in the open app to its first picture, and what travels for it.

    The server knows the map by then (the first visit), and the browser has the library. The page
    is opened anew each time at a view without a map, so that nothing of the map is in the browser.
    """
    with _both(bundle, gpu) as (pages, link):
        received: list[int] = []
        page = pages[OURS]
        page.on("websocket", lambda s: s.on("framereceived", lambda d: received.append(len(d))))
        yield Row("the first visit after the server's start", f"{_opened(page, link):.1f} s")
        anew = Times(tuple(_opened(page, link) for _ in range(3)))
        yield Row("the page opened anew, the app's own start with it", str(anew))
        _opened(pages[PLOTLY], link)
        found, wire = _chosen(pages, link, times, received)
        yield below("the map chosen, its first 3-D picture drawn", found[OURS], 1500)
        yield Row("the same by plotly.js, in turns", str(found[PLOTLY]))
        yield Row("on the wire for it", f"{wire / 1e6:.2f} MB", "under 2 MB", wire < WIRE)


def turning(bundle: Path, gpu: bool) -> Iterator[Row]:
    """Frames a second while the camera turns, and who draws them."""
    with _both(bundle, gpu) as (pages, link):
        for page in pages.values():
            _opened(page, link)
        who = pages[PLOTLY].locator(".space .plot").evaluate(RENDERER)
        yield from _turned(pages, f"turning, beside a GPU that is {who}")


def larger(bundle: Path, gpu: bool) -> Iterator[Row]:
    """Both for a map that is larger still."""
    with _both(bundle, gpu) as (pages, link):
        for page in pages.values():
            _opened(page, link)
        found, _ = _chosen(pages, link, 3, [])
        yield Row("a map of five times as many points chosen", str(found[OURS]))
        yield Row("the same by plotly.js, in turns", str(found[PLOTLY]))
        yield from _turned(pages, "turning five times as many points")


def _chosen(
    pages: dict[str, Any], link: str, times: int, received: list[int]
) -> tuple[dict[str, Times], int]:
    """Seconds from click to picture of both, in turns, and the bytes of the last of ours."""
    seconds: dict[str, list[float]] = {name: [] for name in pages}
    wire = 0
    for _ in range(times):
        for name, page in pages.items():
            page.goto(link.replace("Vocabulary", "Analogies"))
            button = page.get_by_role("radio", name="Vocabulary")
            button.wait_for()
            page.wait_for_timeout(1500)
            received.clear()
            seconds[name].append(_seconds(page, button.click))
            wire = sum(received) if name == OURS else wire
    return {name: Times(tuple(values)) for name, values in seconds.items()}, wire


def _turned(pages: dict[str, Any], what: str) -> Iterator[Row]:
    """Frames a second of both, in turns: the middle one of three, with the points it had."""
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
    for _ in range(3):
        for name, page in pages.items():
            turned = TURNED if name == OURS else TURNED_BY_PLOTLY
            rate, share = page.locator(".space .plot").evaluate(turned)
            rates[name].append((rate, share))
    (rate, share), (other, _) = (sorted(found)[1] for found in rates.values())
    with_share = f"{rate:.0f} frames a second with {100 * share:.0f} % of the points"
    yield Row(what, with_share, "30", rate >= 30)
    yield Row("the same by plotly.js, in turns", f"{other:.0f} frames a second with all")


@contextmanager
def _both(bundle: Path, gpu: bool) -> Iterator[tuple[dict[str, Any], str]]:
    """A page of each drawing, and where the map is."""
    with browsing(gpu=gpu) as (page, at):
        other = page.context.browser.new_page(viewport=page.viewport_size)
        other.set_default_timeout(1000 * SLOWEST)
        other.add_init_script("globalThis.atlasLarge = Infinity")
        yield {OURS: page, PLOTLY: other}, f"{at}/{address(bundle.name)}"


def _opened(page: Any, link: str) -> float:
    return _seconds(page, lambda: page.goto(link))


def _seconds(page: Any, act: Callable[[], object]) -> float:
    """Seconds until the map stands with its names."""
    began = time.perf_counter()
    act()
    page.locator(".space .labels button").first.wait_for()
    return time.perf_counter() - began
