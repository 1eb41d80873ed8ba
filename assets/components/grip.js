// @ts-check
// A grip at a row of a list: dragged, or moved by the arrow keys, it says where the row is to go
// (pages/shell/client/grip.py). Rows are `st-key-<list>-row-<n>`, counted from 1.

/** @type {WeakMap<HTMLElement, ReturnType<typeof grip>>} */
const grips = new WeakMap();
/** @type {Map<string, HTMLElement>} the buttons of the page by list and place */
const buttons = new Map();
const FAR = 4; // pixels before a press is a drag

/** @param {Mounted<GripData>} component */
export default function ({ data, parentElement, setStateValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".grip"));
  let one = grips.get(root);
  if (!one) grips.set(root, (one = grip(root)));
  one.tell = setStateValue;
  one.show(data);
}

/** @param {HTMLElement} root */
function grip(root) {
  const button = /** @type {HTMLButtonElement} */ (root.querySelector("button"));
  const word = /** @type {HTMLElement} */ (root.querySelector("p"));
  const one = { tell: /** @type {Tell | null} */ (null), show };
  let list = "", place = 0, count = 0, seq = 0;
  /** @type {{ y: number, on: boolean, to: number } | null} */
  let drag = null;

  /** @param {GripData} data */
  function show(data) {
    ({ list, place, count } = data);
    seq = Math.max(seq, data.seq || 0);
    button.setAttribute("aria-label", data.label);
    button.title = data.label;
    buttons.set(`${list} ${place}`, button);
  }

  /** @param {number} to */
  function move(to) {
    if (to === place || to < 1 || to > count) return;
    seq += 1;
    one.tell?.("moved", { from: place, to, seq });
  }

  button.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drag) return end();
    const to = { ArrowUp: place - 1, ArrowDown: place + 1, Home: 1, End: count }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to === place || to < 1 || to > count) return;
    const other = buttons.get(`${list} ${to}`);
    move(to);
    other?.focus(); // the row goes there, and the hand with it
    const heard = other?.parentElement?.querySelector("p") ?? word;
    heard.textContent = `Moved to place ${to} of ${count}.`;
  });

  button.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    button.setPointerCapture?.(event.pointerId);
    drag = { y: event.clientY, on: false, to: place };
  });
  button.addEventListener("pointermove", (event) => {
    if (!drag || (!drag.on && Math.abs(event.clientY - drag.y) < FAR)) return;
    drag.on = true;
    drag.to = under(event.clientY);
    mark(drag.to);
    rows()[drag.to - 1]?.scrollIntoView?.({ block: "nearest" });
  });
  button.addEventListener("pointerup", () => {
    const to = drag?.on ? drag.to : place;
    end();
    move(to);
  });
  button.addEventListener("pointercancel", end);

  function end() {
    drag = null;
    mark(0);
  }

  function rows() {
    const page = button.ownerDocument, found = [];
    for (let n = 1; n <= count; n += 1) {
      const row = /** @type {HTMLElement | null} */ (page.querySelector(`.st-key-${list}-row-${n}`));
      if (row) found.push(row);
    }
    return found;
  }

  /**
   * The place of the row that a height is in: the first or last one above or below all.
   * @param {number} y
   */
  function under(y) {
    const all = rows();
    const at = all.findIndex((row) => y < row.getBoundingClientRect().bottom);
    return at < 0 ? all.length : at + 1;
  }

  /**
   * A line where the row would come to stand; 0 takes it away.
   * @param {number} to
   */
  function mark(to) {
    rows().forEach((row, at) => {
      const here = at + 1 === to && to !== place;
      row.style.boxShadow = here ? `0 ${to < place ? -3 : 3}px 0 0 currentColor` : "";
      row.style.opacity = drag?.on && at + 1 === place ? "0.5" : "";
    });
  }

  return one;
}
