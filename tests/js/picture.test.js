import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import picture from "../../assets/components/picture.js";
import { click, clock, key, lay, mount, page, pointer } from "./page.js";

const HTML = '<div class="atlas"><div class="chip" aria-live="polite"></div><div class="stage"></div><div class="tip" role="tooltip" hidden></div></div>';
const HOSTILE = '<img src="x" onerror="globalThis.broken=1">';
const svg = (inside) => `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><title>words</title>${inside}</svg>`;
const WORDS = svg(
  '<text data-id="t0" data-tip="the&#10;id 5">the</text><text data-id="t1">cat</text><text data-id="t2">sat</text>'
  + '<path data-on="t0 t1"/><g data-on="t2"><rect/></g><rect class="grey" data-on="t2" data-keep=""/>',
);
const data = (more = {}) => ({ svg: WORDS, digest: "d1", alt: "three words", height: null, locked: null, seq: 0, report: false, twice: false, acts: false, marked: null, ...more });

let time, window;
beforeEach(() => {
  window = page();
  time = clock();
});

const drawn = (more) => mount(picture, HTML, data(more));
const word = (one, id) => one.find(`[data-id=${id}]`);
const lit = (one) => one.all(".lit").map((node) => node.dataset.id ?? node.dataset.on);
const dim = (one) => one.all(".dim").map((node) => node.dataset.id ?? node.dataset.on);

test("pointing at a word lights it and what belongs to it, and dims the rest but what is kept", () => {
  const one = drawn();
  pointer(word(one, "t1"), "pointermove");
  assert.deepEqual(lit(one), ["t1", "t0 t1"]);
  assert.ok(one.find("svg").classList.contains("active"));
  assert.deepEqual(dim(one), ["t0", "t2", "t2"]);
  assert.ok(!one.find(".grey").classList.contains("dim"));
  pointer(one.find(".stage"), "pointerleave");
  assert.deepEqual([...lit(one), ...dim(one)], []);
  assert.equal(one.find("svg").classList.contains("active"), false);
  assert.deepEqual(one.told, []);
});

test("what holds a lit element is not dimmed with the others", () => {
  const one = drawn({ svg: svg('<g data-id="g0"><text data-id="t0">a</text></g><text data-id="t1">b</text>') });
  pointer(word(one, "t0"), "pointermove");
  assert.deepEqual(dim(one), ["t1"]);
});

test("the tooltip says the words of what is pointed at, also through an element without words", () => {
  const one = drawn({ svg: svg('<text data-id="t0" data-tip="the&#10;id 5">the</text><rect data-id="t0"/>') });
  pointer(one.find("rect"), "pointermove", { clientX: 50, clientY: 20 });
  assert.equal(one.find(".tip").textContent, "the\nid 5");
  assert.equal(one.find(".tip").hidden, false);
  pointer(one.find(".stage"), "pointerleave");
  assert.equal(one.find(".tip").hidden, true);
});

test("the tooltip stays inside the picture and goes above what has no room below", () => {
  const one = drawn(), tip = one.find(".tip");
  lay(one.find(".atlas"), 100, 0, 300, 800);
  Object.defineProperty(tip, "offsetWidth", { value: 120 });
  Object.defineProperty(tip, "offsetHeight", { value: 40 });
  pointer(word(one, "t0"), "pointermove", { clientX: 395, clientY: 100 });
  assert.deepEqual([tip.style.left, tip.style.top], ["176px", "118px"]);
  pointer(word(one, "t0"), "pointermove", { clientX: 100, clientY: innerHeight - 60 });
  assert.deepEqual([tip.style.left, tip.style.top], ["14px", `${innerHeight - 60 - 50}px`]);
});

test("a click locks, a second click unlocks, and Python hears of both in order", () => {
  const one = drawn();
  click(word(one, "t1"));
  assert.equal(one.find(".chip").textContent, "Pinned: cat×");
  assert.equal(word(one, "t1").getAttribute("aria-pressed"), "true");
  click(word(one, "t1"));
  assert.equal(one.find(".chip").textContent, "");
  assert.deepEqual(one.told, [["lock", { ids: "t1", seq: 1 }], ["lock", { ids: null, seq: 2 }]]);
});

test("Shift and a click add to the lock and take away from it, another click replaces it", () => {
  const one = drawn();
  click(word(one, "t0"));
  click(word(one, "t2"), { shiftKey: true });
  click(word(one, "t0"), { ctrlKey: true });
  click(word(one, "t1"));
  assert.deepEqual(one.told.map(([, lock]) => lock.ids), ["t0", "t0 t2", "t2", "t1"]);
});

test("a Shift-click selects no text of the page", () => {
  const one = drawn();
  assert.equal(pointer(word(one, "t0"), "mousedown", { shiftKey: true }).defaultPrevented, true);
  assert.equal(pointer(word(one, "t0"), "mousedown").defaultPrevented, false);
});

test("a click beside everything locks nothing, and so does one on what only has a tooltip", () => {
  const one = drawn({ svg: svg('<text data-id="t0">a</text><rect data-tip="a bar" data-on="t0"/><circle/>') });
  click(one.find("circle"));
  click(one.find("rect"));
  assert.equal(one.find(".tip").textContent, "a bar");
  assert.deepEqual(one.told, []);
});

test("Esc unlocks where the pointer or the focus is, and leaves other pictures alone", () => {
  const one = drawn(), other = drawn({ digest: "d2" });
  click(word(one, "t1"));
  click(word(other, "t1"));
  pointer(word(one, "t1"), "pointermove");
  key(document.body, "Escape");
  assert.deepEqual(one.told.at(-1), ["lock", { ids: null, seq: 2 }]);
  assert.deepEqual(other.told.length, 1);
  word(other, "t1").focus();
  key(document.body, "Escape");
  assert.deepEqual(other.told.at(-1), ["lock", { ids: null, seq: 2 }]);
});

test("the chip's button unlocks", () => {
  const one = drawn({ locked: "t2" });
  const button = one.find(".chip button");
  assert.equal(button.getAttribute("aria-label"), "Unlock");
  click(button);
  assert.deepEqual(one.told, [["lock", { ids: null, seq: 1 }]]);
});

test("a double click is told as such and keeps the lock of its first click", () => {
  const one = drawn({ twice: true });
  click(word(one, "t1"));
  click(word(one, "t1"), { detail: 2 });
  click(word(one, "t2"), { detail: 2 });
  assert.deepEqual(one.told.slice(1), [["twice", { ids: "t1", turn: 1 }], ["twice", { ids: "t2", turn: 2 }]]);
  assert.equal(one.find(".chip").textContent, "Pinned: cat×");
});

test("an answer to an older click does not undo a newer one", () => {
  const one = drawn();
  click(word(one, "t0"));
  click(word(one, "t1"));
  one.show(data({ locked: "t0", seq: 1 }));
  assert.equal(one.find(".chip").textContent, "Pinned: cat×");
  one.show(data({ locked: "t2", seq: 2 }));
  assert.equal(one.find(".chip").textContent, "Pinned: sat×");
});

test("a lock that this picture does not have is dropped, names of every object too", () => {
  const one = drawn({ locked: "t1 t9 constructor toString" });
  assert.equal(one.find(".chip").textContent, "Pinned: cat×");
});

test("a long name is cut in the chip", () => {
  const one = drawn({ svg: svg(`<text data-id="t0" data-name="${"x".repeat(200)}">a</text>`), locked: "t0" });
  assert.equal(one.find(".chip span").textContent.length, "Pinned: ".length + 80);
});

test("hostile words stay text in the chip, the tooltip and the labels", () => {
  const words = HOSTILE.replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  const one = drawn({ svg: svg(`<text data-id="t0" data-tip="${words}" data-name="${words}">${words}</text>`), alt: HOSTILE });
  pointer(word(one, "t0"), "pointermove");
  click(word(one, "t0"));
  assert.equal(one.all("img").length, 0);
  assert.equal(one.find(".tip").textContent, HOSTILE);
  assert.equal(one.find(".chip span").textContent, "Pinned: " + HOSTILE);
  assert.equal(one.find("svg").getAttribute("aria-label"), HOSTILE);
  assert.equal(word(one, "t0").getAttribute("aria-description"), HOSTILE);
});

test("a script inside a picture never runs", () => {
  const script = "globalThis.ran = (globalThis.ran ?? 0) + 1";
  drawn({ svg: svg(`<script>${script}</script><text data-id="t0">a</text>`) });
  assert.equal(window.ran, undefined);
  document.body.append(Object.assign(document.createElement("script"), { textContent: script }));
  assert.equal(window.ran, 1); // this page runs scripts
});

test("what is neither a picture nor wrapped text is not drawn", () => {
  const one = drawn();
  one.show(data({ svg: '<iframe src="about:blank"></iframe>' }));
  assert.equal(one.all("iframe").length, 0);
  assert.ok(word(one, "t0"));
});

test("a picture shrinks to its least share on a narrow screen, and its own title makes no second tooltip", () => {
  const one = drawn({ svg: WORDS.replace("<svg ", '<svg data-least="0.5" ') });
  assert.match(one.find("svg").style.cssText, /max-width: 300px; min-width: 150px/);
  assert.equal(one.all("title").length, 0);
  assert.equal(one.find("svg").getAttribute("aria-label"), "three words");
});

test("every target is a button, and one of them the Tab stop", () => {
  const targets = drawn().all("[role=button]");
  assert.deepEqual(targets.map((node) => node.getAttribute("tabindex")), ["0", "-1", "-1"]);
  assert.deepEqual(targets.map((node) => node.getAttribute("aria-pressed")), ["false", "false", "false"]);
});

test("a target is named by what is written on it and described by its tooltip", () => {
  const one = drawn(), spoken = (id) => ["aria-label", "aria-description"].map((name) => word(one, id).getAttribute(name));
  assert.deepEqual(spoken("t0"), [null, "the, id 5"]);
  assert.deepEqual(spoken("t1"), [null, null]);
});

test("a target with nothing written on it is named by the tooltip of any element of its id, its name or its id", () => {
  const one = drawn({ svg: svg('<rect data-id="a" data-tip="30 %&#10;cat"/><text data-id="b"> </text><rect data-id="b" data-tip="a space"/><rect data-id="c" data-name="the sea"/><rect data-id="d"/>') });
  assert.deepEqual(["a", "b", "c", "d"].map((id) => word(one, id).getAttribute("aria-label")), ["30 %, cat", "a space", "the sea", "d"]);
});

test("arrows go to the nearest target that way and take the Tab stop along", () => {
  const one = drawn();
  lay(word(one, "t0"), 0, 0, 20, 20);
  lay(word(one, "t1"), 40, 0, 20, 20);
  lay(word(one, "t2"), 30, 60, 20, 20);
  word(one, "t0").focus();
  const pressed = key(word(one, "t0"), "ArrowRight");
  assert.equal(document.activeElement, word(one, "t1"));
  assert.equal(pressed.defaultPrevented, true);
  assert.deepEqual(["t0", "t1"].map((id) => word(one, id).getAttribute("tabindex")), ["-1", "0"]);
  key(word(one, "t1"), "ArrowDown");
  assert.equal(document.activeElement, word(one, "t2"));
  assert.equal(key(word(one, "t2"), "ArrowDown").defaultPrevented, false);
  assert.equal(document.activeElement, word(one, "t2"));
});

test("Enter and the space bar lock what has the focus, and nothing else on the page hears them", () => {
  const one = drawn();
  let heard = 0;
  document.addEventListener("keydown", () => (heard += 1));
  for (const name of ["Enter", " "]) assert.equal(key(word(one, "t1"), name).defaultPrevented, true);
  key(word(one, "t0"), "Enter", { shiftKey: true });
  assert.deepEqual(one.told.map(([, lock]) => lock.ids), ["t1", null, "t0"]);
  assert.equal(heard, 0);
  key(word(one, "t1"), "x");
  assert.equal(heard, 1);
});

test("pointing is reported after a rest, once, and only where it was asked for", async () => {
  const silent = drawn(), one = drawn({ digest: "d2", report: true });
  pointer(word(silent, "t0"), "pointermove");
  pointer(word(one, "t0"), "pointermove");
  await time.pass(100);
  pointer(word(one, "t1"), "pointermove");
  await time.pass(159);
  assert.deepEqual(one.told, []);
  await time.pass(1);
  assert.deepEqual(one.told, [["hover", "t1"]]);
  pointer(one.find(".stage"), "pointerleave");
  await time.pass(160);
  assert.deepEqual(one.told.at(-1), ["hover", null]);
  assert.deepEqual(silent.told, []);
});

test("what is pointed at when a click locks it, or when the picture goes, is not reported any more", async () => {
  const one = drawn({ report: true }), other = drawn({ report: true, digest: "d2" });
  pointer(word(one, "t0"), "pointermove");
  click(word(one, "t0"));
  pointer(word(other, "t0"), "pointermove");
  other.stop();
  await time.pass(1000);
  assert.deepEqual([one.told, other.told], [[["lock", { ids: "t0", seq: 1 }]], []]);
});

test("a picture that comes back to the same place plays from the beginning", () => {
  const one = drawn();
  click(word(one, "t1"));
  one.stop();
  one.show(data());
  assert.equal(one.find(".chip").textContent, "");
  click(word(one, "t2"));
  assert.deepEqual(one.told.at(-1), ["lock", { ids: "t2", seq: 1 }]);
});

test("a lock takes back what pointing reported, and pointing elsewhere is no news then", async () => {
  const one = drawn({ report: true });
  pointer(word(one, "t0"), "pointermove");
  await time.pass(160);
  click(word(one, "t0"));
  pointer(word(one, "t2"), "pointermove");
  await time.pass(1000);
  assert.deepEqual(one.told, [["hover", "t0"], ["hover", null], ["lock", { ids: "t0", seq: 1 }]]);
});

test("the same picture again is not drawn again, another keeps the focus and the lock", () => {
  const one = drawn(), before = one.find("svg");
  click(word(one, "t1"));
  word(one, "t1").focus();
  one.show(data({ locked: "t1", seq: 1 }));
  assert.equal(one.find("svg"), before);
  one.show(data({ locked: "t1", seq: 1, svg: svg('<text data-id="t1">cats</text>'), digest: "d2" }));
  assert.notEqual(one.find("svg"), before);
  assert.equal(document.activeElement, word(one, "t1"));
  assert.equal(one.find(".chip").textContent, "Pinned: cats×");
});

test("another choice is marked without drawing anew", () => {
  const one = drawn({ marked: "t0" }), before = one.find("svg");
  one.show(data({ marked: "t2" }));
  assert.equal(one.find("svg"), before);
  assert.deepEqual(one.all(".marked").map((node) => node.dataset.id), ["t2"]);
});

test("of what waits for a row, the row pointed at goes before the locked one", () => {
  const one = drawn({ svg: svg('<text data-id="q0">a</text><text data-id="q1">b</text><path data-show="q0"/><path data-show="q1"/>'), locked: "q0" });
  const shown = () => one.all("path.lit").map((node) => node.dataset.show);
  assert.deepEqual(shown(), ["q0"]);
  pointer(word(one, "q1"), "pointermove");
  assert.deepEqual(shown(), ["q1"]);
});

test("a picture scrolls at the height that it is given", () => {
  const one = drawn({ height: 240 });
  assert.equal(one.find(".atlas").style.getPropertyValue("--height"), "240px");
  one.show(data());
  assert.equal(one.find(".atlas").style.getPropertyValue("--height"), "none");
});

test("a wide picture without targets is reached by the keyboard as long as it scrolls", () => {
  const plain = svg("<rect/>"), one = drawn({ svg: plain }), stage = one.find(".stage");
  const wide = (width) => Object.defineProperty(stage, "scrollWidth", { value: width, configurable: true });
  assert.equal(stage.getAttribute("tabindex"), null);
  wide(900);
  window.dispatchEvent(new Event("resize"));
  assert.equal(stage.getAttribute("tabindex"), "0");
  for (const name of [" ", "ArrowRight"]) assert.equal(key(stage, name).defaultPrevented, false);
  one.show(data());
  assert.equal(stage.getAttribute("tabindex"), null);
  one.show(data({ svg: plain, digest: "d2" }));
  assert.equal(stage.getAttribute("tabindex"), "0");
  wide(0);
  one.show(data({ svg: plain, digest: "d2" }));
  assert.equal(stage.getAttribute("tabindex"), null);
  one.stop();
  wide(900);
  window.dispatchEvent(new Event("resize"));
  assert.equal(stage.getAttribute("tabindex"), null);
});

test("the theme follows the page's ground", () => {
  const one = drawn(), root = one.find(".atlas");
  assert.equal(root.dataset.theme, undefined);
  for (const [ground, theme] of [["rgb(14, 17, 23)", "dark"], ["rgb(255, 255, 255)", "light"]]) {
    root.style.setProperty("--st-background-color", ground);
    one.show(data());
    assert.equal(root.dataset.theme, theme);
    assert.equal(one.find(".stage").style.color, "");
  }
});

test("a picture is kept for the PNG button while it is on the screen", () => {
  const one = drawn();
  const same = drawn();
  assert.equal(globalThis.atlasPictures.get("d1"), WORDS);
  one.show(data({ digest: "d2" }));
  assert.deepEqual([...globalThis.atlasPictures.keys()], ["d1", "d2"]);
  same.stop();
  assert.deepEqual([...globalThis.atlasPictures.keys()], ["d2"]);
  one.show(data({ digest: "d3" }));
  one.show(data({ digest: "d3" }));
  assert.deepEqual([...globalThis.atlasPictures.keys()], ["d3"]);
  one.stop();
  assert.equal(globalThis.atlasPictures.size, 0);
});

test("a picture that was taken away hears no Esc", () => {
  const one = drawn();
  click(word(one, "t1"));
  pointer(word(one, "t1"), "pointermove");
  one.stop();
  key(document.body, "Escape");
  assert.equal(one.told.length, 1);
});

const ACTS = svg('<text data-id="t0" data-tip="the&#10;id 5" data-act="write Write “the” instead&#10;beside In a new column">the</text><text data-id="t1">cat</text>');
const offered = (more) => drawn({ svg: ACTS, acts: true, ...more });
const card = (one) => one.find(".card");
const buttons = (one) => card(one).hidden ? [] : one.all(".card button").map((button) => button.textContent);

test("a click on a target offers there what can be done with it, its words above; Python hears which was pressed", () => {
  const one = offered();
  assert.deepEqual(buttons(one), []);
  click(word(one, "t0"));
  assert.deepEqual(buttons(one), ["Write “the” instead", "In a new column"]);
  assert.equal(one.find(".card p").textContent, "the\nid 5");
  assert.equal(one.find(".tip").hidden, true);
  assert.equal(card(one).getAttribute("aria-label"), "the");
  click(one.all(".card button")[1]);
  assert.deepEqual(one.told, [["lock", { ids: "t0", seq: 1 }], ["act", { id: "t0", name: "beside", seq: 2 }]]);
});

test("what is offered goes when another target is pointed at, and comes back with its own", () => {
  const one = offered();
  click(word(one, "t0"));
  pointer(one.find(".stage"), "pointerleave");
  assert.equal(card(one).hidden, false); // a pointer on its way to the card, a finger that is lifted
  pointer(word(one, "t1"), "pointermove");
  assert.equal(card(one).hidden, true);
  pointer(word(one, "t0"), "pointermove");
  assert.equal(card(one).hidden, false);
  click(word(one, "t0"));
  assert.equal(card(one).hidden, true);
  click(word(one, "t0"));
  click(word(one, "t1"));
  assert.equal(card(one).hidden, true);
});

test("nothing is offered of two locked targets, of a link's lock before it is pointed at, or where nobody listens", () => {
  const two = offered({ locked: "t0 t1" }), linked = offered({ digest: "d2", locked: "t0" }), file = offered({ digest: "d3", acts: false });
  pointer(word(two, "t0"), "pointermove");
  assert.deepEqual(buttons(two), []);
  assert.deepEqual(buttons(linked), []);
  pointer(word(linked, "t0"), "pointermove");
  assert.equal(buttons(linked).length, 2);
  click(word(file, "t0"));
  assert.deepEqual(buttons(file), []);
});

test("an act is told once until it is answered, and the answer may offer another one in the same place", () => {
  const one = offered();
  click(word(one, "t0"));
  for (let times = 0; times < 3; times += 1) click(one.find(".card button"));
  assert.equal(one.told.length, 2);
  one.show(data({ acts: true, locked: "t0", seq: 1, svg: ACTS })); // an answer to the lock
  click(one.find(".card button"));
  assert.equal(one.told.length, 2);
  one.show(data({ acts: true, locked: "t0", seq: 2, digest: "d2", svg: svg('<text data-id="t0" data-act="undo Undo">the</text>') }));
  assert.deepEqual(buttons(one), ["Undo"]);
  click(one.find(".card button"));
  assert.deepEqual(one.told.at(-1), ["act", { id: "t0", name: "undo", seq: 3 }]);
});

test("Enter goes on to what is offered, Esc back to the target, arrows on from it", () => {
  const one = offered();
  lay(word(one, "t0"), 0, 0, 20, 20);
  lay(word(one, "t1"), 40, 0, 20, 20);
  word(one, "t0").focus();
  key(word(one, "t0"), "Enter");
  assert.equal(document.activeElement, one.find(".card button"));
  let heard = 0;
  document.addEventListener("keydown", () => (heard += 1));
  assert.equal(key(one.find(".card button"), "Enter").defaultPrevented, false); // the browser presses the button
  assert.equal(heard, 0);
  key(one.find(".card button"), "Escape");
  assert.equal(document.activeElement, word(one, "t0"));
  assert.deepEqual(buttons(one), []);
  key(word(one, "t0"), "Enter");
  key(one.find(".card button"), "ArrowRight");
  assert.equal(document.activeElement, word(one, "t1"));
});

test("the focus stays on the card when another act takes the place of the one that was done", () => {
  const one = offered();
  key(word(one, "t0"), "Enter");
  click(one.find(".card button"));
  one.show(data({ acts: true, locked: "t0", seq: 2, digest: "d2", svg: svg('<text data-id="t0" data-act="undo Undo">the</text>') }));
  assert.equal(document.activeElement, one.find(".card button"));
  assert.equal(document.activeElement.textContent, "Undo");
});

test("the card touches its target and stays inside the picture and the window", () => {
  const one = offered(), at = (x, y) => lay(word(one, "t0"), x, y, 20, 20);
  lay(one.find(".atlas"), 100, 0, 300, 800);
  Object.defineProperty(card(one), "offsetWidth", { value: 120 });
  Object.defineProperty(card(one), "offsetHeight", { value: 40 });
  at(390, 100);
  click(word(one, "t0"));
  assert.deepEqual([card(one).style.left, card(one).style.top], ["176px", "119px"]);
  at(100, innerHeight - 30);
  pointer(word(one, "t0"), "pointermove");
  assert.deepEqual([card(one).style.left, card(one).style.top], ["0px", `${innerHeight - 30 - 40 + 1}px`]);
});

test("where the page itself says what is pointed at the card covers no more than its buttons need", () => {
  const one = offered({ report: true });
  click(word(one, "t0"));
  assert.equal(one.all(".card p").length, 0);
  assert.equal(buttons(one).length, 2);
});

test("hostile words stay text on the card", () => {
  const words = HOSTILE.replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  const one = drawn({ acts: true, svg: svg(`<text data-id="t0" data-tip="${words}" data-act="write ${words}">a</text>`) });
  click(word(one, "t0"));
  assert.equal(one.all("img").length, 0);
  assert.deepEqual(buttons(one), [HOSTILE]);
});

test("of elements that share an id the card stands beside the one that was clicked", () => {
  const one = drawn({ acts: true, svg: svg('<text data-id="t0" data-act="mask Mask">a</text><text data-id="t0">a</text>') });
  const [first, second] = one.all("[data-id=t0]");
  lay(first, 0, 0, 20, 20);
  lay(second, 50, 200, 20, 20);
  Object.defineProperty(one.find(".atlas"), "getBoundingClientRect", { value: () => ({ left: 0, top: 0, width: 300 }) });
  click(second);
  assert.deepEqual([card(one).style.left, card(one).style.top], ["50px", "219px"]);
});

test("what was done with a target is taken back there, also where it is unlocked and drawn anew in between", () => {
  const one = offered(), answer = (inside, seq) => one.show(data({ acts: true, locked: null, seq, digest: `d${seq}`, svg: svg(inside) }));
  click(word(one, "t0"));
  click(one.find(".card button"));
  answer('<text data-id="t9">written by now</text>', 2);
  assert.deepEqual(buttons(one), []);
  answer('<text data-id="t0" data-act="undo Undo">the</text><text data-id="t1">cat</text>', 2);
  assert.deepEqual(buttons(one), ["Undo"]);
  assert.equal(one.find(".chip").textContent, "");
  click(word(one, "t1"));
  assert.deepEqual(buttons(one), []);
});

test("Esc lets go of what can be taken back", () => {
  const one = offered();
  key(word(one, "t0"), "Enter");
  click(one.find(".card button"));
  one.show(data({ acts: true, locked: null, seq: 2, digest: "d2", svg: svg('<text data-id="t0" data-act="undo Undo">the</text>') }));
  key(one.find(".card button"), "Escape");
  assert.deepEqual(buttons(one), []);
  assert.equal(document.activeElement, word(one, "t0"));
});
