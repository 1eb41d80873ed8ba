"""The two painters of a large map draw the same points: the GPU and the processor."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Route

ROOT = Path(__file__).resolve().parents[2]
# Ten points in three hues, one of them hidden and one behind another, seen from a little aside.
BOTH = """async () => {
  const { gpu } = await import("/webgl.js"), { raster } = await import("/raster.js");
  const { deepView } = await import("/view.js");
  const [width, height] = [400, 300], packed = new Int16Array([
    0, 0, 0, 0, -90, 0, 0, 1, 90, 0, 0, 2, 0, -90, 0, 0, 0, 90, 0, 1, 0, 0, 90, 2, 0, 0, -90, 0,
    50, 50, 50, -1, 60, -60, 60, 1, -60, 60, 60, 2]);
  const hues = new Uint8Array(1024);
  hues.set([255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0]);
  const ends = [[-100, 100], [-100, 100], [-100, 100]], view = deepView("", ends, false);
  const frame = { matrix: view.matrix(width, height), share: 1, depths: [9, 10], paper: [0, 0, 0] };
  const layer = { name: "", packed, size: 6, shape: 2, opacity: 1 };
  const image = (make) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const painter = make(canvas);
    painter.hues(hues);
    painter.layers([layer]);
    painter.paint(frame);
    const copy = new OffscreenCanvas(width, height).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    return copy.getImageData(0, 0, width, height).data;
  };
  const [a, b] = [image((canvas) => gpu(canvas, /nobody/)), image(raster)];
  const blobs = (data) => {
    const found = {};
    for (let k = 0; k < data.length; k += 4) {
      if (!data[k + 3]) continue;
      const hue = [data[k], data[k + 1], data[k + 2]].map((v) => (v > 127 ? 1 : 0)).join("");
      const spot = (found[hue] ??= { count: 0, x: 0, y: 0 });
      spot.count += 1;
      spot.x += (k / 4) % width;
      spot.y += Math.floor(k / 4 / width);
    }
    for (const one of Object.values(found)) [one.x, one.y] = [one.x / one.count, one.y / one.count];
    return found;
  };
  return [blobs(a), blobs(b)];
}"""


def test_the_gpu_and_the_processor_draw_the_same_points(chromium: Browser) -> None:
    page = chromium.new_page()
    try:
        page.route("http://localhost/**", served)
        page.goto("http://localhost/")
        gpu, processor = page.evaluate(BOTH)
    finally:
        page.close()
    assert gpu.keys() == processor.keys() == {"100", "010", "001"}
    for hue, spot in gpu.items():
        other = processor[hue]
        assert abs(spot["x"] - other["x"]) < 1.5 and abs(spot["y"] - other["y"]) < 1.5, hue
        assert spot["count"] >= 3 * 25 and other["count"] >= 3 * 16, hue  # three squares of each


def served(route: Route) -> None:
    """A page without anything, and the components' code."""
    name = route.request.url.rpartition("/")[2]
    if name.endswith(".js"):
        code = (ROOT / "assets" / "components" / name).read_text(encoding="utf-8")
        route.fulfill(body=code, content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html><title>Painters</title>", content_type="text/html")
