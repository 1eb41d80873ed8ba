import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { gpu } from "../../assets/components/webgl.js";

// A GPU that keeps what it was told; whatever is not asked for below, it takes without a word.
let told, linked, unmasked;
const answers = {
  getExtension: (name) => ({ name, UNMASKED_RENDERER_WEBGL: "who", loseContext: () => told.push(["lost"]) }),
  getParameter: (name) => (name === "who" ? unmasked : name),
  getProgramParameter: () => linked,
  getUniformLocation: (_, name) => name,
  isContextLost: () => false,
};
const gl = new Proxy({}, {
  get: (_, name) => (/^[A-Z_0-9]+$/.test(name) ? name : (...given) => {
    told.push([name, ...given]);
    return answers[name]?.(...given) ?? (name.startsWith("create") ? { made: told.length } : undefined);
  }),
});
const canvas = { width: 900, height: 600, getContext: (kind) => (kind === "webgl2" ? gl : null) };
const asked = (name) => told.filter(([one]) => one === name).map(([, ...given]) => given);
const layer = (packed, more = {}) => ({ name: "", packed, size: 2, shape: 0, opacity: 1, ...more });
const frame = (more = {}) => ({ matrix: Array(16).fill(0), share: 1, depths: [1, 3], paper: [255, 0, 51], ...more });

beforeEach(() => [told, linked, unmasked] = [[], true, "Mesa Intel(R) UHD Graphics"]);

test("without WebGL 2, with a GPU in software and with a faulty driver there is no painter", () => {
  assert.equal(gpu({ getContext: () => null }), null);
  for (const name of ["ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)))", "llvmpipe (LLVM 15, 256 bits)", "Microsoft Basic Render Driver"]) {
    unmasked = name;
    assert.equal(gpu(canvas), null, name);
  }
  assert.equal(asked("loseContext").length + told.filter(([one]) => one === "lost").length, 3); // given back, there are few
  [unmasked, linked] = ["ANGLE (NVIDIA)", false];
  assert.equal(gpu(canvas), null);
});

test("a cloud goes to the GPU once and is one call a frame, of as many points as are asked for", () => {
  const painter = gpu(canvas), cloud = new Int16Array(4 * 1001), lit = new Int16Array(8);
  painter.layers([layer(cloud), layer(lit, { size: 5, shape: 1 })]);
  painter.paint(frame());
  painter.paint(frame({ share: 0.25 }));
  assert.deepEqual(asked("drawArrays"), [["POINTS", 0, 1001], ["POINTS", 0, 2], ["POINTS", 0, 251], ["POINTS", 0, 1]]);
  assert.deepEqual(asked("bufferData").map(([, packed]) => packed), [cloud, lit]);
  painter.layers([layer(cloud, { size: 4 })]);
  painter.paint(frame());
  assert.equal(asked("bufferData").length, 2);
  assert.equal(asked("deleteBuffer").length, 1);
  assert.deepEqual(asked("uniform1f").filter(([name]) => name === "size").map(([, size]) => size), [2, 5, 2, 5, 4]);
});

test("another theme sends a table of hues and the ground, and no point", () => {
  const painter = gpu(canvas), table = new Uint8Array(1024).fill(7);
  painter.layers([layer(new Int16Array(4))]);
  const before = asked("bufferData").length;
  painter.hues(table);
  painter.paint(frame());
  assert.equal(asked("texImage2D").at(-1).at(-1), table);
  assert.deepEqual(asked("uniform3f"), [["paper", 1, 0, 0.2]]);
  assert.equal(asked("bufferData").length, before);
});

test("a painter that is closed gives its place among the browser's few back", () => {
  gpu(canvas).close();
  assert.ok(told.some(([name]) => name === "lost"));
});
