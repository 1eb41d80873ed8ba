import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import columns from "../../assets/components/columns.js";
import { click, clock, key, lay, mount, page, pointer } from "./page.js";

const HTML = '<div class="atlas sheet"><div class="grid"></div><p class="key"></p><div class="tip" role="tooltip" hidden></div></div>';
const HOSTILE = '<img src="x" onerror="1">';

/** A column of these tokens as the server tells it; `more` are other keys of it. */
function column(tokens, more = {}) {
  const each = (value) => tokens.map(() => value);
  return { name: "greedy", t: tokens, v: [], p: each(0.5), a: [], k: [], r: each(1), b: [], d: -1, f: [], w: false, end: "", idle: "", h: each(1), peak: 8, s: [], ...more };
}

const data = (list, more = {}) => ({ columns: list, prompt: "The sea", tint: "probability", height: 190, hues: ["#111111", "#222222", "#333333"], chosen: 0, mark: "", room: false, held: "", seq: 0, ...more });

beforeEach(() => {
  page();
  clock();
});

const sheet = (list, more) => mount(columns, HTML, data(list, more));
const spans = (one, i) => [...one.all(".column")[i].querySelectorAll(".t")];
const texts = (one, i) => spans(one, i).map((span) => span.textContent);

test("while a column is written only new tokens touch the page", () => {
  const one = sheet([column([" was"], { w: true })]), before = spans(one, 0);
  one.show(data([column([" was", " calm", "."], { w: true })]));
  assert.deepEqual(texts(one, 0), [" was", " calm", "."]);
  assert.equal(spans(one, 0)[0], before[0]);
  const text = one.find(".text");
  assert.equal(text.textContent, "The sea was calm.");
  assert.deepEqual([text.getAttribute("role"), text.getAttribute("aria-label"), text.dir], ["group", "Text of column 1", "auto"]);
});

test("tokens that turned out otherwise are replaced from the first other one on", () => {
  const one = sheet([column([" was", " calm", " and"])]), before = spans(one, 0);
  one.show(data([column([" was", " wild"])]));
  assert.deepEqual(texts(one, 0), [" was", " wild"]);
  assert.equal(spans(one, 0)[0], before[0]);
  assert.equal(before[1].isConnected, false);
  one.show(data([column([])]));
  assert.deepEqual(texts(one, 0), []);
});

test("the caret blinks at the end of a column as long as it is written", () => {
  const one = sheet([column([" was"], { w: true })]), caret = one.find(".caret");
  assert.equal(caret.previousElementSibling, spans(one, 0)[0]);
  assert.deepEqual([caret.hidden, caret.style.display], [false, ""]);
  one.show(data([column([" was"])]));
  assert.deepEqual([caret.hidden, caret.style.display], [true, "none"]);
});

test("a text scrolls along while it is written, but not away from where somebody reads", () => {
  const one = sheet([column([" was"], { w: true })]), text = one.find(".text");
  Object.defineProperty(text, "clientHeight", { value: 100 });
  Object.defineProperty(text, "scrollHeight", { value: 300, writable: true });
  text.scrollTop = 190;
  one.show(data([column([" was", " calm"], { w: true })]));
  assert.equal(text.scrollTop, 300);
  text.scrollTop = 50;
  one.show(data([column([" was", " calm", "."], { w: true })]));
  assert.equal(text.scrollTop, 50);
});

test("columns come and go, each named and numbered", () => {
  const one = sheet([column(["a"]), column(["b"], { name: "top-k 5" })]);
  assert.deepEqual(one.all(".column").map((box) => box.getAttribute("aria-label")), ["Column 1: greedy", "Column 2: top-k 5"]);
  assert.equal(one.find(".grid").style.getPropertyValue("--n"), "2");
  one.show(data([column(["a"]), column(["b"]), column(["c"])]));
  assert.deepEqual(one.all(".name").map((name) => name.textContent), ["1greedy", "2greedy", "3greedy"]);
  assert.equal(one.find(".grid").style.getPropertyValue("--half"), "3");
  one.show(data([column(["a"])]));
  assert.equal(one.all(".column").length, 1);
});

test("hostile tokens, names and prompts stay text, in the tooltip and the figures too", () => {
  const one = sheet([column([HOSTILE], { name: HOSTILE, end: HOSTILE, v: [HOSTILE], b: [[HOSTILE, 0.5]], s: [[HOSTILE, HOSTILE, HOSTILE]] })], { prompt: HOSTILE, mark: HOSTILE });
  pointer(spans(one, 0)[0], "pointerover");
  assert.equal(one.all("img").length, 0);
  assert.equal(spans(one, 0)[0].textContent, HOSTILE);
  assert.ok(one.find(".tip").textContent.startsWith(HOSTILE));
  assert.equal(one.find("dt").title, HOSTILE);
  assert.ok(one.find(".key").textContent.endsWith(HOSTILE));
});

test("a token tells its probability and its rank by its colour, and where it leaves the chosen column", () => {
  const one = sheet([column(["a", "b", "c", "d", "\n", ""], { p: [0.5, 0.2, 0.1, 0.1, 0.1, 0.1], r: [10, 11, 101, 1001, 1, 1], d: 1, f: [2] })]);
  const all = spans(one, 0);
  assert.deepEqual(all.map((span) => span.dataset.band), ["0", "1", "2", "3", "0", "0"]);
  assert.equal(all[1].style.getPropertyValue("--p"), "0.2");
  const having = (style) => all.flatMap((span, i) => (span.classList.contains(style) ? [i] : []));
  assert.deepEqual(["parts", "forced", "blank", "part"].map(having), [[1], [2], [4], [5]]);
});

test("colours follow when another column is chosen, without a new text", () => {
  const one = sheet([column(["a", "b"]), column(["a", "c"], { d: 1 })]), before = spans(one, 1)[1];
  one.show(data([column(["a", "b"], { d: 1 }), column(["a", "c"])], { chosen: 1, seq: 1 }));
  assert.equal(spans(one, 1)[1], before);
  assert.equal(before.classList.contains("parts"), false);
  assert.deepEqual(one.all(".column").map((box) => box.classList.contains("chosen")), [false, true]);
});

test("below a column stand how it ended, its entropy as a line and its figures", () => {
  const one = sheet([column(["a", "b", "c"], { w: true, idle: "writing …", h: [0, 4, 8] })]);
  assert.equal(one.find(".end.empty").textContent, "writing …");
  assert.equal(one.find("polyline").getAttribute("points"), "0.0,29.0 100.0,15.5 200.0,2.0");
  assert.equal(one.find(".foot svg").getAttribute("aria-label"), "Entropy before each token, 0 to 8 bits");
  one.show(data([column(["a", "b", "c"], { end: "Limit reached.", h: [0, 4, 8], s: [["tokens", "3", "New tokens"]] })]));
  assert.equal(one.find(".end").textContent, "Limit reached.");
  assert.equal(one.all(".foot svg").length, 1);
  assert.deepEqual([one.find("dt").textContent, one.find("dd").textContent, one.find("dd").title], ["tokens", "3", "New tokens"]);
});

test("what stands below is not made anew while nothing in it changes", () => {
  const one = sheet([column(["a", "b"])]), before = one.find(".end");
  one.show(data([column(["a", "b"])]));
  assert.equal(one.find(".end"), before);
  one.show(data([column(["a", "b"], { end: "Stopped." })]));
  assert.notEqual(one.find(".end"), before);
});

test("the legend says what the colours mean, and what the mark means where there is one", () => {
  const one = sheet([column(["a"])], { mark: "▾ first difference from column 1" });
  assert.match(one.find(".key").textContent, /probability.*0 %100 %▾ first difference from column 1$/);
  one.show(data([column(["a"])], { tint: "rank" }));
  assert.match(one.find(".key").textContent, /^top 10top 100top 1,000beyond/);
  assert.equal(one.all(".swatch").length, 4);
  assert.equal(one.find(".atlas").dataset.tint, "rank");
});

test("a click on a token locks it, a second one keeps its column only", () => {
  const one = sheet([column(["a", "b"]), column(["c"])]);
  click(spans(one, 0)[1]);
  assert.deepEqual(one.all(".held").map((span) => span.textContent), ["b"]);
  click(spans(one, 1)[0]);
  click(spans(one, 1)[0]);
  assert.deepEqual(one.told.map(([name, lock]) => [name, lock.at, lock.seq]), [["lock", "c1 t2", 1], ["lock", "c2 t1", 2], ["lock", "c2", 3]]);
  assert.equal(one.all(".held").length, 0);
  click(one.find(".foot"));
  assert.equal(one.told.length, 3);
});

test("the head of a column chooses it", () => {
  const one = sheet([column(["a"]), column(["b"])]);
  click(one.all(".name")[1]);
  assert.deepEqual(one.told, [["lock", { at: "c2", seq: 1 }]]);
  assert.deepEqual(one.all(".name").map((name) => name.getAttribute("aria-pressed")), ["false", "true"]);
  click(one.all(".name")[1]);
  assert.equal(one.told.at(-1)[1].at, "c2");
});

test("an answer to an older click does not undo a newer one, and a look in between neither", () => {
  const one = sheet([column(["a", "b"])]);
  click(spans(one, 0)[0]);
  click(spans(one, 0)[1]);
  one.show(data([column(["a", "b"])], { held: "c1 t1", seq: 1 }));
  assert.deepEqual(one.all(".held").map((span) => span.textContent), ["b"]);
  one.show(data([column(["a", "b"])], { held: "c1 t1", seq: 2 }));
  assert.deepEqual(one.all(".held").map((span) => span.textContent), ["a"]);
});

test("a lock on a token that is not written yet lights it once it is", () => {
  const one = sheet([column(["a"], { w: true })], { held: "c1 t2" });
  assert.equal(one.all(".held").length, 0);
  one.show(data([column(["a", "b"])], { held: "c1 t2" }));
  assert.deepEqual(one.all(".held").map((span) => span.textContent), ["b"]);
});

test("arrows go from token to token and from column to column, as far as there are any", () => {
  const one = sheet([column(["a", "b", "c"]), column(["d"])]);
  assert.deepEqual([spans(one, 0)[0].tabIndex, spans(one, 0)[1].tabIndex, spans(one, 1)[0].tabIndex], [0, -1, -1]);
  spans(one, 0)[0].focus();
  const at = (name) => {
    const event = key(document.activeElement, name);
    return [document.activeElement.textContent, event.defaultPrevented];
  };
  assert.deepEqual(["ArrowRight", "ArrowRight", "ArrowRight"].map(at), [["b", true], ["c", true], ["c", true]]);
  assert.deepEqual(["ArrowDown", "ArrowDown", "ArrowUp", "ArrowLeft"].map(at), [["d", true], ["d", false], ["a", true], ["a", false]]);
  assert.equal(spans(one, 0)[0].tabIndex, 0);
});

test("one token is the Tab stop, also after looks, and where the one that was is gone", () => {
  const one = sheet([column([]), column(["a", "b"])]);
  const stops = () => one.all('[tabindex="0"]').map((span) => span.textContent);
  assert.deepEqual(stops(), ["a"]);
  spans(one, 1)[0].focus();
  key(spans(one, 1)[0], "ArrowRight");
  one.show(data([column(["c"]), column(["a", "b", "d"])]));
  assert.deepEqual(stops(), ["b"]);
  one.show(data([column(["c"]), column(["a"])]));
  assert.deepEqual(stops(), ["c"]);
});

test("Enter and the space bar lock the token with the focus, and do not write or stop", () => {
  const one = sheet([column(["a", "b"])]);
  let heard = 0;
  document.addEventListener("keydown", () => (heard += 1));
  assert.equal(key(spans(one, 0)[1], " ").defaultPrevented, true);
  key(spans(one, 0)[0], "Enter");
  assert.deepEqual(one.told.map(([, lock]) => lock.at), ["c1 t2", "c1 t1"]);
  assert.equal(heard, 0);
  key(one.find(".name"), " ");
  assert.equal(heard, 1);
});

test("Esc lets go of a token, not of the column", () => {
  const one = sheet([column(["a", "b"])]);
  click(spans(one, 0)[1]);
  key(spans(one, 0)[1], "Escape");
  key(spans(one, 0)[1], "Escape");
  assert.deepEqual(one.told.map(([, lock]) => lock.at), ["c1 t2", "c1"]);
});

test("the tooltip tells a token's probability before and after the filters, and the top tokens", () => {
  const one = sheet([column([" was", "", "!"], {
    p: [0.5, 0.0123, 0.25], r: [1, 2000, 3], a: [0.75, 1, 0], k: [1200, 1, 5], h: [1.25, 2, 3],
    v: ["·was", "", "!"], b: [["·was", 0.5, "·is⏎", 0.25], [], []], d: 1, f: [2],
  })]);
  const told = spans(one, 0).map((span) => {
    pointer(span, "pointerover");
    return one.find(".tip").textContent.split("\n");
  });
  assert.deepEqual(told[0], ["·was   token 1", "model probability 50.0 %, rank 1", "after filters 75.0 %, 1,200 tokens kept", "entropy 1.3 bits", "top tokens: ·was 50.0 %, ·is⏎ 25.0 %"]);
  assert.equal(told[1][0], "part of a character   token 2");
  assert.equal(told[1][1], "model probability 1.2 %, rank 2,000");
  assert.equal(told[1].at(-1), "▾ first difference from column 1");
  assert.equal(told[2][2], "removed by the filters");
  assert.equal(told[2].at(-1), "forced");
});

test("the first three figures stand in sight, the others are folded", () => {
  const rows = Array.from({ length: 5 }, (_, i) => [`figure ${i}`, `${i}`, "why"]);
  const one = sheet([column(["a"], { s: rows }), column(["b"], { s: rows.slice(0, 3) })]);
  const shown = (list) => [...list.querySelectorAll("dt")].map((name) => name.textContent);
  const [first, second] = one.all(".foot");
  assert.deepEqual(shown(first.querySelector("dl")), ["figure 0", "figure 1", "figure 2"]);
  assert.deepEqual(shown(first.querySelector("details")), ["figure 3", "figure 4"]);
  assert.equal(first.querySelector("summary").textContent, "More figures");
  assert.equal(second.querySelector("details"), null);
});

test("one more column can be added where there is room for it", () => {
  const one = sheet([column(["a"]), column(["b"])], { room: true }), add = () => one.all(".add");
  assert.equal(add()[0].textContent, "+ Add column");
  assert.equal(one.find(".grid").lastElementChild, add()[0]);
  assert.equal(one.find(".grid").style.getPropertyValue("--n"), "3");
  click(add()[0]);
  click(add()[0]);
  assert.deepEqual(one.told.map(([name, { seq }]) => [name, seq]), [["add", 1], ["add", 2]]);
  one.show(data([column(["a"]), column(["b"]), column(["c"])], { room: true }));
  assert.equal(one.find(".grid").lastElementChild, add()[0]);
  one.show(data([column(["a"])]));
  assert.equal(add().length, 0);
});

test("up to four cells stand in one row on a narrow screen, more in two", () => {
  const half = (n, room) => sheet(Array.from({ length: n }, () => column(["a"])), { room }).find(".grid").style.getPropertyValue("--half");
  assert.deepEqual([half(3, true), half(4, false), half(4, true), half(6, false)], ["4", "4", "3", "3"]);
});

test("the tooltip tells less while columns are written, and goes with the pointer", () => {
  const one = sheet([column(["a"], { w: true })]);
  pointer(spans(one, 0)[0], "pointerover");
  assert.deepEqual(one.find(".tip").textContent.split("\n").length, 3);
  pointer(one.find(".prompt"), "pointerover");
  assert.equal(one.find(".tip").hidden, true);
  pointer(spans(one, 0)[0], "pointerover");
  pointer(one.find(".grid"), "pointerleave");
  assert.equal(one.find(".tip").hidden, true);
});

test("the tooltip stands below its token, above where there is no room, and inside the sheet", () => {
  const one = sheet([column(["a"])]), tip = one.find(".tip"), span = spans(one, 0)[0];
  lay(one.find(".atlas"), 100, 0, 400, 900);
  Object.defineProperty(tip, "offsetWidth", { value: 200 });
  Object.defineProperty(tip, "offsetHeight", { value: 60 });
  lay(span, 480, 100, 20, 20);
  pointer(span, "pointerover");
  assert.deepEqual([tip.style.left, tip.style.top], ["196px", "128px"]);
  lay(one.find(".atlas"), 100, 5, 400, 900);
  lay(span, 110, innerHeight - 85, 20, 20); // 65 below, for 60 and a gap of 8
  pointer(span, "pointerover");
  assert.deepEqual([tip.style.left, tip.style.top], ["10px", `${innerHeight - 85 - 5 - 68}px`]);
});

test("the theme follows the page's ground", () => {
  const one = sheet([column(["a"])]), root = one.find(".atlas");
  root.style.setProperty("--st-background-color", "rgb(14, 17, 23)");
  one.show(data([column(["a"])]));
  assert.equal(root.dataset.theme, "dark");
});

/** What is read aloud after each look at one column of these texts. */
function heard(looks, others = []) {
  const one = sheet([column([], { w: true }), ...others]), aloud = one.find("[aria-live=polite]");
  return looks.map(([text, more]) => {
    aloud.textContent = "";
    one.show(data([column([text], { w: true, ...more }), ...others]));
    return aloud.textContent;
  });
}

test("what is written is read aloud once a sentence, and the rest with how it ended", () => {
  const looks = [[" was calm"], [" was calm."], [' was calm. He said "3.5!" and'], [' was calm. He said "3.5!" and left. Then'], [' was calm. He said "3.5!" and left. Then']];
  assert.deepEqual(heard(looks), ["", "", 'was calm. He said "3.5!"', "and left.", ""]);
  assert.deepEqual(heard([[" was calm"], [" was calm and", { w: false, end: "Limit reached." }], [" was calm and", { w: false, end: "Limit reached." }]]), ["", "was calm and Limit reached.", ""]);
  assert.deepEqual(heard([["海は静か。彼"], ["海は静か。彼は\n"]]), ["海は静か。", "彼は"]);
});

test("with several columns the chosen one is read, by its number, and what stood there before is not", () => {
  assert.deepEqual(heard([["Calm. It"]], [column(["Wild. It"], { w: true })]), ["Column 1: Calm."]);
  const one = sheet([column(["Calm. It "], { w: true }), column(["Wild. It "], { w: true })]), aloud = one.find("[aria-live=polite]");
  click(one.all(".name")[1]);
  one.show(data([column(["Calm. It is. A"], { w: true }), column(["Wild. It "], { w: true })], { seq: 1, chosen: 1, held: "c2" }));
  assert.equal(aloud.textContent, "");
  one.show(data([column(["Calm. It is. A"], { w: true }), column(["Wild. It was. A"], { w: true })], { seq: 1, chosen: 1, held: "c2" }));
  assert.equal(aloud.textContent, "Column 2: was.");
});

test("a text that was finished when the page opened is not read, one that is written anew is", () => {
  const one = sheet([column(["Calm. It was."], { end: "Limit reached." })]), aloud = one.find("[aria-live=polite]");
  one.show(data([column(["Calm. It was."], { end: "Limit reached." })]));
  assert.equal(aloud.textContent, "");
  one.show(data([column([], { w: true })]));
  one.show(data([column(["Wild. "], { w: true })]));
  assert.equal(aloud.textContent, "Wild.");
});
