// A row of a list goes where it is dropped, or where an arrow key puts it, and nowhere else.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import grip from "../../assets/components/grip.js";
import { key, lay, mount, page, pointer } from "./page.js";

const HTML = '<div class="grip"><button type="button"></button><p></p></div>';
let rows, grips;

beforeEach(() => {
  page();
  rows = [1, 2, 3].map((n) => {
    document.body.insertAdjacentHTML("beforeend", `<div class="st-key-example-row-${n}"></div>`);
    lay(document.body.lastElementChild, 0, 100 + 40 * n, 300, 40);
    return document.body.lastElementChild;
  });
  grips = [1, 2, 3].map((place) => mount(grip, HTML, { list: "example", place, count: 3, seq: 0, label: `Move ${place}` }));
});

const button = (n) => grips[n - 1].find("button");
const told = (n) => grips[n - 1].told.map(([name, value]) => [name, value.from, value.to]);

test("a drag says where the row is let go, and shows it before", () => {
  pointer(button(1), "pointerdown", { clientY: 160 });
  pointer(button(1), "pointermove", { clientY: 230 });
  assert.equal(rows[2].style.boxShadow !== "", true);
  assert.equal(rows[0].style.opacity, "0.5");
  assert.deepEqual(told(1), []);
  pointer(button(1), "pointerup", { clientY: 230 });
  assert.deepEqual(told(1), [["moved", 1, 3]]);
  assert.equal(rows.some((row) => row.style.boxShadow || row.style.opacity), false);
});

test("above and below all rows it is the first and the last place", () => {
  for (const [at, place] of [[-50, 1], [900, 3]]) {
    pointer(button(2), "pointerdown", { clientY: 200 });
    pointer(button(2), "pointermove", { clientY: at });
    pointer(button(2), "pointerup", { clientY: at });
    assert.deepEqual(told(2).at(-1), ["moved", 2, place]);
  }
});

test("a press without a way, a drag home and a drag given up move nothing", () => {
  pointer(button(2), "pointerdown", { clientY: 200 });
  pointer(button(2), "pointerup", { clientY: 200 });
  pointer(button(2), "pointerdown", { clientY: 200 });
  pointer(button(2), "pointermove", { clientY: 230 });
  pointer(button(2), "pointermove", { clientY: 201 });
  pointer(button(2), "pointerup", { clientY: 201 });
  pointer(button(2), "pointerdown", { clientY: 200 });
  pointer(button(2), "pointermove", { clientY: 230 });
  key(button(2), "Escape");
  pointer(button(2), "pointerup", { clientY: 230 });
  assert.deepEqual(told(2), []);
});

test("arrow keys, Home and End move the row, and the focus goes with it", () => {
  button(1).focus();
  key(button(1), "ArrowDown");
  assert.deepEqual(told(1), [["moved", 1, 2]]);
  assert.equal(document.activeElement, button(2));
  assert.equal(grips[1].find("p").textContent, "Moved to place 2 of 3.");
  key(button(2), "End");
  assert.deepEqual(told(2), [["moved", 2, 3]]);
  key(button(3), "Home");
  assert.deepEqual(told(3), [["moved", 3, 1]]);
});

test("at the ends an arrow moves nothing, and other keys are the page's", () => {
  key(button(1), "ArrowUp");
  key(button(3), "ArrowDown");
  assert.equal(key(button(2), "Tab").defaultPrevented, false);
  assert.deepEqual([...told(1), ...told(2), ...told(3)], []);
});

test("the same move twice is told twice", () => {
  key(button(1), "ArrowDown");
  key(button(1), "ArrowDown");
  assert.deepEqual(grips[0].told.map(([, value]) => value.seq), [1, 2]);
});
