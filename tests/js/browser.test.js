// What the browser keeps and how it counts steps of Back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";

let turn = 0;

/** A document at an address, with the component's module loaded anew. */
async function opened(address, kind = "navigate") {
  const dom = new JSDOM("<!doctype html>", { url: address });
  class PerformanceNavigationTiming {}
  const entry = Object.assign(new PerformanceNavigationTiming(), { type: kind });
  for (const [name, value] of Object.entries({
    PerformanceNavigationTiming,
    location: dom.window.location,
    history: dom.window.history,
    sessionStorage: dom.window.sessionStorage,
    document: dom.window.document,
    getComputedStyle: dom.window.getComputedStyle.bind(dom.window),
    MutationObserver: dom.window.MutationObserver,
    addEventListener: dom.window.addEventListener.bind(dom.window),
    performance: { getEntriesByType: () => [entry], now: () => 0, mark() {} },
  }))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  const { default: show } = await import(`../../assets/components/browser.js?${(turn += 1)}`);
  const told = [];
  const draw = (data) =>
    show({ data, parentElement: dom.window.document.body, setTriggerValue: (...it) => told.push(it) });
  return { dom, draw, told };
}

const fresh = { viewer: "a", touched: false, text: "", model: "" };
const typed = { viewer: "a", touched: true, text: "my own", model: "tales-gpt" };

test("a session that knows nothing gets back what was typed in this tab", async () => {
  const { draw, told } = await opened("http://localhost/Attention");
  draw(typed);
  draw({ ...fresh, viewer: "b" });
  assert.deepEqual(told, [["kept", { text: "my own", model: "tales-gpt" }]]);
});

test("a page that is merely opened keeps its sample, and a link's text wins", async () => {
  const first = await opened("http://localhost/Attention");
  first.dom.window.sessionStorage.setItem("atlas-kept", JSON.stringify({ text: "old", model: "" }));
  first.draw(fresh);
  assert.deepEqual(first.told, []);
  const linked = await opened("http://localhost/Attention?text=hello", "reload");
  linked.dom.window.sessionStorage.setItem("atlas-kept", JSON.stringify({ text: "old", model: "" }));
  linked.draw(fresh);
  assert.deepEqual(linked.told, []);
});

test("what the storage holds is not trusted", async () => {
  for (const strange of ["{", "[]", '{"text": 5}', "null"]) {
    const { dom, draw, told } = await opened("http://localhost/", "reload");
    dom.window.sessionStorage.setItem("atlas-kept", strange);
    draw(fresh);
    assert.deepEqual(told, [], strange);
  }
});

test("one act is one step, whatever writes the address and how often", async () => {
  const { dom, draw } = await opened("http://localhost/Attention");
  draw(fresh);
  const { history, document } = dom.window;
  const before = history.length;
  history.pushState({}, "", "/Attention?text=a");
  assert.equal(history.length, before, "nobody did anything");
  document.dispatchEvent(new dom.window.Event("pointerdown", { bubbles: true }));
  history.replaceState({}, "", "/Attention?text=a&layer=2");
  history.pushState({}, "", "/Attention?text=a&layer=2&head=1");
  assert.equal(history.length, before + 1, "two writings, one act");
  history.pushState({}, "", "/Decoding");
  assert.equal(history.length, before + 2, "another page is a step");
});

test("Back within a page is told, Back to another page is not", async () => {
  const { dom, draw, told } = await opened("http://localhost/Attention?layer=2");
  draw(fresh);
  dom.window.dispatchEvent(new dom.window.Event("popstate"));
  assert.deepEqual(told, [["back", { search: "?layer=2" }]]);
  dom.reconfigure({ url: "http://localhost/Decoding" });
  dom.window.dispatchEvent(new dom.window.Event("popstate"));
  assert.equal(told.length, 1);
});

test("what opens over the app has its theme, also when that changes", async () => {
  const { dom, draw } = await opened("http://localhost/Attention");
  const app = dom.window.document.createElement("div");
  app.dataset.testid = "stApp";
  dom.window.document.head.innerHTML =
    "<style>.one { color-scheme: dark } .two { color-scheme: light }</style>";
  app.className = "one";
  dom.window.document.body.append(app);
  draw(fresh);
  draw(fresh);
  assert.equal(dom.window.document.body.style.colorScheme, "dark");
  app.className = "two";
  await new Promise((next) => setTimeout(next));
  assert.equal(dom.window.document.body.style.colorScheme, "light");
});
