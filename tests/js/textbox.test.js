import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import textbox from "../../assets/components/textbox.js";
import { clock, key, mount, page } from "./page.js";

const HTML = '<div class="textbox"><label for="field"></label><textarea id="field" dir="auto" spellcheck="false"></textarea></div>';
const data = (more = {}) => ({ text: "the sea", seq: 0, label: "Text", placeholder: "Type", height: 84, limit: 20, ...more });

let time;
beforeEach(() => {
  page();
  time = clock();
});

function box(more) {
  const one = mount(textbox, HTML, data(more));
  one.area = one.find("textarea");
  one.type = (text) => {
    one.area.value = text;
    one.event("input");
  };
  one.event = (kind) => one.area.dispatchEvent(new Event(kind, { bubbles: true }));
  return one;
}

test("the field shows its text, label and hint, and reports nothing of itself", async () => {
  const one = box({ label: "<b>Text</b>" });
  assert.equal(one.area.value, "the sea");
  assert.equal(one.find("label").textContent, "<b>Text</b>");
  assert.equal(one.area.placeholder, "Type");
  assert.equal(one.area.style.getPropertyValue("--height"), "84px");
  one.event("blur");
  await time.pass(1000);
  assert.deepEqual(one.told, []);
});

test("what is typed is reported once, after a pause of 150 milliseconds", async () => {
  const one = box();
  one.type("the s");
  await time.pass(149);
  one.type("the ship");
  await time.pass(149);
  assert.deepEqual(one.told, []);
  await time.pass(1);
  assert.deepEqual(one.told, [["typed", { text: "the ship", seq: 1 }]]);
  await time.pass(1000);
  assert.equal(one.told.length, 1);
});

test("leaving the field, and Ctrl or Command and Enter, report at once", async () => {
  const one = box();
  one.type("a");
  one.event("blur");
  one.type("ab");
  key(one.area, "Enter", { ctrlKey: true });
  one.type("abc");
  key(one.area, "Enter", { metaKey: true });
  one.type("abcd");
  key(one.area, "Enter");
  assert.deepEqual(one.told.map(([, typed]) => typed), [{ text: "a", seq: 1 }, { text: "ab", seq: 2 }, { text: "abc", seq: 3 }]);
  await time.pass(150);
  assert.equal(one.told.length, 4);
});

test("a text that was typed back is not reported again", async () => {
  const one = box();
  one.type("the seas");
  one.type("the sea");
  await time.pass(150);
  assert.deepEqual(one.told, []);
});

test("characters under way in an input method are reported when they are chosen", async () => {
  const one = box();
  one.event("compositionstart");
  one.type("かん");
  await time.pass(1000);
  one.event("blur");
  one.show(data({ text: "from the server", seq: 5 }));
  assert.deepEqual([one.told, one.area.value], [[], "かん"]);
  one.area.value = "漢";
  one.event("compositionend");
  await time.pass(150);
  assert.deepEqual(one.told, [["typed", { text: "漢", seq: 1 }]]);
});

test("an older answer does not overwrite what was typed since, neither while typing nor after", async () => {
  const one = box();
  one.type("the ship");
  one.show(data());
  assert.equal(one.area.value, "the ship");
  await time.pass(150);
  one.type("the ships");
  await time.pass(150);
  one.show(data({ text: "the ship", seq: 1 }));
  assert.equal(one.area.value, "the ships");
});

test("a text that the page chose replaces what is in the field", async () => {
  const one = box();
  one.type("mine");
  await time.pass(150);
  one.show(data({ text: "a sample", seq: 1 }));
  assert.equal(one.area.value, "a sample");
  one.event("blur");
  assert.equal(one.told.length, 1);
});

test("more than the limit is cut before it is sent", async () => {
  const one = box({ limit: 5 });
  one.type("123456789");
  await time.pass(150);
  assert.deepEqual(one.told, [["typed", { text: "12345", seq: 1 }]]);
  assert.equal(one.area.value, "12345");
});

test("numbers go on after a reload from what the server knows", async () => {
  const one = box({ seq: 7 });
  one.type("new");
  await time.pass(150);
  assert.equal(one.told[0][1].seq, 8);
});
