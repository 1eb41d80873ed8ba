// What the browser keeps of the course, and what it tells.
import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import show from "../../assets/components/progress.js";

/** A browser with nothing kept; `draw(data)` is a run of the page. */
function opened() {
  const dom = new JSDOM("<!doctype html>", { url: "http://localhost/Learn" });
  Object.defineProperty(globalThis, "localStorage", { value: dom.window.localStorage, configurable: true });
  const told = [];
  const draw = (data) =>
    show({ data, parentElement: dom.window.document.body, setTriggerValue: (...it) => told.push(it) });
  return { draw, told, kept: () => JSON.parse(localStorage.getItem("atlas-learn")) };
}

test("each step that is opened is noted, and what is done ends a lesson", () => {
  const { draw, told, kept } = opened();
  draw({ lesson: "1.4", step: 2, done: false });
  draw({ lesson: "2.1", step: 5, done: true });
  draw({ lesson: "2.1", step: 5, done: true });
  assert.deepEqual(kept(), { at: { 1.4: 2, 2.1: 5 }, done: ["2.1"], last: "2.1" });
  assert.deepEqual(told, []);
});

test("the course is told once what it does not know", () => {
  const { draw, told } = opened();
  draw({ known: "", forget: false });
  assert.deepEqual(told, []);
  draw({ lesson: "1.4", step: 2, done: false });
  draw({ known: "", forget: false });
  assert.equal(told.length, 1);
  draw({ known: told[0][1], forget: false });
  assert.equal(told.length, 1);
});

test("a lesson that was finished is noted and told in one run of the course", () => {
  const { draw, told, kept } = opened();
  draw({ lesson: "1.4", step: 5, done: false });
  assert.deepEqual(kept().done, []);
  draw({ lesson: "1.4", step: 5, done: true, known: "", forget: false });
  assert.deepEqual(kept().done, ["1.4"]);
  assert.equal(told.length, 1);
  assert.deepEqual(JSON.parse(told[0][1]).done, ["1.4"]);
});

test("progress is forgotten when asked, and nonsense begins anew", () => {
  const { draw, told, kept } = opened();
  draw({ lesson: "1.4", step: 2, done: false });
  draw({ known: "", forget: true });
  assert.equal(kept(), null);
  assert.deepEqual(told, []);
  localStorage.setItem("atlas-learn", "[oh");
  draw({ lesson: "1.4", step: 1, done: false });
  assert.deepEqual(kept(), { at: { 1.4: 1 }, done: [], last: "1.4" });
});
