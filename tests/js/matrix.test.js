import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { half } from "../../assets/components/matrix.js";
import picture from "../../assets/components/picture.js";
import { click, clock, key, lay, mount, page, pointer, put } from "./page.js";

const HTML = '<div class="atlas"><div class="chip" aria-live="polite"></div><div class="stage"></div><div class="tip" role="tooltip" hidden></div></div>';
// 16-bit floats: 1, 0.3333, NaN; 0.25, 0, 65504
const VALUES = btoa(String.fromCharCode(0x00, 0x3c, 0x55, 0x35, 0x00, 0x7e, 0x00, 0x34, 0x00, 0x00, 0xff, 0x7b));
const grid = (more = "") => `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60"><g class="matrix" data-x="10" data-y="20" data-cell="10"
  data-rows="q0 q1" data-columns="k0 k1 k2" data-row-labels='["the","&lt;b>"]' data-column-labels='["a","b","c"]'
  data-values="${VALUES}" data-keep="" ${more}><rect/></g><text data-id="q1">two</text></svg>`;
const data = (svg = grid('data-format="percent" data-quantity="weight"')) => ({ svg, digest: "d", alt: "", height: null, locked: null, seq: 0, report: false, twice: false, marked: null });

beforeEach(() => {
  page();
  clock();
  // Without layout: a pixel of the screen is a unit of the picture.
  put("DOMPoint", class { constructor(x, y) { Object.assign(this, { x, y }); } matrixTransform() { return this; } });
});

function drawn(svg) {
  const one = mount(picture, HTML, data(svg));
  one.grid = one.find("g.matrix");
  one.grid.getScreenCTM = () => ({ inverse: () => ({}) });
  one.at = (row, column) => ({ clientX: 10 + 10 * column + 5, clientY: 20 + 10 * row + 5 });
  return one;
}

const box = (node) => ["x", "y", "width", "height"].map((name) => Number(node.getAttribute(name)));

test("16-bit floats are read exactly, with the smallest, the endless and what is no number", () => {
  const bits = [0x3c00, 0xc000, 0x3555, 0x0001, 0x83ff, 0x7bff, 0x7c00, 0xfc00, 0x0000];
  const view = new DataView(new Uint16Array([...bits, 0x7e00]).buffer);
  const values = bits.map((_, i) => half(view, 2 * i));
  assert.deepEqual(values, [1, -2, 0.333251953125, 2 ** -24, -1023 * 2 ** -24, 65504, Infinity, -Infinity, 0]);
  assert.ok(Number.isNaN(half(view, 2 * bits.length)));
});

test("a cell tells its row, its column and its exact value, masked where there is none", () => {
  const one = drawn(), tip = one.find(".tip");
  const told = [[0, 0], [0, 1], [0, 2], [1, 1]].map(([row, column]) => {
    pointer(one.grid, "pointermove", one.at(row, column));
    return tip.textContent;
  });
  assert.deepEqual(told, ["the → a\nweight 100 %", "the → b\nweight 33.3 %", "the → c\nweight masked", "<b> → b\nweight 0.00 %"]);
  assert.equal(tip.children.length, 0);
});

test("numbers that are no shares are written short, without a quantity too", () => {
  const one = drawn(grid('data-format="number"'));
  pointer(one.grid, "pointermove", one.at(1, 2));
  assert.equal(one.find(".tip").textContent, "<b> → c\n 65500");
});

test("pointing at a cell outlines it, frames its row and column and lights what shares their ids", () => {
  const one = drawn();
  pointer(one.grid, "pointermove", one.at(1, 2));
  assert.deepEqual(box(one.find(".mark")), [30, 30, 10, 10]);
  assert.deepEqual(one.all(".band").map(box), [[10, 30, 30, 10], [30, 20, 10, 20]]);
  assert.ok(one.find("[data-id=q1]").classList.contains("lit"));
  pointer(one.find(".stage"), "pointerleave");
  assert.equal(one.all(".mark, .band").length, 0);
});

test("a pointer beside the cells points at nothing", () => {
  const one = drawn();
  pointer(one.grid, "pointermove", { clientX: 5, clientY: 25 });
  pointer(one.grid, "pointermove", one.at(2, 0));
  assert.equal(one.find(".tip").hidden, true);
  click(one.grid, one.at(0, 3));
  assert.deepEqual(one.told, []);
});

test("a click locks a row and a column together, a second click on the cell unlocks", () => {
  const one = drawn();
  click(one.grid, one.at(1, 0));
  assert.equal(one.find(".chip span").textContent, "Pinned: <b> → a");
  click(one.grid, one.at(1, 0));
  assert.deepEqual(one.told.map(([, lock]) => lock.ids), ["q1 k0", null]);
});

test("arrows walk from cell to cell and leave the matrix at its edge", () => {
  const one = drawn();
  lay(one.grid, 10, 20, 30, 20);
  lay(one.find("[data-id=q1]"), 0, 80, 40, 10);
  assert.equal(one.grid.getAttribute("aria-label"), "matrix of 2 by 3: arrows walk");
  one.grid.focus();
  for (const name of ["ArrowRight", "ArrowDown"]) assert.equal(key(one.grid, name).defaultPrevented, true);
  assert.equal(one.find(".tip").textContent, "<b> → b\nweight 0.00 %");
  key(one.grid, "Enter");
  assert.deepEqual(one.told, [["lock", { ids: "q1 k1", seq: 1 }]]);
  assert.equal(key(one.grid, "ArrowDown").defaultPrevented, true);
  assert.equal(document.activeElement, one.find("[data-id=q1]"));
  key(document.activeElement, "ArrowUp");
  assert.equal(document.activeElement, one.grid);
});
