import assert from "node:assert/strict";
import { test } from "node:test";

import { spots } from "../../assets/components/camera.js";
import { deepView, flatView, screen } from "../../assets/components/view.js";

// A turned map as plotly.js 3 drew it on 909 by 566 pixels: its own matrices.
const LINK = "0.7_1.6_0.9_0.1_-0.05_0.02_0.1_0.2_0.95";
const ENDS = [[-1.3131218421459199, 0.4708198475837707], [-0.5127187919616699, 0.5004640769958496], [-0.3444821858406067, 0.5140310251712799]];
const SIZE = [909, 566];
const PLOTLY = {
  projection: [1.5032396879022791, 0, 0, 0, 0, 2.414213562373095, 0, 0, 0, 0, -1.000020000200002, -1, 0, 0, -0.020000200002000017, 0],
  view: [-0.9444765630649915, -0.12093308717787167, 0.30551466453604326, 0, 0.32715609299125087, -0.4325403025487988, 0.8401653274741192, 0,
    0.030543618640262088, 0.8934674449002735, 0.44808817465286344, 0, 0.11019458858325665, -0.027403055307657742, -1.961404146321398, 1],
  model: [1.4267626797804274, 0, 0, 0, 0, 0.8103244144938898, 0, 0, 0, 0, 0.6866225598191045, 0, 0.363774853879396, 0.00529258766428811, -0.07322504832129537, 1],
};
const SCALE = [0.6054009535276041, 1.0659477504897312, 1.2579887952184894];

const near = (found, wanted, by = 1e-6) => found.forEach((value, k) => assert.ok(Math.abs(value - wanted[k]) <= by, `${found} is not ${wanted}`));
const where = (view, place, [w, h] = SIZE) => screen(view.matrix(w, h), w, h)(place);
const CUBE = [[-1, 1], [-1, 1], [-1, 1]];
const FRONT = "0_-2_0_0_0_0_0_0_1"; // from the front: x to the right, z up

test("a place is where plotly puts it under the same link", () => {
  const scene = { dataScale: SCALE, glplot: { cameraParams: PLOTLY } };
  const plotly = spots({ clientWidth: SIZE[0], clientHeight: SIZE[1], _fullLayout: { scene: { domain: { y: [0, 1] }, _scene: scene } } }, false);
  const view = deepView(LINK, ENDS, false);
  for (const place of [[0, 0, 0], [0.3, -0.4, 0.5], [-1.2, 0.4, -0.3], [0.4, 0.5, 0.1]]) near(where(view, place), plotly(place), 0.05);
});

test("a view tells the link that it began with; without one it begins as plotly's maps do", () => {
  assert.equal(deepView(LINK, ENDS, false).text(), LINK);
  assert.equal(deepView("", CUBE, false).text(), "1.2_1.3_0.85_0_0_0_0_0_1");
  assert.equal(deepView("0.5_0.5_1", CUBE, true).text(), "1.74_1.885_1.232_0_0_0_0_0_1"); // a flat link tells a deep map nothing
});

test("what is near the eye is further from the middle, what is behind it is nowhere", () => {
  const view = deepView(FRONT, CUBE, false), [w, h] = [800, 400];
  near(where(view, [0, 0, 0], [w, h]), [400, 200]);
  const [close, far] = [[0.5, -1, 0], [0.5, 1, 0]].map((place) => where(view, place, [w, h])[0] - 400);
  assert.ok(close > far && far > 0);
  near(where(view, [0, 0, 0.5], [w, h]), [400, 200 - (200 * 2.414213562 * 0.25) / 2], 1e-4);
  assert.deepEqual(where(view, [0, -9, 0], [w, h]), [NaN, NaN]);
});

test("a hand to the right turns the front to the right, and half of the height is a quarter of a turn", () => {
  const view = deepView(FRONT, CUBE, false);
  view.turn(200, 0, 400);
  near(view.text().split("_").map(Number), [-2, 0, 0, 0, 0, 0, 0, 0, 1], 1e-3);
  const up = deepView(FRONT, CUBE, false);
  up.turn(0, 100, 400); // the hand goes down: one looks from above
  const [x, y, z] = up.text().split("_").map(Number);
  near([x, y, z], [0, -Math.SQRT2, Math.SQRT2], 1e-3);
});

test("turned all the way round everything stands where it stood, over the top too", () => {
  for (const [dx, dy] of [[100, 0], [0, 100], [70, -70]]) {
    const view = deepView(LINK, ENDS, false), before = where(view, [0.3, -0.4, 0.5]);
    const whole = (2 * 400) / Math.hypot(dx, dy);
    if (dx && dy) continue;
    for (let k = 0; k < whole; k++) view.turn(dx, dy, 400);
    near(where(view, [0.3, -0.4, 0.5]), before, 1e-6);
  }
  const view = deepView(FRONT, CUBE, false);
  for (let k = 0; k < 50; k++) view.turn(13, -7, 400);
  near([Math.hypot(...view.text().split("_").slice(0, 3).map(Number))], [2], 2e-3);
});

test("what is looked at moves with the hand, pixel by pixel", () => {
  const view = deepView(LINK, CUBE, false), centre = [0, 0, 0].map((_, k) => [0.1, -0.05, 0.02][k] * 2); // a cube of side 2 is drawn as one of 1
  near(where(view, centre), [SIZE[0] / 2, SIZE[1] / 2], 1e-6);
  view.pan(40, -25, SIZE[1]);
  near(where(view, centre), [SIZE[0] / 2 + 40, SIZE[1] / 2 - 25], 1e-6);
});

test("twice as near is half as far, never into the middle nor out of sight", () => {
  const far = (view) => Math.hypot(...view.text().split("_").slice(0, 3).map(Number));
  const view = deepView(FRONT, CUBE, false);
  view.near(2);
  near([far(view)], [1], 1e-3);
  view.near(1e9);
  near([far(view)], [0.05], 1e-3);
  view.near(1e-9);
  near([far(view)], [40], 1e-3);
  view.reset();
  assert.equal(view.text(), "1.2_1.3_0.85_0_0_0_0_0_1");
});

test("a flat map shows all of itself in one scale, then the window of a link", () => {
  const ends = [[0, 8], [0, 2]], all = flatView("", ends), size = [800, 400];
  near(where(all, [4, 1], size), [400, 200]);
  near(where(all, [8, 2], size), [800, 100]);
  assert.equal(all.text(), "");
  const tall = flatView("", [[0, 2], [0, 8]]); // as high as the screen allows
  near(where(tall, [1, 8], size), [400, 0]);
  const part = flatView("0.25_0.5_0.5", ends);
  near(where(part, [2, 1], size), [400, 200]);
  near(where(part, [4, 1], size), [800, 200]);
  assert.equal(part.text(), "0.25_0.5_0.5");
});

test("a flat map moves with the hand and comes nearer around its middle", () => {
  const ends = [[0, 8], [0, 4]], view = flatView("", ends), size = [800, 400];
  view.turn(100, 50, 400, 800);
  near(where(view, [4, 2], size), [500, 250]);
  view.near(2, 800, 400);
  near(where(view, [4, 2], size), [600, 300]);
  assert.equal(view.text(), "0.375_0.625_0.5");
  view.reset();
  assert.equal(view.text(), "");
  near(where(view, [4, 2], size), [400, 200]);
});
