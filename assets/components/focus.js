// @ts-check
// Moves the focus to a widget when the page goes on to another moment (pages/shell/client/focus.py).
// The first moment of a page moves nothing: somebody may be anywhere on it.

const TRIES = 40, PAUSE = 50; // the widget is drawn a little later

/** @type {Map<string, string>} */
const before = new Map();
let timer = 0;

/** @param {Mounted<FocusData>} component */
export default function ({ data, parentElement }) {
  const place = location.pathname, last = before.get(place);
  before.clear(); // of another page nothing is kept
  before.set(place, data.moment);
  if (last !== undefined && last !== data.moment) reach(data.target, parentElement.ownerDocument ?? document, 0);
}

/**
 * @param {string} target
 * @param {Document} page
 * @param {number} tries
 */
function reach(target, page, tries) {
  clearTimeout(timer);
  const node = /** @type {HTMLElement | null} */ (page.querySelector(`.st-key-${CSS.escape(target)} :is(input,textarea,button)`));
  if (node) node.focus();
  else if (tries < TRIES) timer = setTimeout(reach, PAUSE, target, page, tries + 1);
}
