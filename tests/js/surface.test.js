import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { chosen } from "../../assets/components/area.js";
import cloud from "../../assets/components/cloud.js";
import painters from "../../assets/components/painters.js";
import space from "../../assets/components/space.js";
import keep from "../../assets/components/surface.js";
import { packed } from "./clouds.js";
import { click, clock, key, lay, mount, page, pointer, put, settle } from "./page.js";

const HTML = '<div class="space atlas"><div class="plot"></div><div class="labels"></div><svg class="ink" aria-hidden="true"><path/></svg>'
  + '<div class="tools" role="toolbar" aria-label="Map"></div><div class="note" role="status"></div></div>';
const BOTH = ["#111111", "#eeeeee"], SIGN = ["#aa0000", "#ffaaaa"], HOSTILE = '<img src=x onerror="1">&';
const COUNT = 4_001;

// Points at the middle, but for the last of class 1 far to the right, and one far to the left.
const places = new Int16Array(3 * COUNT);
places.set([100, 0, 0, -100, 0, 0, 0, 100, 0, 0, -100, 0, 0, 0, 100, 0, 0, -100], 3);
const CLOUD = { digest: "big", places, scale: 0.01, classes: new Uint8Array(COUNT), names: Array.from({ length: COUNT }, (_, i) => (i === 1 ? HOSTILE : `w${i}`)), ids: "v",
  legend: [{ name: "word", colour: BOTH }, { name: "sign", colour: SIGN }] };
CLOUD.classes[1] = 1;
const group = (more = {}) => ({ name: "this text", ids: ["t0"], places: [[0, 0.5, 0]], texts: ["&lt;b&gt;sea<br>token 1"], colour: BOTH, colours: null, size: 7, symbol: "circle", ...more });
const data = (more = {}) => ({
  cloud: "big", axes: ["PC 1", "PC 2", HOSTILE], marks: [group()], labels: [], flat: false, dot: { size: 2.4, opacity: 0.5 }, paths: [], only: null, chosen: null,
  camera: "0_-2_0_0_0_0_0_0_1", colours: { ink: BOTH, muted: BOTH, line: BOTH, paper: ["#ffffff", "#000000"] }, height: 600, lit: [], frames: null, pace: 700, select: true, seq: 0, ...more,
});

// A painter that keeps what it is given. Pens of the canvases beside it keep the texts they write.
let time, paints, given, table, written, slow, sizes;
beforeEach(() => {
  page();
  time = clock();
  [paints, given, table, written, slow, sizes] = [[], [], null, [], 0, []];
  Object.defineProperty(HTMLElement.prototype, "clientWidth", { get: () => 1000, configurable: true });
  Object.defineProperty(HTMLElement.prototype, "clientHeight", { get: () => 500, configurable: true });
  put("ResizeObserver", class { constructor(act) { sizes.push(act); } observe() {} disconnect() {} });
  put("matchMedia", () => ({ matches: false }));
  const pen = new Proxy({}, { get: (_, name) => (name === "measureText" ? () => ({ width: 10 }) : name === "createImageData" ? (width, height) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) }) : name === "fillText" ? (text) => written.push(text) : () => {}), set: () => true });
  document.defaultView.HTMLCanvasElement.prototype.getContext = (kind) => (kind === "2d" ? pen : null);
  for (const kept of ["atlasSurface", "atlasPainters", "atlasWebgl"]) delete globalThis[kept];
  painters({});
  keep({});
  globalThis.atlasPainters.gpu = () => ({
    name: "WebGL", lost: () => false, done: () => time.pass(slow), close: () => paints.push("closed"),
    layers: (wanted) => (given = wanted), hues: (wanted) => (table = [...wanted]), paint: (frame) => paints.push(frame),
  });
});

async function map(more) {
  mount(cloud, "<div hidden></div>", packed(CLOUD, 3));
  const one = mount(space, HTML, data(more));
  await settle();
  one.stage = one.find(".stage");
  lay(one.stage, 0, 0, 1000, 500);
  lay(one.find(".ink"), 0, 0, 1000, 500);
  one.find(".ink").setPointerCapture = () => {};
  one.entries = () => one.all(".legend button");
  one.see = async (x, y) => { pointer(one.stage, "pointermove", { clientX: x, clientY: y }); await time.frame(); return one.find(".card"); };
  return one;
}

// On the screen of 1000 by 500 from two units in front: where a place of the space lies.
const AT = { right: 639.7, middle: 500 };

test("many points are not plotly's: they come as one layer, with hues and the box around them", async () => {
  const one = await map();
  assert.equal(globalThis.Plotly, undefined);
  assert.equal(one.find(".note").hidden, true);
  assert.equal(given.length, 1);
  assert.equal(given[0].packed.length, 4 * COUNT);
  assert.deepEqual(table.slice(0, 8), [0x11, 0x11, 0x11, 0, 0xaa, 0, 0, 0]);
  assert.deepEqual(written, ["PC 1", "PC 2", HOSTILE]);
  assert.match(one.stage.getAttribute("aria-label"), /^Map of 4,001 points\. Drag or press the arrow keys/);
  assert.equal(one.all("img").length, 0);
});

test("few points are plotly's, unless the browser has no WebGL at all", async () => {
  const few = packed({ ...CLOUD, digest: "few", places: new Int16Array(6), classes: new Uint8Array(2), names: ["a", "b"] });
  mount(cloud, "<div hidden></div>", few);
  let reacts = 0;
  globalThis.Plotly = { react: async () => (reacts += 1), purge() {} };
  put("atlasWebgl", true);
  assert.equal(mount(space, HTML, data({ cloud: "few" })).all(".stage").length, 0);
  assert.equal(reacts, 1);
  delete globalThis.atlasWebgl;
  globalThis.atlasPainters.gpu = () => null;
  const bare = mount(space, HTML, data({ cloud: "few" }));
  await settle();
  assert.equal(bare.all(".stage").length, 1);
  assert.equal(bare.find(".soft").textContent, "Drawn without a GPU. ");
  assert.equal(reacts, 1);
});

test("what lies under the pointer is named, as text, and a click picks it", async () => {
  const one = await map();
  const card = await one.see(AT.right, 250);
  assert.deepEqual([card.hidden, card.textContent], [false, HOSTILE]);
  assert.equal(one.all("img").length, 0);
  pointer(one.stage, "pointerdown", { clientX: AT.right, clientY: 250 });
  pointer(one.stage, "pointerup", { clientX: AT.right, clientY: 250 });
  assert.deepEqual(one.told, [["pick", { id: "v1", seq: 1 }]]);
  assert.equal((await one.see(900, 40)).hidden, true);
  pointer(one.stage, "pointerdown", { clientX: 900, clientY: 40 });
  pointer(one.stage, "pointerup", { clientX: 900, clientY: 40 });
  assert.equal(one.told.length, 1);
});

test("a mark is found before the points under it, its lines read as they were meant", async () => {
  const one = await map({ marks: [group({ places: [[1, 0, 0]] })] });
  assert.equal((await one.see(AT.right, 250)).textContent, "<b>sea\ntoken 1");
  pointer(one.stage, "pointerdown", { clientX: AT.right, clientY: 250 });
  pointer(one.stage, "pointerup", { clientX: AT.right, clientY: 250 });
  assert.deepEqual(one.told, [["pick", { id: "t0", seq: 1 }]]);
});

test("a touch picks without a pointer that came before it", async () => {
  const one = await map();
  pointer(one.stage, "pointerdown", { clientX: AT.right, clientY: 250 });
  pointer(one.stage, "pointerup", { clientX: AT.right, clientY: 250 });
  assert.deepEqual(one.told, [["pick", { id: "v1", seq: 1 }]]);
});

const hold = (one, from, ...way) => {
  pointer(one.stage, "pointerdown", { clientX: from[0], clientY: from[1] });
  for (const [x, y, more] of way) pointer(one.stage, "pointermove", { clientX: x, clientY: y, ...more });
};

test("turned by the hand, the map tells its camera once it rests; a turn picks nothing", async () => {
  const one = await map();
  hold(one, [300, 250], [425, 250]);
  await time.frame();
  pointer(one.stage, "pointerup", { clientX: 425, clientY: 250 });
  await time.pass(200);
  assert.deepEqual(one.told, []);
  await time.pass(600);
  assert.deepEqual(one.told, [["camera", { view: "-1.414_-1.414_0_0_0_0_0_0_1", seq: 1 }]]);
});

test("with Shift or the mouse's other button the map moves, the wheel brings it nearer", async () => {
  for (const more of [{ shiftKey: true }, { buttons: 2 }]) {
    const one = await map();
    hold(one, [300, 250], [400, 250, more]);
    pointer(one.stage, "pointerup", { clientX: 400, clientY: 250 });
    await time.frame();
    await time.pass(800);
    const [x, y, , cx] = one.told[0][1].view.split("_").map(Number);
    assert.ok(x < -0.3 && x === cx && y === -2, one.told[0][1].view);
    one.stop();
  }
  const one = await map(), wheel = new Event("wheel", { bubbles: true, cancelable: true });
  wheel.deltaY = -500 * Math.log(1.25);
  one.find(".labels").dispatchEvent(wheel); // a name lies above the map
  assert.equal(wheel.defaultPrevented, true);
  await time.pass(800);
  assert.equal(one.told[0][1].view, "0_-1.6_0_0_0_0_0_0_1");
});

test("two fingers draw the map apart and move it", async () => {
  const one = await map(), finger = (kind, pointerId, x) => {
    const event = new MouseEvent(kind, { bubbles: true, clientX: x, clientY: 250 });
    Object.defineProperty(event, "pointerId", { value: pointerId });
    one.stage.dispatchEvent(event);
  };
  finger("pointerdown", 1, 450);
  finger("pointerdown", 2, 550);
  finger("pointermove", 2, 650); // twice as far apart
  finger("pointerup", 1, 450);
  finger("pointerup", 2, 650);
  await time.frame();
  await time.pass(800);
  const [x, y] = one.told[0][1].view.split("_").map(Number);
  assert.equal(y, -1);
  assert.ok(x < 0);
});

test("the keyboard turns, moves, comes nearer and shows everything", async () => {
  const one = await map(), view = async () => { await time.frame(); await time.pass(800); return one.told.at(-1)[1].view; };
  const pressed = key(one.stage, "ArrowRight");
  assert.equal(pressed.defaultPrevented, true);
  assert.equal(await view(), "-0.518_-1.932_0_0_0_0_0_0_1"); // fifteen degrees
  key(one.stage, "+");
  assert.equal(await view(), "-0.414_-1.545_0_0_0_0_0_0_1");
  key(one.stage, "ArrowUp", { shiftKey: true });
  assert.match(await view(), /^-0\.414_-1\.545_-0\.\d+_0_0_-0\.\d+_0_0_1$/);
  key(one.stage, "0");
  assert.equal(await view(), "1.2_1.3_0.85_0_0_0_0_0_1");
  assert.equal(key(one.stage, "Tab").defaultPrevented, false);
  assert.equal(key(one.stage, "+", { ctrlKey: true }).defaultPrevented, false); // the browser's own zoom
});

test("buttons do the same for who has no wheel", async () => {
  const one = await map(), [nearer, further, all] = one.all(".modebar button");
  assert.deepEqual([nearer, further, all].map((node) => node.getAttribute("aria-label")), ["Zoom in", "Zoom out", "Show everything"]);
  click(nearer);
  await time.pass(800);
  assert.equal(one.told.at(-1)[1].view, "0_-1.6_0_0_0_0_0_0_1");
  click(further);
  await time.pass(800);
  assert.equal(one.told.at(-1)[1].view, "0_-2_0_0_0_0_0_0_1");
  click(all);
  await time.pass(800);
  assert.equal(one.told.at(-1)[1].view, "1.2_1.3_0.85_0_0_0_0_0_1");
});

test("the camera of a link is taken, what the person turned to stays, another link is taken again", async () => {
  const one = await map(), seen = () => JSON.stringify(paints.at(-1).matrix);
  const first = seen();
  key(one.stage, "ArrowRight");
  await time.frame();
  await time.pass(800);
  const turned = seen();
  assert.notEqual(turned, first);
  one.show(data({ camera: one.told.at(-1)[1].view, seq: 1, chosen: "v1", marks: [group(), group({ ids: ["v1"], places: [[1, 0, 0]] })] }));
  await settle();
  assert.equal(seen(), turned);
  one.show(data({ seq: 1 }));
  await settle();
  assert.equal(seen(), first);
});

test("a slow machine turns some of the points and shows all of them once the hand rests", async () => {
  slow = 260; // milliseconds for all points
  const one = await map();
  assert.equal(paints.at(-1).share, 1);
  key(one.stage, "ArrowRight");
  await time.frame();
  const share = paints.at(-1).share;
  assert.ok(share < 0.15 && share > 0.05, String(share));
  await time.pass(200);
  assert.equal(paints.at(-1).share, 1);
  assert.equal(one.find(".soft").textContent, "Fewer points are shown while it turns.");
  for (let k = 0; k < 30; k++) { key(one.stage, "ArrowRight"); await time.frame(16); }
  assert.equal(paints.at(-1).share, 1); // it is faster than thought
  await time.pass(200);
  assert.equal(one.find(".soft").textContent, "");
});

test("labels follow in the same frame as the points", async () => {
  const one = await map({ labels: [{ id: "v1", place: [1, 0, 0], text: "right", kind: "own" }] });
  const x = () => Number(/translate\(([\d.]+)px/.exec(one.find(".labels button").style.transform)[1]);
  const before = x();
  assert.ok(Math.abs(before - AT.right) < 2, String(before));
  key(one.stage, "ArrowRight");
  await time.frame();
  await time.frame();
  assert.ok(x() < before - 2);
});

test("the legend hides a class and what a box takes then, a double click leaves one alone", async () => {
  const one = await map(), ink = one.find(".ink"), at = (x, y) => ({ clientX: x, clientY: y });
  const boxed = () => {
    click(one.find("[data-tool=box]"));
    for (const [kind, x, y] of [["pointerdown", AT.middle + 60, 200], ["pointermove", AT.right + 40, 300], ["pointerup", AT.right + 40, 300]]) pointer(ink, kind, at(x, y));
    return chosen(one.told.at(-1)[1].bits);
  };
  assert.deepEqual(one.entries().map((node) => node.textContent), ["word", "sign", "this text"]);
  assert.deepEqual(boxed(), [1]);
  click(one.entries()[1]);
  assert.equal(one.entries()[1].getAttribute("aria-pressed"), "false");
  assert.equal(given[0].packed.filter((value, k) => k % 4 === 3 && value < 0).length, 1);
  assert.equal((await one.see(AT.right, 250)).hidden, true);
  assert.deepEqual(boxed(), []);
  one.entries()[1].dispatchEvent(new Event("dblclick"));
  assert.deepEqual(one.entries().map((node) => node.getAttribute("aria-pressed")), ["false", "true", "false"]);
  one.entries()[1].dispatchEvent(new Event("dblclick"));
  assert.deepEqual(one.entries().map((node) => node.getAttribute("aria-pressed")), ["true", "true", "true"]);
});

test("points shown alone are larger and named in the legend by their classes alone", async () => {
  const one = await map({ only: [1] });
  assert.equal(given[0].size, 4.5);
  assert.equal(given[0].packed.filter((value, k) => k % 4 === 3 && value >= 0).length, 1);
  assert.deepEqual(one.entries().map((node) => node.textContent), ["sign", "this text"]);
});

test("points that are pointed out are a layer of their own, sent once", async () => {
  const bits = btoa(String.fromCharCode(0b1010)), lit = [{ name: "selected", bits, colour: ["#123456", "#123456"], size: 5, symbol: "diamond" }];
  const one = await map({ lit });
  const [, first] = given;
  assert.deepEqual([first.shape, first.packed.length, [...first.packed.subarray(0, 4)]], [1, 8, [100, 0, 0, 255]]);
  assert.deepEqual(table.slice(4 * 255, 4 * 255 + 3), [0x12, 0x34, 0x56]);
  one.show(data({ lit, chosen: "v1" }));
  await settle();
  assert.equal(given[1].packed, first.packed);
  assert.equal(given[0].packed.length, 4 * COUNT);
});

test("dark pages send other hues and the same points", async () => {
  const one = await map(), before = given[0].packed;
  one.find(".atlas").style.setProperty("--st-background-color", "rgb(14, 17, 23)");
  one.show(data());
  await settle();
  assert.deepEqual([table.slice(0, 3), paints.at(-1).paper], [[0xee, 0xee, 0xee], [0, 0, 0]]);
  assert.equal(given[0].packed, before);
});

test("a flat map is a window that a link brings back", async () => {
  const one = await map({ flat: true, camera: "" });
  assert.deepEqual(written, ["PC 1", "PC 2"]);
  hold(one, [300, 250], [400, 250]);
  pointer(one.stage, "pointerup", { clientX: 400, clientY: 250 });
  await time.frame();
  await time.pass(800);
  const [, { view }] = one.told[0], moved = JSON.stringify(paints.at(-1).matrix);
  assert.match(view, /^0\.\d+_0\.5_2$/);
  one.stop();
  await map({ flat: true, camera: view });
  JSON.parse(moved).forEach((value, k) => assert.ok(Math.abs(value - paints.at(-1).matrix[k]) < 2e-3));
});

test("a window of another size draws anew and tells nothing", async () => {
  const one = await map(), before = paints.length;
  for (const act of sizes) act();
  assert.equal(paints.length, before + 1);
  await time.pass(1000);
  assert.deepEqual(one.told, []);
});

test("a GPU that was lost gets its points anew", async () => {
  const one = await map(), make = globalThis.atlasPainters.gpu;
  let made = 0;
  globalThis.atlasPainters.gpu = (canvas) => { made += 1; return make(canvas); };
  const lost = await map();
  assert.equal(made, 1);
  lost.stop();
  globalThis.atlasPainters.gpu = (canvas) => { made += 1; return { ...make(canvas), lost: () => true }; };
  const other = await map();
  other.show(data({ chosen: "v1" }));
  await settle();
  assert.equal(made, 3);
  assert.equal(other.all("canvas").length, 3);
  one.stop();
});

test("a map that is taken off the page gives the GPU back and stops what it had under way", async () => {
  const one = await map();
  key(one.stage, "ArrowRight");
  one.stop();
  assert.equal(paints.at(-1), "closed");
  const before = paints.length, wheel = new Event("wheel", { bubbles: true, cancelable: true });
  one.find(".labels").dispatchEvent(wheel);
  assert.equal(wheel.defaultPrevented, false);
  await time.frame();
  await time.pass(2000);
  assert.equal(paints.length, before);
  assert.deepEqual(one.told, []);
});

test("from few points to many the drawing changes on the same place and the camera stays", async () => {
  const few = packed({ ...CLOUD, digest: "few", places: new Int16Array(6), classes: new Uint8Array(2), names: ["a", "b"] });
  mount(cloud, "<div hidden></div>", few);
  let purged = 0;
  put("atlasWebgl", true);
  globalThis.Plotly = { purge: () => (purged += 1), async react(plot, _, layout) {
    plot.on = () => {};
    plot.data = [];
    plot._fullLayout = { scene: { domain: { y: [0, 1] }, _scene: { dataScale: [1, 1, 1], getCamera: () => layout.scene.camera, glplot: { cameraParams: { projection: FLAT4, view: FLAT4, model: FLAT4 } } } } };
  } };
  const one = mount(space, HTML, data({ cloud: "few" }));
  await settle();
  mount(cloud, "<div hidden></div>", packed(CLOUD));
  one.show(data());
  await settle();
  assert.deepEqual([purged, one.all(".stage").length], [1, 1]);
  const matrix = JSON.stringify(paints.at(-1).matrix);
  one.stop();
  await map();
  assert.equal(JSON.stringify(paints.at(-1).matrix), matrix);
});
const FLAT4 = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
