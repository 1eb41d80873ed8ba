// What the browser keeps of somebody's own lessons, and what it gives back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import show from "../../assets/components/lessons.js";

/** A browser with nothing kept; `draw(data)` is a run of the page. */
function opened(storage) {
  const dom = new JSDOM("<!doctype html>", { url: "http://localhost/Learn" });
  const value = storage ?? dom.window.localStorage;
  Object.defineProperty(globalThis, "localStorage", { value, configurable: true });
  const told = [];
  const draw = (data) =>
    show({
      data: { known: true, put: {}, gone: [], ...data },
      parentElement: dom.window.document.body,
      setTriggerValue: (...it) => told.push(it),
    });
  return { draw, told };
}

test("lessons are kept and given back to a visit that does not know them", () => {
  const { draw, told } = opened();
  draw({ put: { "own-1": 'title = "a"', "own-2": 'title = "b"' } });
  localStorage.setItem("atlas-learn", "{}");
  assert.deepEqual(told, []);
  draw({ known: false });
  assert.deepEqual(told.map(([name]) => name), ["kept"]);
  assert.deepEqual(JSON.parse(told[0][1]), { "own-1": 'title = "a"', "own-2": 'title = "b"' });
});

test("what is deleted is gone, and what comes again is written over", () => {
  const { draw, told } = opened();
  draw({ put: { "own-1": "old", "own-2": "x" } });
  draw({ put: { "own-1": "new" }, gone: ["own-2"] });
  draw({ known: false });
  assert.deepEqual(JSON.parse(told[0][1]), { "own-1": "new" });
});

test("a visit with nothing kept is told so, that it need not wait", () => {
  const { draw, told } = opened();
  draw({ known: false });
  assert.deepEqual(told, [["kept", "{}"]]);
});

test("a browser that keeps nothing says so", () => {
  const closed = {
    setItem() {
      throw new Error("full");
    },
    removeItem() {},
  };
  const { draw, told } = opened(closed);
  draw({ put: { "own-1": "a" } });
  assert.deepEqual(told, [["failed", true]]);
});

test("no more than twenty are given back", () => {
  const { draw, told } = opened();
  draw({ put: Object.fromEntries([...Array(30).keys()].map((n) => [`own-${n}`, "x"])) });
  draw({ known: false });
  assert.equal(Object.keys(JSON.parse(told[0][1])).length, 20);
});
