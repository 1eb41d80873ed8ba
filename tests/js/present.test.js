// The keys of a presentation: whose they are, what they tell, and that they end with it.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import present from "../../assets/components/present.js";
import { page, put as set } from "./page.js";

let told, one;
beforeEach(() => {
  one?.();
  const window = page();
  set("MutationObserver", window.MutationObserver);
  set("dispatchEvent", window.dispatchEvent.bind(window));
  told = [];
  one = present({ data: { at: "1.2 1 question" }, setTriggerValue: (...it) => told.push(it) });
});

function press(key, node = document.body, more = {}) {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, composed: true, ...more });
  let reached = false;
  const hear = () => (reached = true);
  document.addEventListener("keydown", hear);
  node.dispatchEvent(event);
  document.removeEventListener("keydown", hear);
  return { taken: event.defaultPrevented, reached };
}
const put = (html) => (document.body.insertAdjacentHTML("beforeend", html), document.body.lastElementChild);

test("space, page down and the right arrow go on; page up, backspace and the left arrow go back", () => {
  for (const key of [" ", "PageDown", "ArrowRight"]) press(key);
  for (const key of ["PageUp", "Backspace", "ArrowLeft"]) press(key);
  press("Escape");
  assert.deepEqual(told.map(([name, way]) => `${name} ${way}`), ["go 1", "go 1", "go 1", "go -1", "go -1", "go -1", "go 0"]);
});

test("what it takes reaches nothing behind it, and a key that is held turns once", () => {
  assert.deepEqual(press(" "), { taken: true, reached: false });
  assert.deepEqual(press(" ", document.body, { repeat: true }), { taken: true, reached: false });
  assert.equal(told.length, 1);
  assert.deepEqual(press("x"), { taken: false, reached: true });
  assert.deepEqual(press("ArrowRight", document.body, { altKey: true }), { taken: false, reached: true });
});

test("fields, buttons and targets of pictures keep their keys; a remote and Escape work everywhere", () => {
  for (const html of ["<input>", "<button>Back</button>", '<span role="slider" tabindex="0"></span>', '<g data-id="t1" tabindex="0"></g>']) {
    const node = put(html);
    for (const key of [" ", "ArrowRight", "Backspace"]) assert.equal(press(key, node).taken, false, html + key);
    assert.equal(told.length, 0);
    press("PageDown", node);
    assert.deepEqual(told.splice(0), [["go", 1]]);
  }
  press("Escape", put("<textarea></textarea>"));
  assert.deepEqual(told, [["go", 0]]);
});

test("T shows the words of the step and hides them again, but not where one types", () => {
  const root = document.documentElement;
  press("t");
  assert.ok(root.classList.contains("atlas-present-text-on"));
  press("t", put("<input>"));
  assert.ok(root.classList.contains("atlas-present-text-on"));
  press("T");
  assert.ok(!root.classList.contains("atlas-present-text-on"));
  assert.equal(told.length, 0);
});

test("a next step tells each key once, keeps the words in sight, and the former step's end ends nothing", () => {
  press("t");
  const former = one;
  one = present({ data: { at: "1.2 2 question" }, setTriggerValue: (...it) => told.push(["next", ...it]) });
  press(" ");
  former();
  press(" ");
  assert.deepEqual(told, [["next", "go", 1], ["next", "go", 1]]);
  assert.ok(document.documentElement.classList.contains("atlas-present-text-on"));
});

test("the end of a presentation leaves keys and page as they were", () => {
  press("t");
  one();
  one = null;
  assert.deepEqual(press(" "), { taken: false, reached: true });
  assert.equal(told.length, 0);
  assert.equal(document.documentElement.className, "");
  assert.equal(document.documentElement.style.getPropertyValue("--atlas-room"), "");
});
