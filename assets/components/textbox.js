// @ts-check
// A text field that reports while somebody types: a short pause, or leaving the field, sends it.
// What comes back from the server never overwrites what was typed since.

/** @type {WeakMap<HTMLElement, ReturnType<typeof box>>} */
const boxes = new WeakMap();
const PAUSE = 150; // milliseconds

/** @param {Mounted<TextData>} component */
export default function ({ data, parentElement, setStateValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".textbox"));
  let one = boxes.get(root);
  if (!one) boxes.set(root, (one = box(root)));
  one.tell = setStateValue;
  // No clean-up: Streamlit runs it between two looks as well, and what is typed must stay.
  one.show(data);
}

/** @param {HTMLElement} root */
function box(root) {
  const area = /** @type {HTMLTextAreaElement} */ (root.querySelector("textarea"));
  const label = /** @type {HTMLElement} */ (root.querySelector("label"));
  const one = { tell: /** @type {Tell | null} */ (null), show };
  /** @type {string | null} */
  let sent = null;
  let seq = 0, timer = 0, composing = false, limit = Infinity;

  /** @param {TextData} data */
  function show(data) {
    label.textContent = data.label;
    area.placeholder = data.placeholder;
    area.style.setProperty("--height", data.height + "px");
    limit = data.limit;
    if ((data.seq || 0) < seq || timer || composing) return;
    seq = data.seq || 0;
    sent = data.text;
    if (area.value !== data.text) area.value = data.text;
  }

  area.addEventListener("input", wait);
  area.addEventListener("blur", send);
  area.addEventListener("compositionstart", () => (composing = true));
  area.addEventListener("compositionend", () => { composing = false; wait(); });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  });

  function wait() {
    clearTimeout(timer);
    if (!composing) timer = setTimeout(send, PAUSE);
  }

  function send() {
    clearTimeout(timer);
    timer = 0;
    if (composing || area.value === sent) return;
    if (area.value.length > limit) area.value = area.value.slice(0, limit);
    sent = area.value;
    seq += 1;
    one.tell?.("typed", { text: sent, seq });
  }

  return one;
}
