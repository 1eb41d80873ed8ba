// @ts-check
// A text to be taken elsewhere: shown whole in a field, copied by the button beside it.
import { write } from "./clipboard.js";

/** @type {WeakMap<HTMLElement, number>} */
const timers = new WeakMap();

/** @param {Mounted<FieldData>} component */
export default function ({ data, parentElement }) {
  const label = /** @type {HTMLElement} */ (parentElement.querySelector("label"));
  const name = /** @type {HTMLElement} */ (label.querySelector("span"));
  const field = /** @type {HTMLTextAreaElement} */ (label.querySelector("textarea"));
  const button = /** @type {HTMLButtonElement} */ (parentElement.querySelector("button"));
  const note = /** @type {HTMLElement} */ (parentElement.querySelector("p"));
  name.textContent = data.label;
  field.rows = data.rows;
  field.value = data.text;
  field.onfocus = () => field.select();
  button.setAttribute("aria-label", `Copy: ${data.label}`);
  button.onclick = async () => {
    const done = await write(data.text, field);
    note.textContent = done ? "Copied." : "Press Ctrl+C (⌘C) to copy.";
    if (!done) field.select();
    clearTimeout(timers.get(button));
    timers.set(button, setTimeout(() => (note.textContent = ""), 6000));
  };
  button.disabled = false;
}
