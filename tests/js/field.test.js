import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import field from "../../assets/components/field.js";
import { click, clock, mount, page, put, settle } from "./page.js";

const HTML = '<div class="field"><label><span></span><textarea readonly></textarea></label><button type="button" disabled>Copy</button><p aria-live="polite"></p></div>';
const LINK = "https://atlas.example/s/ouahs254v6";

let time, window, copied;
beforeEach(() => {
  window = page("https://atlas.example/Attention");
  time = clock();
  copied = [];
  put("navigator", { clipboard: { writeText: async (text) => void copied.push(text) } });
});

const shown = (more = {}) => mount(field, HTML, { text: LINK, label: "Short link", rows: 1, ...more });

test("the field shows what is copied, under its name", () => {
  const one = shown();
  assert.equal(one.find("textarea").value, LINK);
  assert.equal(one.find("label span").textContent, "Short link");
  assert.equal(one.find("button").disabled, false);
  assert.equal(one.find("button").getAttribute("aria-label"), "Copy: Short link");
});

test("a name or a text with HTML in it stays a text", () => {
  const one = shown({ text: "<img src=x>", label: "<b>name</b>" });
  assert.equal(one.find("label span").textContent, "<b>name</b>");
  assert.equal(one.find("textarea").value, "<img src=x>");
  assert.equal(one.find("img"), null);
});

test("the button copies the text, and what it says goes after a while", async () => {
  const one = shown();
  click(one.find("button"));
  await settle();
  assert.deepEqual(copied, [LINK]);
  assert.equal(one.find("p").textContent, "Copied.");
  await time.pass(6000);
  assert.equal(one.find("p").textContent, "");
});

test("where neither clipboard nor command copies, the key is named", async () => {
  put("navigator", {});
  window.document.execCommand = () => false;
  const one = shown();
  click(one.find("button"));
  await settle();
  assert.equal(one.find("p").textContent, "Press Ctrl+C (⌘C) to copy.");
  assert.equal(one.find("textarea").hidden, false);
});

test("without a clipboard, as on plain http, the browser's old command copies", async () => {
  put("navigator", {});
  const asked = [];
  window.document.execCommand = (what) => (asked.push(what), true);
  const one = shown();
  click(one.find("button"));
  await settle();
  assert.deepEqual(asked, ["copy"]);
  assert.equal(one.find("p").textContent, "Copied.");
});
