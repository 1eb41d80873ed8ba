// Terms in captions, labels and pictures: found as words of their own, shown by pointer and by keys, and nothing moved.
import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import show from "../../assets/components/terms.js";

const TERMS = [
  { forms: ["token", "tokens"], says: "A piece of text.", lesson: "2.1", step: 1 },
  { forms: ["end token"], says: "It ends a text.", lesson: "4.5", step: 1 },
  { forms: ["top-p"], says: "A filter.", lesson: "4.4", step: 2 },
];

/** A page with other parts: labels of controls as Streamlit makes them, and pictures of ours. */
const label = (words, input = '<input id="box">') => `<div><label data-testid="stWidgetLabel" for="box"><p>${words}</p></label>${input}</div>`;
function drawn(dom, svg) {
  const host = dom.window.document.createElement("div");
  host.dataset.testid = "stBidiComponentIsolated";
  host.attachShadow({ mode: "open" }).innerHTML = `<div class="atlas"><div class="stage">${svg}</div><div class="tip"></div></div>`;
  dom.window.document.body.append(host);
  return host;
}
const still = () => new Promise((done) => setTimeout(done, 400));

/** A page with captions; `marked()` are the words that are dotted, `told` what the server hears. */
function opened(...captions) {
  const html = captions.map((one) => `<div data-testid="stCaptionContainer"><p>${one}</p></div>`).join("");
  const dom = new JSDOM(`<!doctype html><body>${html}</body>`, { pretendToBeVisual: true });
  const ranges = new Map();
  for (const name of ["document", "Element", "NodeFilter", "MutationObserver", "getComputedStyle", "innerHeight", "innerWidth"])
    Object.defineProperty(globalThis, name, { value: dom.window[name], configurable: true });
  globalThis.CSS = { highlights: ranges };
  globalThis.Highlight = class { constructor(...all) { this.all = all; } };
  const told = [];
  const data = { terms: JSON.stringify(TERMS), ground: "#fff", ink: "#000", line: "#ccc" };
  const stop = show({ data, parentElement: dom.window.document.body, setTriggerValue: (...it) => told.push(it) });
  const marked = () => (ranges.get("atlas-term")?.all ?? []).map(String);
  const press = (node, key) =>
    node.dispatchEvent(new dom.window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const all = [...dom.window.document.querySelectorAll("[data-testid=stCaptionContainer]")];
  const focus = (node) => {
    node.matches = (what) => what === ":focus-visible" || dom.window.Element.prototype.matches.call(node, what);
    node.focus();
  };
  return { dom, told, stop, marked, press, all, focus, tip: () => dom.window.document.querySelector(".atlas-term-tip") };
}

test("terms are found as words of their own, the longest first, each once a caption", () => {
  const { marked, all } = opened("Tokens: a sub-token, tokenizers, the end token, tokens.", "Nothing here.");
  assert.deepEqual(marked(), ["Tokens", "end token"]);
  assert.equal(all[0].getAttribute("tabindex"), "0");
  assert.equal(all[1].getAttribute("tabindex"), null);
  assert.equal(all[0].getAttribute("aria-description"), "token: A piece of text. end token: It ends a text.");
});

test("nothing in a caption is moved or wrapped, and links and code stay as they are", () => {
  const html = 'Top-p <a href="#x">tokens</a> <code>token</code>';
  const { marked, all } = opened(html);
  assert.deepEqual(marked(), ["Top-p"]);
  assert.equal(all[0].innerHTML, `<p>${html}</p>`);
});

test("the focus shows the first term, arrows the others, Enter opens the lesson, Escape hides", () => {
  const { all, focus, press, told, tip } = opened("With top-p some tokens are cut.");
  assert.equal(tip().hidden, true);
  focus(all[0]);
  assert.equal(tip().textContent, "top-p: A filter. Enter: lesson 4.4.");
  press(all[0], "ArrowRight");
  assert.equal(tip().textContent, "token: A piece of text. Enter: lesson 2.1.");
  press(all[0], "ArrowRight");
  assert.match(tip().textContent, /^top-p/);
  press(all[0], "Enter");
  assert.deepEqual(told, [["lesson", { lesson: "4.4", step: 2 }]]);
  press(all[0], "Escape");
  assert.equal(tip().hidden, true);
});

test("a caption that changes is read again, and what is left stays clean", async () => {
  const { all, marked, dom, stop, tip } = opened("Nothing here.");
  all[0].querySelector("p").textContent = "Now with tokens.";
  await new Promise((done) => setTimeout(done, 400));
  assert.deepEqual(marked(), ["tokens"]);
  stop();
  assert.deepEqual(marked(), []);
  assert.equal(all[0].getAttribute("tabindex"), null);
  assert.equal(tip(), null);
  assert.equal(dom.window.document.querySelector("style"), null);
});

test("a browser that cannot mark ranges still says its terms by keys", () => {
  const page = opened("Tokens.");
  page.stop();
  globalThis.CSS = {};
  const stop = show({
    data: { terms: JSON.stringify(TERMS), ground: "#fff", ink: "#000", line: "#ccc" },
    parentElement: page.dom.window.document.body,
    setTriggerValue: () => {},
  });
  page.focus(page.all[0]);
  assert.equal(page.tip().textContent, "token: A piece of text. Enter: lesson 2.1.");
  stop();
});

test("labels of controls are dotted, and their controls keep their names", async () => {
  const { dom, marked, focus, press, told, tip } = opened("Nothing here.");
  const form = dom.window.document.createElement("form");
  form.innerHTML = label("Tokens to cut") + label("top-p") + label("No word of it");
  const before = form.innerHTML;
  dom.window.document.body.append(form);
  await still();
  assert.deepEqual(marked(), ["Tokens", "top-p"]);
  const [first, second, third] = form.querySelectorAll("label");
  assert.deepEqual([first, second, third].map((one) => one.getAttribute("tabindex")), ["0", "0", null]);
  assert.equal(first.getAttribute("aria-description"), "token: A piece of text.");
  assert.equal(first.textContent, "Tokens to cut");
  assert.equal(form.querySelector("input").getAttribute("aria-description"), null);
  focus(second);
  assert.equal(tip().textContent, "top-p: A filter. Enter: lesson 4.4.");
  press(second, "Enter");
  assert.deepEqual(told, [["lesson", { lesson: "4.4", step: 2 }]]);
  for (const one of [first, second]) ["tabindex", "aria-description"].forEach((name) => one.removeAttribute(name));
  assert.equal(form.innerHTML, before); // nothing was moved, wrapped or named anew
});

test("a term that an earlier place says by keys adds no stop of its own, and still is dotted", async () => {
  const { dom, marked } = opened("Some tokens.");
  const form = dom.window.document.createElement("form");
  form.innerHTML = label("Tokens") + label("Token and top-p");
  dom.window.document.body.append(form);
  await still();
  assert.deepEqual(marked(), ["tokens", "Tokens", "Token", "top-p"]);
  assert.deepEqual([...form.querySelectorAll("label")].map((one) => one.getAttribute("tabindex")), [null, "0"]);
});

test("a picture's own words are dotted and reached, not the words of the text that it shows", async () => {
  const { dom, marked, focus, press, told, tip } = opened("Nothing here.");
  const place = (k) => ({ x: 10 * k, y: 50 });
  Object.assign(dom.window.Element.prototype, {
    getNumberOfChars() { return this.textContent.length; }, getStartPositionOfChar: place, getEndPositionOfChar: (k) => place(k + 1),
  });
  const svg = '<svg><text fill="red">of each token</text><g data-id="t1"><text>top-p</text></g>'
    + '<text font-family="var(--atlas-mono)">end token</text><g class="matrix"><text>top-p</text></g></svg>';
  const host = drawn(dom, svg);
  await still();
  assert.deepEqual(marked(), ["token"]);
  assert.equal(host.getAttribute("tabindex"), "0");
  assert.equal(host.getAttribute("role"), "group");
  const line = () => [...host.shadowRoot.querySelectorAll("line")].map((one) => ["x1", "x2", "y1"].map((name) => one.getAttribute(name)));
  assert.deepEqual(line(), [["80", "130", "53.5"]]);
  focus(host);
  assert.equal(tip().textContent, "token: A piece of text. Enter: lesson 2.1.");
  // A key inside the picture is the picture's.
  press(host.shadowRoot.querySelector("[data-id]"), "Enter");
  assert.deepEqual(told, []);
  press(host, "Enter");
  assert.deepEqual(told, [["lesson", { lesson: "2.1", step: 1 }]]);
  host.shadowRoot.querySelector(".stage").innerHTML = "<svg><text>nothing</text></svg>";
  await still();
  assert.deepEqual([marked(), host.getAttribute("tabindex"), host.getAttribute("role")], [[], null, null]);
});

test("a tooltip of a picture, and our own dots, are no news", async () => {
  const { dom, marked } = opened("Some tokens.");
  const host = drawn(dom, "<svg><text>top-p</text></svg>");
  await still();
  assert.deepEqual(marked(), ["tokens", "top-p"]);
  let scans = 0;
  const set = globalThis.CSS.highlights.set.bind(globalThis.CSS.highlights);
  globalThis.CSS.highlights.set = (...all) => (scans += 1, set(...all));
  host.shadowRoot.querySelector(".tip").textContent = "token";
  await still();
  await still();
  assert.equal(scans, 0);
});
