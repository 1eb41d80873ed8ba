// @ts-check
// What the browser does for a class: it keeps who one is in it (a teacher for all tabs, a pupil for
// this one), and holds a pupil's controls while the teacher has locked them.
// In: data of pages/shell/lesson/classroom/membership.py. Out: `kept`, where the server has forgotten.

/** @typedef {"sessionStorage" | "localStorage"} Place */
const NAME = "atlas-class";
/** @type {Place} */
const THIS_TAB = "sessionStorage";
/** @type {Place} */
const ALL_TABS = "localStorage";
const ACTS = ["pointerdown", "mousedown", "click", "dblclick", "keydown", "beforeinput", "paste", "drop"];
const FREE = ".st-key-atlas-lesson, .st-key-atlas-class"; // the lesson's panel and the class's line
let locked = false, holding = false;

/** @param {Mounted<ClassData>} component */
export default function ({ data, setTriggerValue }) {
  if (data.code && data.key && data.role) {
    const teaches = data.role === "teacher";
    write(teaches ? ALL_TABS : THIS_TAB, { code: data.code, key: data.key });
    if (teaches) write(THIS_TAB, null);
  } else {
    for (const place of [THIS_TAB, ALL_TABS])
      if (data.forget && read(place)?.code === data.forget) write(place, null);
    const kept = [read(THIS_TAB), read(ALL_TABS)].find((one) => one && (!data.ask || one.code === data.ask));
    if (kept) setTriggerValue("kept", kept);
  }
  locked = data.locked === true;
  if (locked) hold();
  return () => {
    locked = false;
  };
}

// Pictures may still be pointed at and read: only what changes the page is held.
function hold() {
  if (holding) return;
  holding = true;
  for (const act of ACTS) addEventListener(act, stop, { capture: true });
}

/** @param {Event} event */
function stop(event) {
  if (!locked) return;
  const path = event.composedPath().filter((node) => node instanceof Element);
  if (path.some((node) => node.matches(FREE))) return;
  if (event instanceof KeyboardEvent && passes(event, path[0])) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

/**
 * Keys that move the focus or the page, and those of the browser, change nothing.
 * @param {KeyboardEvent} event
 * @param {Element | undefined} target
 */
function passes(event, target) {
  if (event.key === "Tab" || event.ctrlKey || event.metaKey || event.altKey) return true;
  return !target || target === document.body || target.matches("[data-testid=stMain]");
}

/**
 * @param {Place} place
 * @returns {Seat | null}
 */
function read(place) {
  try {
    const kept = JSON.parse(globalThis[place].getItem(NAME) ?? "null");
    return kept && typeof kept.code === "string" && typeof kept.key === "string" ? kept : null;
  } catch {
    return null;
  }
}

/**
 * @param {Place} place
 * @param {Seat | null} kept
 */
function write(place, kept) {
  try {
    if (kept) globalThis[place].setItem(NAME, JSON.stringify(kept));
    else globalThis[place].removeItem(NAME);
  } catch {
    // A browser that keeps nothing is out of the class when the page is loaded again.
  }
}
