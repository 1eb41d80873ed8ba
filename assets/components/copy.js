// @ts-check
// Copies a link that holds every value of the page, those at their defaults too.
import { write } from "./clipboard.js";

/** @type {WeakMap<HTMLElement, { data: CopyData, had: URLSearchParams }>} */
const states = new WeakMap();

/** @type {WeakMap<HTMLElement, number>} */
const timers = new WeakMap();

/** @param {Mounted<CopyData>} component */
export default function ({ data, parentElement }) {
  const button = /** @type {HTMLButtonElement} */ (parentElement.querySelector("button"));
  const note = /** @type {HTMLElement} */ (parentElement.querySelector("p"));
  const field = /** @type {HTMLInputElement} */ (parentElement.querySelector("input"));
  const word = /** @type {HTMLElement} */ (parentElement.querySelector(".word"));
  // What the address held when this data was made: a key that has gone since is at its default.
  states.set(button, { data, had: new URLSearchParams(location.search) });

  button.onclick = async () => {
    const { data, had } = /** @type {{ data: CopyData, had: URLSearchParams }} */ (states.get(button));
    const link = address(data, had, new URLSearchParams(location.search));
    field.hidden = true;
    word.hidden = false;
    const done = await write(link, field);
    field.hidden = done;
    const words = [done ? "Link copied." : "Copy this link:"];
    if (!done) {
      field.hidden = false;
      field.value = link;
      field.focus();
      field.select();
    }
    if (data.long) words.push(data.long);
    if (!data.base && ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"].includes(location.hostname))
      words.push("It opens on this computer only.");
    note.textContent = words.join(" ");
    clearTimeout(timers.get(button));
    if (done) timers.set(button, setTimeout(() => (word.hidden = true), 6000));
  };
  button.disabled = false;
}

/**
 * @param {CopyData} data
 * @param {URLSearchParams} had  the address when the data was made
 * @param {URLSearchParams} now
 */
function address(data, had, now) {
  const all = new URLSearchParams();
  const put = (/** @type {string} */ key, /** @type {string | string[]} */ value) => {
    all.delete(key);
    for (const one of [value].flat()) if (one !== "" || data.defaults[key]) all.append(key, one);
  };
  for (const [key, value] of Object.entries(data.values)) put(key, value);
  for (const [key, value] of Object.entries(data.defaults))
    if (had.has(key) && !now.has(key)) put(key, value);
  // Controls of a fragment change the address without a run of the page.
  for (const key of Object.keys(data.defaults)) if (now.has(key)) put(key, now.getAll(key));
  const path = location.pathname;
  const base = data.base ? data.base + (path.split("/").pop() ? "/" + path.split("/").pop() : "/") : location.origin + path;
  return base + "?" + all.toString();
}
