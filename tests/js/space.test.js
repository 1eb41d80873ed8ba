import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import cloud from "../../assets/components/cloud.js";
import space from "../../assets/components/space.js";
import { packed } from "./clouds.js";
import { click, clock, key, lay, mount, page, pointer, put, settle } from "./page.js";

const HTML = '<div class="space atlas"><div class="plot"></div><div class="labels"></div><svg class="ink" aria-hidden="true"><path/></svg>'
  + '<div class="tools" role="toolbar" aria-label="Map"></div><div class="note" role="status"></div></div>';
const BOTH = ["#111111", "#eeeeee"];
const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const HOSTILE = '<img src=x onerror="1">&';

// Four points, the last of another class: at (0, 0), (0.5, 0), (0, 0.5), (-0.5, -0.5).
const base64 = (array) => btoa(String.fromCharCode(...new Uint8Array(array.buffer)));
const CLOUD = {
  digest: "c1", places: new Int16Array([0, 0, 0, 50, 0, 0, 0, 50, 0, -50, -50, 0]), scale: 0.01,
  classes: new Uint8Array([0, 0, 0, 1]), names: ["origin", "right", "up", HOSTILE],
  legend: [{ name: "word", colour: BOTH }, { name: "sign", colour: BOTH }], ids: "v",
};
const group = (more = {}) => ({ name: "this text", ids: ["t0", "t1"], places: [[0.2, 0.2, 0], [-0.2, 0.2, 0]], texts: ["sea", "boy"], colour: BOTH, colours: null, size: 7, symbol: "circle", ...more });
const data = (more = {}) => ({
  cloud: "c1", axes: ["PC 1", "PC 2", "PC 3"], marks: [group()], labels: [{ id: "t0", place: [0.2, 0.2, 0], text: "sea", kind: "own" }],
  flat: false, dot: { size: 2.4, opacity: 0.5 }, paths: [], only: null, chosen: null, camera: "",
  colours: { ink: BOTH, muted: BOTH, line: BOTH, paper: BOTH }, height: 600, lit: [], frames: null, pace: 700, select: true, seq: 0, ...more,
});

// What plotly.js would draw is kept; its camera looks straight down on a plot of 1000 by 1000.
let time, reacts, purged, camera, width, height;
beforeEach(() => {
  page();
  [width, height] = [1000, 1000];
  Object.defineProperty(HTMLElement.prototype, "clientWidth", { get: () => width });
  Object.defineProperty(HTMLElement.prototype, "clientHeight", { get: () => height });
  time = clock();
  reacts = [];
  purged = 0;
  camera = { eye: { x: 1, y: 2, z: 3 }, center: { x: 0, y: 0, z: 0 }, up: { x: 0, y: 0, z: 1 } };
  put("ResizeObserver", class { observe() {} });
  put("matchMedia", () => ({ matches: false }));
  put("atlasWebgl", true);
  globalThis.Plotly = {
    async react(plot, traces, layout, config) {
      reacts.push({ traces, layout, config });
      plot.heard ??= {};
      Object.assign(plot, { data: traces, on: (name, act) => (plot.heard[name] = act) });
      const axis = (range) => ({ range: range ?? [-0.6, 0.6], autorange: !range, _offset: 0, l2p: (v) => 500 + 500 * v });
      plot._fullLayout = layout.scene
        ? { scene: { domain: { y: [0, 1] }, _scene: { dataScale: [1, 1, 1], getCamera: () => camera, glplot: { cameraParams: { projection: IDENTITY, view: IDENTITY, model: IDENTITY } } } } }
        : { xaxis: axis(layout.xaxis.range), yaxis: axis(layout.yaxis.range) };
    },
    purge: () => (purged += 1),
  };
});

async function map(more, before = () => {}) {
  mount(cloud, "<div hidden></div>", packed(CLOUD));
  const one = mount(space, HTML, data(more));
  one.plot = one.find(".plot");
  one.find(".ink").setPointerCapture = () => {};
  lay(one.find(".ink"), 30, 40, 1000, 1000);
  before(one);
  await settle();
  one.plot.heard?.plotly_relayout?.();
  one.tool = (name) => one.find(`[data-tool=${name}]`);
  one.labels = () => one.all(".labels button").map((node) => node.textContent);
  return one;
}

const drag = (one, ...way) => {
  const ink = one.find(".ink"), at = ([x, y]) => ({ clientX: 30 + x, clientY: 40 + y });
  pointer(ink, "pointerdown", at(way[0]));
  for (const place of way.slice(1)) pointer(ink, "pointermove", at(place));
  pointer(ink, "pointerup", at(way.at(-1)));
};

test("what a lesson points at is ringed at its place, and follows the camera", async () => {
  const one = await map({ rings: [{ id: "t0", name: "word:sea", place: [0.2, 0.2, 0] }] });
  const rings = one.all(".labels .ring");
  assert.deepEqual(rings.map((node) => node.dataset.highlight), ["word:sea"]);
  assert.equal(rings[0].getAttribute("aria-hidden"), "true");
  assert.equal(rings[0].style.transform, "translate(600.0px, 400.0px) translate(-50%, -50%)");
  one.show(data({ labels: [], rings: [] }));
  await settle();
  assert.equal(one.all(".labels .ring").length, 0);
});

test("the map waits for its points and for plotly.js, says so, and gives up with a sentence", async () => {
  const one = mount(space, HTML, data()), note = one.find(".note");
  assert.deepEqual([note.textContent, note.hidden], ["Drawing the map…", false]);
  await time.pass(1000);
  mount(cloud, "<div hidden></div>", packed(CLOUD));
  await time.pass(100);
  assert.equal(reacts.length, 1);
  assert.equal(note.hidden, true);
  delete globalThis.atlasClouds;
  const other = mount(space, HTML, data({ cloud: "gone" }));
  await time.pass(31_000);
  assert.equal(other.find(".note").textContent, "The map could not be loaded. Reload the page.");
});

test("each class is a trace of its points, the marks stand above them", async () => {
  await map({ marks: [group({ colours: [BOTH, ["#222222", "#dddddd"]] })] });
  const [{ traces, layout }] = reacts;
  assert.deepEqual(traces.map((trace) => [trace.name, trace.type, trace.x.length]), [["word", "scatter3d", 3], ["sign", "scatter3d", 1], ["this text", "scatter3d", 2]]);
  assert.deepEqual([traces[0].x, traces[0].y, traces[0].z], [[0, 0.5, 0], [0, 0, 0.5], [0, 0, 0]]);
  assert.deepEqual(traces[2].marker.color, ["#111111", "#222222"]);
  assert.equal(layout.scene.xaxis.title.text, "PC 1");
  assert.deepEqual(layout.scene.xaxis.range, [-0.54, 0.54]);
});

test("nothing is offered that would send the map to an address outside", async () => {
  await map();
  const { config } = reacts[0];
  assert.deepEqual([config.showSendToCloud, config.plotlyServerURL], [false, ""]);
  assert.ok(config.modeBarButtonsToRemove.includes("sendChartToCloud"));
  assert.deepEqual([config.displaylogo, config.responsive, config.scrollZoom], [false, true, true]);
});

test("dark pages have dark colours", async () => {
  await map({}, (one) => {
    one.find(".atlas").style.setProperty("--st-background-color", "rgb(14, 17, 23)");
    one.show(data());
  });
  assert.equal(reacts.at(-1).traces[0].marker.color, "#eeeeee");
  assert.equal(reacts.at(-1).layout.font.color, "#eeeeee");
});

test("hover texts are escaped, as plotly reads a little HTML, and labels are text", async () => {
  const one = await map({ labels: [{ id: "t0", place: [0.2, 0.2, 0], text: HOSTILE, kind: "own" }] });
  assert.deepEqual(reacts[0].traces[1].text, ['&lt;img src=x onerror="1">&amp;']);
  assert.equal(one.labels()[0], HOSTILE);
  assert.equal(one.all("img").length, 0);
});

test("ways are lines without names, as wide as they are told", async () => {
  await map({ paths: [{ places: [[0, 0, 0], [1, 1, 1]], colour: BOTH }, { places: [[0, 0, 0]], colour: BOTH, width: 5 }] });
  const ways = reacts[0].traces.slice(2, 4);
  assert.deepEqual(ways.map(({ mode, line, showlegend, hoverinfo }) => [mode, line.width, showlegend, hoverinfo]), [["lines", 3, false, "skip"], ["lines", 5, false, "skip"]]);
});

test("names wait until plotly has a camera", async () => {
  const draw = globalThis.Plotly.react;
  let scene;
  globalThis.Plotly.react = async (plot, ...all) => {
    await draw(plot, ...all);
    scene = plot._fullLayout.scene._scene;
    plot._fullLayout.scene._scene = undefined;
  };
  const one = await map();
  assert.equal(one.plot.heard.plotly_hover, undefined);
  one.plot._fullLayout.scene._scene = scene;
  await time.frame();
  assert.equal(typeof one.plot.heard.plotly_hover, "function");
});

test("a flat map has two axes of one scale and larger points", async () => {
  await map({ flat: true });
  const [{ traces, layout }] = reacts;
  assert.deepEqual([traces[0].type, traces[0].z, traces[0].marker.size], ["scattergl", undefined, 2.4 * 1.6]);
  assert.deepEqual([layout.scene, layout.yaxis.scaleanchor, layout.xaxis.range], [undefined, "x", undefined]);
});

test("points shown alone are larger, keep their ids and move nothing", async () => {
  const one = await map({ only: [2, 3] });
  const [{ traces, layout }] = reacts;
  assert.deepEqual(traces.slice(0, 2).map((trace) => trace.x), [[0], [-0.5]]);
  assert.equal(traces[0].marker.size, 4.5);
  assert.deepEqual(layout.scene.xaxis.range, [-0.54, 0.54]);
  one.plot.heard.plotly_hover({ points: [{ curveNumber: 1, pointNumber: 0 }] });
  pointer(one.plot, "pointerdown");
  pointer(one.plot, "pointerup");
  assert.deepEqual(one.told, [["pick", { id: "v3", seq: 1 }]]);
});

test("points that are pointed out come as bits and stand on their own", async () => {
  await map({ lit: [{ name: "in the area", bits: base64(new Uint8Array([0b1010])), colour: BOTH, size: 5, symbol: "circle" }] });
  const trace = reacts[0].traces[2];
  assert.deepEqual([trace.name, trace.x, trace.y], ["in the area", [0.5, -0.5], [0, -0.5]]);
});

test("a click picks the point under the pointer, on the chosen one it lets go, a turn picks none", async () => {
  const one = await map({ chosen: "t1" });
  const press = (from, to = from) => {
    pointer(one.plot, "pointerdown", { clientX: from, clientY: 0 });
    pointer(one.plot, "pointerup", { clientX: to, clientY: 0 });
  };
  press(10);
  one.plot.heard.plotly_hover({ points: [{ curveNumber: 2, pointNumber: 0 }] });
  press(10);
  press(10, 15);
  pointer(one.plot, "pointerdown", { clientX: 10, clientY: 90 });
  pointer(one.plot, "pointerup", { clientX: 10, clientY: 100 });
  one.plot.heard.plotly_hover({ points: [{ curveNumber: 2, pointNumber: 1 }] });
  press(10);
  one.plot.heard.plotly_unhover();
  press(10);
  assert.deepEqual(one.told, [["pick", { id: "t0", seq: 1 }], ["pick", { id: null, seq: 2 }]]);
});

test("a click on plotly's own buttons or legend picks nothing", async () => {
  const one = await map();
  const legend = one.plot.appendChild(document.createElement("div"));
  legend.className = "legend";
  one.plot.heard.plotly_hover({ points: [{ curveNumber: 2, pointNumber: 0 }] });
  pointer(legend, "pointerdown");
  pointer(legend, "pointerup");
  assert.deepEqual(one.told, []);
});

test("labels stand above their places, never over another, and can be pressed", async () => {
  const near = [0.21, 0.2, 0];
  const one = await map({ labels: [{ id: "t0", place: [0.2, 0.2, 0], text: "sea", kind: "own" }, { id: "n1", place: near, text: "ocean", kind: "near" }] });
  assert.equal(one.labels()[0], "sea");
  assert.ok(!one.labels().includes("ocean"));
  assert.deepEqual(one.labels().slice(1).sort(), [HOSTILE, "origin", "right", "up"].sort());
  const label = one.find(".labels button");
  assert.equal(label.style.transform, "translate(600.0px, 386.0px) translate(-50%, -50%)");
  click(label);
  assert.deepEqual(one.told, [["pick", { id: "t0", seq: 1 }]]);
});

test("the legend has its share of the height, on a narrow screen in two rows of a list", async () => {
  const lit = [{ name: "in the area", bits: "", colour: BOTH, size: 5, symbol: "circle" }];
  height = 500; // a low screen's map is lower than it was asked to be
  await map({ lit });
  assert.deepEqual(reacts[0].layout.scene.domain.y, [34 / 500, 1]);
  const before = reacts[0].layout.scene.camera.eye;
  width = 390;
  await map({ lit });
  assert.deepEqual(reacts.at(-1).layout.scene.domain.y, [(12 + 21 * 2) / 500, 1]);
  assert.equal(reacts.at(-1).layout.scene.camera.eye.x / before.x, 1.45);
});

test("labels follow while the map is turned", async () => {
  const one = await map();
  one.plot._fullLayout.scene._scene.glplot.cameraParams = { projection: IDENTITY, model: IDENTITY, view: IDENTITY.map((v, i) => (i === 0 ? -1 : v)) };
  one.plot.heard.plotly_relayouting();
  await time.frame();
  assert.equal(one.find(".labels button").style.transform, "translate(400.0px, 386.0px) translate(-50%, -50%)");
});

test("a run that changes nothing draws nothing, another selection draws once", async () => {
  const one = await map();
  one.show(data({ seq: 3 }));
  await settle();
  assert.equal(reacts.length, 1);
  one.show(data({ chosen: "t0" }));
  await settle();
  assert.equal(reacts.length, 2);
});

test("the camera is told once it rests, and only if it was turned", async () => {
  const one = await map({ camera: "1_2_3_0_0_0_0_0_1" }), { plotly_relayout: relayout } = one.plot.heard;
  relayout({ "scene.camera": {} });
  await time.pass(600);
  relayout({ autosize: true });
  await time.pass(600);
  assert.deepEqual(one.told, []);
  camera = { ...camera, eye: { x: 1.23456, y: 2, z: 3 } };
  relayout({ "scene.camera": {} });
  await time.pass(599);
  relayout({ "scene.camera": {} });
  await time.pass(599);
  assert.deepEqual(one.told, []);
  await time.pass(1);
  assert.deepEqual(one.told, [["camera", { view: "1.235_2_3_0_0_0_0_0_1", seq: 1 }]]);
});

test("the camera of a link is taken, what the person turned to afterwards stays", async () => {
  const one = await map({ camera: "3_2_1_0_0_0_0_0_1" });
  assert.deepEqual(reacts[0].layout.scene.camera, { eye: { x: 3, y: 2, z: 1 }, center: { x: 0, y: 0, z: 0 }, up: { x: 0, y: 0, z: 1 } });
  one.show(data({ camera: "3_2_1_0_0_0_0_0_1", chosen: "t0" }));
  await settle();
  assert.equal(reacts[1].layout.scene.camera, camera);
});

test("an older answer does not turn the camera back, another link does", async () => {
  const one = await map();
  camera = { ...camera, eye: { x: 9, y: 2, z: 3 } };
  one.plot.heard.plotly_relayout({ "scene.camera": {} });
  await time.pass(600);
  one.show(data({ camera: "5_5_5_0_0_0_0_0_1", seq: 0 }));
  await settle();
  assert.equal(reacts.length, 1);
  one.show(data({ camera: "5_5_5_0_0_0_0_0_1", seq: 1 }));
  await settle();
  assert.deepEqual(reacts[1].layout.scene.camera.eye, { x: 5, y: 5, z: 5 });
});

test("a flat map tells the middle and the width of what is in sight, and a link brings it back", async () => {
  const one = await map({ flat: true });
  Object.assign(one.plot._fullLayout.xaxis, { autorange: false, range: [-0.27, 0.27] });
  Object.assign(one.plot._fullLayout.yaxis, { autorange: false, range: [0, 0.54] });
  one.plot.heard.plotly_relayout({ "xaxis.range[0]": 0 });
  await time.pass(600);
  assert.deepEqual(one.told, [["camera", { view: "0.5_0.75_0.5", seq: 1 }]]);
  one.root.remove();
  await map({ flat: true, camera: "0.5_0.75_0.5" });
  const { xaxis, yaxis } = reacts.at(-1).layout;
  assert.deepEqual([xaxis.range, yaxis.range].flat().map((v) => +v.toFixed(6)), [-0.27, 0.27, 0, 0.54]);
});

test("a box around points tells them as bits and the marks by name, what is hidden left out", async () => {
  const one = await map();
  click(one.tool("box"));
  assert.equal(one.tool("box").getAttribute("aria-pressed"), "true");
  assert.ok(one.find(".ink").classList.contains("on"));
  drag(one, [480, 210], [800, 520]); // right of and above the middle: origin, right, up; t0
  assert.deepEqual(one.told, [["area", { bits: base64(new Uint8Array([0b0111])), ids: ["t0"], seq: 1 }]]);
  assert.equal(one.find(".ink").classList.contains("on"), false);
  one.plot.data[0].visible = "legendonly";
  click(one.tool("box"));
  drag(one, [0, 0], [999, 999]);
  assert.deepEqual(one.told[1], ["area", { bits: base64(new Uint8Array([0b1000])), ids: ["t0", "t1"], seq: 2 }]);
});

test("a line drawn around points takes those inside it", async () => {
  const one = await map();
  click(one.tool("lasso"));
  pointer(one.find(".ink"), "pointerdown", { clientX: 40, clientY: 60 });
  pointer(one.find(".ink"), "pointermove", { clientX: 41.04, clientY: 60 });
  assert.equal(one.find(".ink path").getAttribute("d"), "M10.0,20.0L11.0,20.0Z");
  drag(one, [700, 480], [800, 480], [800, 520], [700, 520]);
  assert.equal(one.find(".ink path").getAttribute("d"), "");
  assert.deepEqual(one.told, [["area", { bits: base64(new Uint8Array([0b0010])), ids: [], seq: 1 }]]);
});

test("Esc and a second press put a tool away", async () => {
  const one = await map();
  click(one.tool("box"));
  key(one.tool("box"), "Escape");
  assert.equal(one.find(".ink").classList.contains("on"), false);
  click(one.tool("lasso"));
  click(one.tool("lasso"));
  assert.equal(one.find(".ink").classList.contains("on"), false);
  drag(one, [0, 0], [999, 999]);
  assert.equal(one.told.length, 1); // without a tool the ink lies under the map and hears nothing
});

test("a map without areas and ways has no tools", async () => {
  assert.equal((await map({ select: false })).all(".tools button").length, 0);
});

test("the focus stays on a tool whose row is made anew", async () => {
  const one = await map();
  one.tool("lasso").focus();
  click(one.tool("lasso"));
  assert.equal(document.activeElement, one.tool("lasso"));
});

const WAY = { t0: [[0, 0, 0], [0.2, 0, 0], [0.4, 0.1, 0]] };

test("played, marks go their way through the layers with a trail, and the last layer is told", async () => {
  const one = await map({ frames: WAY });
  assert.equal(one.tool("play").getAttribute("aria-label"), "Play the way through the layers");
  click(one.tool("play"));
  await settle();
  await time.frame(350);
  const { traces } = reacts.at(-1);
  assert.deepEqual(traces.at(-1).x, [0.1, -0.2]);
  assert.deepEqual([traces[2].mode, traces[2].x], ["lines", [0, 0.1]]);
  assert.equal(one.find(".tools").textContent, "▭◯■after layer 0");
  assert.equal(one.tool("play").getAttribute("aria-label"), "Stop");
  await time.frame(700);
  assert.match(one.find(".tools").textContent, /after layer 1$/);
  assert.deepEqual([reacts.at(-1).traces.at(-1).x[0], reacts.at(-1).traces.at(-1).y[0]].map((v) => +v.toFixed(6)), [0.3, 0.05]);
  assert.deepEqual(one.told, []);
  await time.frame(700);
  assert.deepEqual(one.told, [["played", { layer: 2, seq: 1 }]]);
  assert.deepEqual(reacts.at(-1).traces.at(-1).x, [0.2, -0.2]);
  assert.equal(one.find(".tools").textContent, "▭◯▶");
});

test("a trail has the colour of its own mark, also beside marks that stand still", async () => {
  const one = await map({ frames: { t1: WAY.t0 }, marks: [group({ colours: [BOTH, ["#222222", "#dddddd"]] })] });
  click(one.tool("play"));
  await settle();
  assert.equal(reacts.at(-1).traces[2].line.color, "#222222");
});

test("stopped, the play tells nothing and the marks stand where the data says", async () => {
  const one = await map({ frames: WAY });
  click(one.tool("play"));
  await time.frame(350);
  click(one.tool("play"));
  await time.frame(5000);
  assert.deepEqual(one.told, []);
  assert.deepEqual(reacts.at(-1).traces.at(-1).x, [0.2, -0.2]);
});

test("who asked for less motion sees the way layer by layer", async () => {
  put("matchMedia", () => ({ matches: true }));
  const one = await map({ frames: WAY });
  click(one.tool("play"));
  await settle();
  await time.frame(1050);
  assert.deepEqual(reacts.at(-1).traces.at(-1).x, [0.2, -0.2]);
});

test("a map that is taken off the page is cleared, also in the middle of a drawing", async () => {
  const one = await map();
  one.stop();
  assert.equal(purged, 1);
  one.plot.heard.plotly_relayout({ "scene.camera": {} });
  await time.pass(600);
  assert.deepEqual(one.told, []);
  const draw = globalThis.Plotly.react;
  let ready;
  globalThis.Plotly.react = async (...all) => { await new Promise((done) => (ready = done)); return draw(...all); };
  const late = mount(space, HTML, data());
  late.stop();
  assert.equal(purged, 1);
  ready();
  await settle();
  assert.equal(purged, 2);
  assert.equal(late.all(".labels button").length, 0);
});
