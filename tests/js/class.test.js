// What the browser keeps of a class, and how it holds a pupil's controls.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { page, put } from "./page.js";

const TEACHER = { code: "K7Q2MP", key: "t".repeat(32), role: "teacher", ask: "K7Q2MP", forget: "" };
const PUPIL = { code: "K7Q2MP", key: "p".repeat(32), role: "pupil", ask: "K7Q2MP", forget: "" };
let show, window, told;

beforeEach(async () => {
  window = page("http://localhost:8501/Learn");
  put("KeyboardEvent", window.KeyboardEvent);
  for (const name of ["sessionStorage", "localStorage"]) put(name, window[name]);
  // A document of its own: the module remembers what it has done for its document.
  show = (await import(`../../assets/components/class.js?${Math.random()}`)).default;
  told = [];
});

const draw = (data) => show({ data, parentElement: window.document.body, setTriggerValue: (...it) => told.push(it) });
const kept = (place) => JSON.parse(globalThis[place].getItem("atlas-class"));

test("a teacher is kept for all tabs, a pupil for this one", () => {
  draw(TEACHER);
  assert.deepEqual(kept("localStorage"), { code: TEACHER.code, key: TEACHER.key });
  assert.equal(kept("sessionStorage"), null);
  draw(PUPIL);
  assert.deepEqual(kept("sessionStorage"), { code: PUPIL.code, key: PUPIL.key });
  assert.equal(kept("localStorage").key, TEACHER.key);
  assert.deepEqual(told, []);
});

test("a server that has forgotten is told, of the class that is meant only", () => {
  draw(PUPIL);
  draw({ ask: "ABCDEF", forget: "" });
  assert.deepEqual(told, []);
  draw({ ask: "K7Q2MP", forget: "" });
  draw({ ask: "", forget: "" });
  assert.deepEqual(told, Array(2).fill(["kept", { code: PUPIL.code, key: PUPIL.key }]));
});

test("a class that is no more is forgotten, and no other", () => {
  draw(TEACHER);
  draw({ ask: "", forget: "ABCDEF" });
  assert.equal(told.length, 1);
  draw({ ask: "", forget: "K7Q2MP" });
  assert.equal(told.length, 1);
  assert.equal(kept("localStorage"), null);
});

test("what was not written by us is left alone, and a browser may keep nothing", () => {
  localStorage.setItem("atlas-class", "{");
  sessionStorage.setItem("atlas-class", '{"code": 7}');
  draw({ ask: "", forget: "" });
  assert.deepEqual(told, []);
  const refusing = { getItem: () => { throw new Error("no"); }, setItem: () => { throw new Error("no"); }, removeItem: () => { throw new Error("no"); } };
  for (const name of ["sessionStorage", "localStorage"]) put(name, refusing);
  draw(PUPIL);
  draw({ ask: "", forget: "K7Q2MP" });
  assert.deepEqual(told, []);
});

/** Whether an event reaches what it is meant for. */
function reaches(target, event) {
  let came = false;
  const see = () => (came = true);
  target.addEventListener(event.type, see);
  target.dispatchEvent(event);
  target.removeEventListener(event.type, see);
  return came && !event.defaultPrevented;
}

function parts() {
  document.body.innerHTML = `<div data-testid="stMain"><button id="out">Next</button><input id="field">
    <div id="shadow"></div><div class="st-key-atlas-lesson"><button id="in">banana</button></div></div>`;
  const root = document.getElementById("shadow").attachShadow({ mode: "open" });
  root.innerHTML = "<button>pin</button>";
  const [out, field, inside] = ["out", "field", "in"].map((id) => document.getElementById(id));
  return { out, field, inside, pin: root.querySelector("button") };
}

const click = () => new window.MouseEvent("click", { bubbles: true, composed: true, cancelable: true });
const key = (name, more = {}) => new window.KeyboardEvent("keydown", { key: name, bubbles: true, composed: true, cancelable: true, ...more });

test("locked, only the lesson's panel takes clicks and keys", () => {
  const { out, field, inside, pin } = parts();
  assert.ok(reaches(out, click()));
  const stop = draw({ ...PUPIL, locked: true });
  for (const held of [out, pin]) assert.ok(!reaches(held, click()));
  assert.ok(!reaches(field, key("a")) && !reaches(field, new window.Event("beforeinput", { bubbles: true, cancelable: true })));
  assert.ok(!reaches(out, key("Enter")));
  assert.ok(reaches(inside, click()) && reaches(inside, key("Enter")));
  // The focus, the page and the browser are not the page's controls.
  assert.ok(reaches(out, key("Tab")) && reaches(out, key("r", { ctrlKey: true })));
  assert.ok(reaches(document.body, key("PageDown")));
  draw({ ...PUPIL, locked: false });
  assert.ok(reaches(out, click()) && reaches(field, key("a")));
  draw({ ...PUPIL, locked: true });
  assert.ok(!reaches(out, click()));
  stop(); // another page has come
  assert.ok(reaches(out, click()));
});

test("a pointer that only points is never held", () => {
  const { out } = parts();
  draw({ ...PUPIL, locked: true });
  const over = new window.MouseEvent("mouseover", { bubbles: true, cancelable: true });
  assert.ok(reaches(out, over));
});
