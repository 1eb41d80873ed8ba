import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import copy from "../../assets/components/copy.js";
import { click, clock, mount, page, put, settle } from "./page.js";

const HTML = '<div class="copy"><button type="button" disabled>Copy link</button><div class="word" hidden><p aria-live="polite"></p><input hidden readonly aria-label="Link"></div></div>';
const data = (more = {}) => ({ values: { text: "the sea", layer: "2" }, defaults: { layer: "1", head: "1" }, base: "", long: "", ...more });

let time, window, copied;
beforeEach(() => {
  open("https://atlas.example/Attention?layer=2");
});

function open(url) {
  window = page(url);
  time = clock();
  copied = [];
  clipboard({ writeText: async (text) => void copied.push(text) });
}

function clipboard(value) {
  put("navigator", { clipboard: value });
}

async function pressed(more, before = () => {}) {
  const one = mount(copy, HTML, data(more));
  before(one);
  click(one.find("button"));
  await settle();
  return one;
}

const query = (link) => {
  const all = [...new URL(link).searchParams];
  assert.equal(new Set(all.map(([key]) => key)).size, all.length, `a key twice in ${link}`);
  return Object.fromEntries(all);
};

test("the link has every value of the page, and what it says goes after a while", async () => {
  const one = await pressed();
  assert.equal(copied[0].split("?")[0], "https://atlas.example/Attention");
  assert.deepEqual(query(copied[0]), { text: "the sea", layer: "2" });
  assert.equal(one.find("p").textContent, "Link copied.");
  assert.deepEqual([one.find(".word").hidden, one.find("input").hidden], [false, true]);
  await time.pass(5999);
  assert.equal(one.find(".word").hidden, false);
  await time.pass(1);
  assert.equal(one.find(".word").hidden, true);
});

test("the button can be pressed only once its script has come", () => {
  assert.equal(mount(copy, HTML, data()).find("button").disabled, false);
});

test("what a part of the page wrote into the address since goes before what the run knew", async () => {
  await pressed({}, () => window.history.replaceState({}, "", "?layer=3&head=4"));
  assert.deepEqual(query(copied[0]), { text: "the sea", layer: "3", head: "4" });
});

test("a key that has gone from the address since is at its default", async () => {
  await pressed({}, () => window.history.replaceState({}, "", "/Attention"));
  assert.deepEqual(query(copied[0]), { text: "the sea", layer: "1" });
});

test("a control with several values repeats its key, an empty one is told only where it has a default", async () => {
  await pressed({ values: { heads: ["1.2", "3.4"], hidden: [], text: "", tint: "" }, defaults: { tint: "rank" } });
  assert.equal(copied[0].split("?")[1], "heads=1.2&heads=3.4&tint=");
});

test("a hostile text is escaped in the link and comes out of it unchanged", async () => {
  const text = `"><img src=x onerror=1>&layer=9#é\n`;
  await pressed({ values: { text }, defaults: {} });
  assert.ok(!/[<>"#\n]/.test(copied[0]));
  assert.equal(new URL(copied[0]).searchParams.get("text"), text);
});

test("a public address goes before the one in the browser", async () => {
  await pressed({ base: "https://public.example/atlas" });
  assert.equal(copied[0].split("?")[0], "https://public.example/atlas/Attention");
  open("http://localhost:8501/");
  await pressed({ base: "https://public.example/atlas" });
  assert.equal(copied[0].split("?")[0], "https://public.example/atlas/");
});

test("a link of this computer alone says so, beside a word on a long text", async () => {
  open("http://localhost:8501/Attention");
  const one = await pressed({ long: "The text is too long for a link." });
  assert.equal(one.find("p").textContent, "Link copied. The text is too long for a link. It opens on this computer only.");
});

test("without a clipboard, as on plain http, the browser's old command copies it", async () => {
  clipboard(undefined);
  let copiedBy = "";
  document.execCommand = (name) => {
    const field = document.querySelector("input");
    assert.equal(field.hidden, false); // of a hidden field nothing is copied
    copiedBy = `${name} ${field.value.slice(field.selectionStart, field.selectionEnd)}`;
    return true;
  };
  const one = await pressed();
  assert.match(copiedBy, /^copy https:\/\/atlas\.example\/Attention\?/);
  assert.equal(one.find("p").textContent, "Link copied.");
  assert.equal(one.find("input").hidden, true);
});

test("where the clipboard refuses and the old command fails, the link stands there to be copied by hand", async () => {
  clipboard({ writeText: async () => Promise.reject(new Error("denied")) });
  for (const old of [() => false, () => { throw new Error("none"); }]) {
    document.execCommand = old;
    const one = await pressed(), field = one.find("input");
    assert.match(one.find("p").textContent, /^Copy this link:/);
    assert.equal(field.hidden, false);
    assert.equal(document.activeElement, field);
    assert.deepEqual([field.selectionStart, field.selectionEnd], [0, field.value.length]);
    await time.pass(60_000);
    assert.equal(one.find(".word").hidden, false);
    one.root.remove();
  }
});

test("a second press starts the time anew, and a newer run's values are the ones copied", async () => {
  const one = await pressed();
  await time.pass(4000);
  one.show(data({ values: { text: "newer" } }));
  click(one.find("button"));
  await settle();
  assert.equal(query(copied[1]).text, "newer");
  await time.pass(4000);
  assert.equal(one.find(".word").hidden, false);
});
