// @ts-check
// Says to who does not see the page what was written on it, one announcement a sentence.
// Nothing of it is seen; what stood there when the page was opened is not read.

import { find } from "./dom.js";
import { readable } from "./sentences.js";

/** @type {WeakMap<HTMLElement, { text: string, spoken: number }>} */
const heard = new WeakMap();

/** @param {Mounted<AloudData>} component */
export default function ({ data, parentElement }) {
  const root = find(parentElement, ".aloud"), { text, done } = data;
  const before = heard.get(root);
  let spoken = text.length; // at first, and after a step back: nothing is news
  if (before && text.startsWith(before.text)) spoken = before.spoken;
  else if (before && !before.text.startsWith(text)) spoken = 0;
  const whole = readable(text.slice(spoken), done);
  if (whole.trim()) root.textContent = whole.trim();
  heard.set(root, { text, spoken: spoken + whole.length });
}
