import assert from "node:assert/strict";
import { test } from "node:test";

import { adapted, begun } from "../../assets/components/pace.js";
import { scaled, slotAt, stride } from "../../assets/components/picking.js";
import { points } from "../../assets/components/points.js";
import { drawn } from "../../assets/components/raster.js";
import { deepView, screen } from "../../assets/components/view.js";

// Looked at straight on without depth: place (x, y) of -1..1 on 200 by 100 pixels, z as far from the eye.
const FLAT = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const AWAY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]; // divides by z
const at = (packed, x, y, more = {}) => slotAt(Int16Array.from(packed.flat()), more.matrix ?? FLAT, { width: 200, height: 100, x, y, radius: 2, reach: 9, ...more });

test("the point under the pointer is found, else the nearest within reach", () => {
  const two = [[0, 0, 0, 0], [1, 1, 0, 0]]; // at (100, 50) and (200, 0)
  assert.equal(at(two, 101, 51), 0);
  assert.equal(at(two, 193, 4), 1);
  assert.equal(at(two, 110, 50), -1);
  assert.equal(at([], 110, 50), -1);
  const side = [[0, 0, 0, 0], [0, 0, 0, 1]];
  assert.equal(at(side, 100, 50, { reach: 0.5 }), 1); // of two at one place and depth the last drawn
});

test("of those that cover the pointer it is the one in front, of the others the nearest", () => {
  const deep = [[5, 0, 5, 0], [3, 0, 3, 0], [4, 0, 4, 0]]; // all seen at (200, 50)
  assert.equal(at(deep, 200, 50, { matrix: AWAY }), 1);
  assert.equal(at([[95, 0, 100, 0], [97, 0, 99, 0]], 196, 50, { matrix: AWAY }), 1);
  assert.equal(at([[0, 0, -1, 0]], 100, 50, { matrix: AWAY }), -1); // behind the eye
});

test("what is out of sight is not found", () => {
  assert.equal(at([[0, 0, 0, -1], [0, 0, 0, 2]], 100, 50), 1);
  assert.equal(at([[0, 0, 0, -1]], 100, 50), -1);
});

test("the slot of a cloud's point is found where the view draws the point", () => {
  const count = 1000, places = Int16Array.from({ length: 3 * count }, (_, j) => ((j * 7919) % 60001) - 30000);
  const cloud = points({ digest: "d", places, scale: 0.001, classes: new Uint8Array(count), names: Array(count).fill("w"), legend: [], ids: "v" });
  const packed = cloud.packed(new Set(), null), matrix = deepView("", cloud.extent([]), false).matrix(900, 600), spot = screen(matrix, 900, 600);
  const exact = { width: 900, height: 600, radius: 0.01, reach: 0.5 };
  for (const i of [0, 1, 500, 999]) {
    const [x, y] = spot(cloud.place(i));
    assert.equal(cloud.nth(slotAt(packed, scaled(matrix, cloud.scale), { ...exact, x, y })), i);
  }
});

test("every point has one slot, and any first part of them is spread over the whole", () => {
  for (const count of [1, 2, 3, 10, 6144, 50_257]) {
    const step = stride(count), seen = new Set();
    for (let slot = 0; slot < count; slot++) seen.add((slot * step) % count);
    assert.equal(seen.size, count);
  }
  const step = stride(10_000), first = Array.from({ length: 100 }, (_, slot) => (slot * step) % 10_000).sort((a, b) => a - b);
  const gaps = first.slice(1).map((value, k) => value - first[k]);
  assert.ok(Math.max(...gaps) < 300, String(Math.max(...gaps)));
});

test("a class that is hidden and what is not shown alone have no hue, some points have one of their own", () => {
  const data = { digest: "d", places: new Int16Array([1, 2, 3, 4, 5, 6, 7, 8, 9]), scale: 1, classes: new Uint8Array([0, 1, 1]), names: ["a", "b", "c"], legend: [], ids: "v" };
  const cloud = points(data), rows = (packed) => Object.fromEntries([0, 1, 2].map((slot) => [cloud.nth(slot), [...packed.subarray(4 * slot, 4 * slot + 4)]]));
  assert.deepEqual(rows(cloud.packed(new Set(), null)), { 0: [1, 2, 3, 0], 1: [4, 5, 6, 1], 2: [7, 8, 9, 1] });
  assert.deepEqual(rows(cloud.packed(new Set([1]), null)), { 0: [1, 2, 3, 0], 1: [4, 5, 6, -1], 2: [7, 8, 9, -1] });
  assert.deepEqual(rows(cloud.packed(new Set(), new Set([2]))), { 0: [1, 2, 3, -1], 1: [4, 5, 6, -1], 2: [7, 8, 9, 1] });
  assert.deepEqual([...cloud.some([2, 0], 255)], [7, 8, 9, 255, 1, 2, 3, 255]);
});

test("a fast machine turns all points, a slow one as many as it draws thirty times a second", () => {
  assert.equal(begun(5), 1);
  assert.ok(Math.abs(begun(80) - 1 / 3) < 1e-9);
  assert.equal(begun(1e6), 0.02);
  // A frame takes 90 ms for all points and 4 ms for none.
  let share = begun(300);
  for (let k = 0; k < 60; k++) share = adapted(share, 4 + 90 * share);
  assert.ok(4 + 90 * share < 35 && 4 + 90 * share > 30, String(share));
  for (let k = 0; k < 60; k++) share = adapted(share, 16);
  assert.equal(share, 1);
  assert.equal(adapted(1, 10_000), 0.5); // one long frame (the page was hidden) says little
});

function image(packed, more = {}) {
  const [width, height] = [8, 4], hues = new Uint8Array(1024);
  hues.set([10, 20, 30, 255, 200, 100, 0, 255]);
  const pixels = new Uint32Array(width * height), depth = new Float32Array(width * height).fill(Infinity);
  const layer = { name: "", packed: Int16Array.from(packed.flat()), size: 1, shape: 0, opacity: 1 };
  drawn({ pixels, depth, width, height }, [{ ...layer, ...more }], hues, { matrix: FLAT, share: 1, depths: [1, 2], paper: [255, 255, 255], ...more });
  return [...pixels.entries()].filter(([, value]) => value).map(([k, value]) => [k % width, Math.floor(k / width), value.toString(16)]);
}

test("without a GPU a point is a square of its hue at its place, out of sight none", () => {
  assert.deepEqual(image([[0, 0, 0, 0]]), [[4, 2, "ff1e140a"]]);
  assert.deepEqual(image([[0, 0, 0, -1]]), []);
  assert.deepEqual(image([[3, 0, 0, 0], [0, -2, 0, 0]]), []);
  assert.equal(image([[0, 0, 0, 1]], { size: 2.6 }).length, 4);
  assert.deepEqual(image([[0, 0, 0, 0]], { opacity: 0.5 }), [[4, 2, "801e140a"]]);
  assert.equal(image([[0, 0, 0, 0], [0, 0, 0, 1]], { share: 0.5 })[0][2], "ff1e140a");
});

test("without a GPU too the nearest is in front and the furthest has much of the ground's colour", () => {
  const both = image([[0, 0, 2, 1], [0, 0, 1, 0]], { matrix: AWAY }), turned = image([[0, 0, 1, 0], [0, 0, 2, 1]], { matrix: AWAY });
  assert.deepEqual([both, turned], [[[4, 2, "ff1e140a"]], [[4, 2, "ff1e140a"]]]);
  assert.deepEqual(image([[0, 0, 2, 0]], { matrix: AWAY }), [[4, 2, "ff8f8a85"]]);
  assert.deepEqual(image([[0, 0, -1, 0]], { matrix: AWAY }), []);
});
