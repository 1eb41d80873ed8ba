import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import aloud from "../../assets/components/aloud.js";
import { mount, page } from "./page.js";

beforeEach(() => page());

const opened = (text = "", done = false) => mount(aloud, '<p class="aloud" aria-live="polite"></p>', { text, done });
const said = (one, text, done = false) => {
  one.find(".aloud").textContent = "";
  one.show({ text, done });
  return one.find(".aloud").textContent;
};

test("a sentence is said when it is whole, token by token nothing is", () => {
  const one = opened();
  assert.equal(said(one, "I don't"), "");
  assert.equal(said(one, "I don't know."), ""); // 3.5 may follow
  assert.equal(said(one, "I don't know. It"), "I don't know.");
  assert.equal(said(one, "I don't know. It is 3.5 m"), "");
  assert.equal(said(one, "I don't know. It is 3.5 meters.", true), "It is 3.5 meters.");
  assert.equal(said(one, "I don't know. It is 3.5 meters.", true), "");
});

test("what stood there at first is not read, nor what is shown again after a step back", () => {
  const one = opened("Once. There", false);
  assert.equal(said(one, "Once. There was"), "");
  assert.equal(said(one, "Once."), "");
  assert.equal(said(one, "Once. There was a boat.", true), "There was a boat.");
});

test("another text is read from its beginning", () => {
  const one = opened("The boat sank.", true);
  assert.equal(said(one, "The station is here. The train", true), "The station is here. The train");
});

test("what was written stays text", () => {
  const one = opened();
  said(one, "<img src=x onerror=1>", true);
  assert.equal(one.all("img").length, 0);
});
