// The focus goes on with the game, and stays where it is when a page is opened.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import focus from "../../assets/components/focus.js";
import { page, put } from "./page.js";

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
beforeEach(() => {
  page();
  put("CSS", { escape: (text) => text });
});
const field = (key) => {
  document.body.insertAdjacentHTML("beforeend", `<div class="st-key-${key}"><input></div>`);
  return document.body.lastElementChild.firstElementChild;
};
const at = (target, moment) => focus({ data: { target, moment }, parentElement: document.body });

test("the first moment moves nothing, the next one does, once", async () => {
  put("location", { pathname: "/A" });
  const first = field("one"), second = field("two");
  at("one", "1");
  assert.equal(document.activeElement, document.body);
  at("two", "2");
  assert.equal(document.activeElement, second);
  first.focus();
  at("two", "2");
  assert.equal(document.activeElement, first);
});

test("a widget that is drawn later is waited for", async () => {
  put("location", { pathname: "/B" });
  at("late", "1");
  at("late", "2");
  const late = field("late");
  await wait(120);
  assert.equal(document.activeElement, late);
});

test("another page begins anew", () => {
  put("location", { pathname: "/C" });
  at("one", "1");
  put("location", { pathname: "/D" });
  const one = field("one");
  at("one", "2");
  assert.notEqual(document.activeElement, one);
});
