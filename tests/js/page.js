// A page for the components without a browser: jsdom, a clock that is turned by hand, and sizes
// that a test gives, as jsdom lays nothing out.

import { JSDOM } from "jsdom";

const NAMES = ["document", "AbortController", "Element", "HTMLElement", "Event", "MouseEvent", "KeyboardEvent", "FocusEvent", "CompositionEvent",
  "Node", "DOMParser", "XMLSerializer", "getComputedStyle", "location", "navigator", "innerHeight", "Image"];
const ACTS = ["addEventListener", "removeEventListener"];

/** A new page at an address; what a browser has beyond jsdom is nothing until a test gives it. */
export function page(url = "http://localhost:8501/Attention") {
  const { window } = new JSDOM("<!doctype html><body></body>", { url, pretendToBeVisual: true, runScripts: "dangerously" });
  for (const name of NAMES) put(name, window[name]);
  for (const name of ACTS) put(name, window[name].bind(window));
  put("devicePixelRatio", 1);
  for (const kind of ["pointerdown", "pointerup", "pointermove", "pointerover", "pointerleave"])
    Object.defineProperty(window.Element.prototype, "on" + kind, { set(act) { this.addEventListener(kind, act); } });
  for (const kept of ["atlasPictures", "atlasClouds", "Plotly"]) delete globalThis[kept];
  return window;
}

export function put(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

/**
 * A component on the page: `show(data)` is a run of the page, `told` what it reported since.
 * `parts` are elements found by selector.
 */
export function mount(component, html, data) {
  const parentElement = document.createElement("div");
  parentElement.innerHTML = html;
  document.body.append(parentElement);
  const one = { root: parentElement, told: [], stop: null, show, find: (selector) => parentElement.querySelector(selector) };
  one.all = (selector) => [...parentElement.querySelectorAll(selector)];
  function show(next) {
    const setStateValue = (name, value) => one.told.push([name, value]);
    one.stop = component({ data: next, parentElement, setStateValue });
  }
  show(data);
  return one;
}

/** Timers and frames that pass when the test says so. */
export function clock() {
  let now = 0, last = 0;
  const waiting = new Map(), frames = new Map();
  put("setTimeout", (act, after = 0, ...rest) => (waiting.set(++last, { at: now + after, act: () => act(...rest) }), last));
  put("clearTimeout", (id) => waiting.delete(id));
  put("requestAnimationFrame", (act) => (frames.set(++last, act), last));
  put("cancelAnimationFrame", (id) => frames.delete(id));
  put("performance", { now: () => now });
  return {
    async pass(milliseconds) {
      for (const end = now + milliseconds; ; ) {
        const due = [...waiting].filter(([, one]) => one.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
        now = due ? Math.max(now, due[1].at) : end;
        if (!due) break;
        waiting.delete(due[0]);
        due[1].act();
      }
      await settle();
    },
    async frame(milliseconds = 16) {
      now += milliseconds;
      const due = [...frames.values()];
      frames.clear();
      for (const act of due) act(now);
      await settle();
    },
  };
}

/** Let everything that waits for a promise go on. */
export function settle() {
  return new Promise((done) => setImmediate(done));
}

/** Give an element a place on the screen. */
export function lay(node, x, y, width, height) {
  const box = { x, y, left: x, top: y, width, height, right: x + width, bottom: y + height };
  node.getBoundingClientRect = () => box;
  node.getClientRects = () => [box];
}

export function pointer(node, kind, options = {}) {
  const event = new MouseEvent(kind, { bubbles: true, cancelable: true, ...options });
  node.dispatchEvent(event);
  return event;
}

export function click(node, options = {}) {
  return pointer(node, "click", { detail: 1, ...options });
}

export function key(node, name, options = {}) {
  const event = new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...options });
  node.dispatchEvent(event);
  return event;
}
