import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { bits, bytes, chosen, within } from "../../assets/components/area.js";
import { looking, ranges, spots, turned } from "../../assets/components/camera.js";
import cloud from "../../assets/components/cloud.js";
import { fitting } from "../../assets/components/labels.js";
import { points } from "../../assets/components/points.js";
import { packed } from "./clouds.js";


function many(count, digest = "many") {
  const places = Int16Array.from({ length: 3 * count }, (_, i) => (i % 3 ? 0 : i / 3));
  const names = Array.from({ length: count }, (_, i) => `w${i}`);
  return { digest, places, scale: 0.5, classes: new Uint8Array(count), names, legend: [], ids: "v" };
}

beforeEach(() => delete globalThis.atlasClouds);

test("points come as whole numbers and a scale", () => {
  const found = points({ ...many(3), places: new Int16Array([1, -2, 3, 32767, -32767, 0, 4, 5, 6]), classes: new Uint8Array([0, 1, 0]) });
  assert.deepEqual([0, 1, 2].map(found.place), [[0.5, -1, 1.5], [16383.5, -16383.5, 0], [2, 2.5, 3]]);
  assert.deepEqual([found.group(0, null), found.group(0, new Set([2])), found.group(1, new Set())], [[0, 2], [2], []]);
});

test("in sight are all points and what else is asked for, with a margin, and a flat axis has a width", () => {
  const found = points(many(3));
  assert.deepEqual(found.extent([]), [[-0.04, 1.04], [-0.5, 0.5], [-0.5, 0.5]]);
  assert.deepEqual(found.extent([[2, -1, 0]])[0], [-0.08, 2.08]);
  assert.deepEqual(found.extent([[2, -1, 0]])[1], [-1.04, 0.04]);
  assert.deepEqual(found.extent([]), [[-0.04, 1.04], [-0.5, 0.5], [-0.5, 0.5]]);
});

test("of many points the outermost of a sample are named, of few shown alone all", () => {
  const found = points(many(1000)), named = found.landmarks(null);
  assert.equal(named.length, 60);
  assert.deepEqual(named[0], { id: "v954", place: [477, 0, 0], text: "w954", kind: "" });
  assert.ok(named.every((label, i) => !i || label.place[0] < named[i - 1].place[0]));
  assert.deepEqual(found.landmarks([3, 7]).map((label) => label.id), ["v7", "v3"]);
  assert.equal(found.landmarks([...Array(500).keys()]).length, 160);
});

test("whether a point lies inside a line, also one that turns inwards", () => {
  const path = [[0, 0], [10, 0], [10, 10], [5, 4], [0, 10]];
  assert.deepEqual([[5, 2], [1, 8], [9, 8], [5, 8], [-1, 5], [11, 5]].map((spot) => within(spot, path)), [true, true, true, false, false, false]);
  assert.equal(within([0, 0], []), false);
});

test("an area is told in bits that come back as the same places", () => {
  const places = [0, 1, 7, 8, 15, 16, 299, 300];
  const text = bits(301, (i) => places.includes(i));
  assert.equal(bytes(text).length, 38);
  assert.deepEqual(chosen(text), places);
  assert.equal(bits(0, () => true), "");
  assert.deepEqual(chosen(bits(200_000, (i) => i % 50_000 === 0)), [0, 50_000, 100_000, 150_000]);
});

test("without a camera no point lies inside anything", () => {
  assert.deepEqual(chosen(points(many(9)).inside(null, [[-9, -9], [9, -9], [9, 9]], new Set(), null)), []);
});

test("four clouds are kept, the oldest go first, and one digest is unpacked once", () => {
  for (const name of ["a", "b", "c", "d", "e"]) cloud({ data: packed(many(2, name)) });
  assert.deepEqual([...globalThis.atlasClouds.keys()], ["b", "c", "d", "e"]);
  const before = globalThis.atlasClouds.get("c");
  cloud({ data: packed(many(2, "c")) });
  assert.equal(globalThis.atlasClouds.get("c"), before);
});

test("the camera of a link has nine numbers, the window three; anything else is none", () => {
  assert.deepEqual(turned("1_2_3_4_5_6_7_8_9"), { eye: { x: 1, y: 2, z: 3 }, center: { x: 4, y: 5, z: 6 }, up: { x: 7, y: 8, z: 9 } });
  assert.equal(turned(""), null);
  assert.equal(turned("0.5_0.5_1"), null);
  assert.equal(ranges("", [[0, 1], [0, 1]], 1), null);
  assert.deepEqual(ranges("0.5_0.25_0.5", [[0, 8], [0, 4]], 0.5), [[2, 6], [0, 2]]);
});

test("what a flat map tells of itself is what brings it back", () => {
  const extent = [[-3, 5], [-1, 1]], [x, y] = ranges("0.25_0.75_0.125", extent, 1);
  const axis = (range) => ({ range, autorange: false });
  assert.equal(looking({ _fullLayout: { xaxis: axis(x), yaxis: axis(y) } }, true, extent), "0.25_0.75_0.125");
  assert.equal(looking({ _fullLayout: { xaxis: { autorange: true }, yaxis: {} } }, true, extent), "");
});

test("a deep map that is not drawn yet tells and places nothing", () => {
  for (const full of [undefined, {}, { scene: {} }, { scene: { _scene: {} } }]) {
    assert.equal(looking({ _fullLayout: full }, false, []), null);
    assert.equal(spots({ _fullLayout: full }, false), null);
  }
});

test("a place is put where the camera sees it: nearer is further from the middle, the legend's foot left out", () => {
  const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  const projection = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, -1, 0, 0, 0, 2]; // divides by 2 - z
  const scene = { dataScale: [2, 2, 1], glplot: { cameraParams: { projection, view: identity, model: identity } } };
  const spot = spots({ clientWidth: 800, clientHeight: 500, _fullLayout: { scene: { domain: { y: [0.2, 1] }, _scene: scene } } }, false);
  assert.deepEqual(spot([0, 0, 0]), [400, 200]);
  assert.deepEqual(spot([0.5, 0.5, 0]), [600, 100]);
  assert.deepEqual(spot([0.5, 0.5, 1]), [800, 0]);
});

test("labels that would leave the plot, cover another or have no place are left out", () => {
  const label = (id, x, y) => ({ id, place: [x, y], text: "word", kind: "" });
  const all = [label("a", 100, 100), label("b", 110, 105), label("c", 100, 130), label("d", 5, 100), label("e", 100, 10), label("f", NaN, 50), label("g", 395, 100)];
  assert.deepEqual(fitting(all, (one) => one.place, 400, 300).map((one) => one.id), ["a", "c"]);
});

test("labels may stand side by side and under one another, as wide as their letters and 24 pixels high", () => {
  const label = (id, x, y, kind = "") => ({ id, place: [x, y], text: "word", kind });
  const pair = (...all) => fitting(all, (one) => one.place, 400, 300).map((one) => one.id).join("");
  assert.deepEqual([138.3, 138.5].map((x) => pair(label("a", 100, 100), label("b", x, 100))), ["a", "ab"]);
  assert.deepEqual([140.7, 140.9].map((x) => pair(label("a", 100, 100, "own"), label("b", x, 100))), ["a", "ab"]);
  assert.deepEqual([61.7, 61.5].map((x) => pair(label("a", 100, 100), label("b", x, 100))), ["a", "ab"]);
  assert.deepEqual([123, 124].map((y) => pair(label("a", 100, 100), label("b", 100, y))), ["a", "ab"]);
  assert.deepEqual([77, 76].map((y) => pair(label("a", 100, 100), label("b", 100, y))), ["a", "ab"]);
  assert.deepEqual([26, 27, 301, 302].map((y) => pair(label("a", 100, y))), ["", "a", "a", ""]);
  assert.deepEqual([19, 20, 380, 381].map((x) => pair(label("a", x, 100))), ["", "a", "a", ""]);
  assert.equal(fitting([{ ...label("a", 12.1, 100), text: "1" }], (one) => one.place, 400, 300).length, 1);
});

test("on a flat map a place is where plotly's axes put it", () => {
  const axis = (offset, scale) => ({ _offset: offset, l2p: (v) => scale * v });
  const spot = spots({ _fullLayout: { xaxis: axis(34, 10), yaxis: axis(8, -5) } }, true);
  assert.deepEqual(spot([1, 2]), [44, -2]);
});

test("points are unpacked wherever their bytes lie, names with signs of any kind too", () => {
  for (const shift of [0, 1, 3]) {
    const digest = `shifted ${shift}`, three = { ...many(3, digest), classes: new Uint8Array([0, 1, 2]), names: ["a b", "☃", ""] };
    cloud({ data: packed(three, shift) });
    const found = globalThis.atlasClouds.get(digest);
    assert.deepEqual([found.names, found.count, found.place(2), found.group(1, null)], [["a b", "☃", ""], 3, [1, 0, 0], [1]]);
  }
  cloud({ data: packed({ ...many(0, "none"), names: [] }) });
  assert.equal(globalThis.atlasClouds.get("none").count, 0);
});
