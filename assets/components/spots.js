// @ts-check
// Where the glossary's terms stand on a page: in captions, in labels of controls, in what our pictures
// say of themselves. What a picture shows of a text (its tokens, its words) is no label and stays bare.

/** @typedef {ReturnType<typeof words>} Known */

export const CAPTIONS = "[data-testid=stCaptionContainer]";
export const LABELS = "[data-testid=stWidgetLabel]";
export const PICTURES = "[data-testid=stBidiComponentIsolated]";
export const PLACES = `${CAPTIONS},${LABELS},${PICTURES}`;
const SAID = "svg text,.key,.foot dt"; // what a picture says of itself
const SHOWN = "[data-id],[data-on],[data-show],[data-tip],.matrix,[font-family*=mono],.labels,.plot"; // what it shows
const BARE = "a,code,button,[data-testid=stIconMaterial]";
export const DOTS = "term-dots";
const MOST = 400; // texts of a picture that are looked at

/**
 * The terms by each way they are written, and what finds them in a text.
 * @param {Term[]} terms
 */
export function words(terms) {
  /** @type {Map<string, Term>} */
  const by = new Map();
  for (const term of terms) for (const form of term.forms) by.set(form.toLowerCase(), term);
  const forms = [...by.keys()].sort((a, b) => b.length - a.length);
  const safe = forms.map((form) => form.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
  // A term is a word of its own: neither `key` in `keyboard` nor `token` in `sub-token`.
  return { by, sought: new RegExp(`(?<![\\p{L}\\p{N}-])(?:${safe.join("|")})(?![\\p{L}\\p{N}-])`, "giu") };
}

/**
 * The first place of each term in a caption, a label or a picture.
 * @param {Element} place
 * @param {Known} known
 * @returns {TermSpot[]}
 */
export function spots(place, known) {
  /** @type {Map<Term, TermSpot>} */
  const found = new Map();
  for (const part of parts(place)) read(part, known, found);
  return [...found.values()];
}

/** @param {Element} place */
function parts(place) {
  if (!place.matches(PICTURES)) return place.matches(LABELS) && hidden(place) ? [] : [place];
  const every = [...(place.shadowRoot?.querySelectorAll(SAID) ?? [])].slice(0, MOST);
  return every.filter((one) => !one.closest(SHOWN) && !hidden(one));
}

/** @param {Element} place */
function hidden(place) {
  return place.checkVisibility?.() === false;
}

/**
 * @param {Element} part
 * @param {Known} known
 * @param {Map<Term, TermSpot>} found
 */
function read(part, known, found) {
  const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (node.parentElement?.closest(BARE)) continue;
    for (const match of (node.nodeValue ?? "").matchAll(known.sought)) {
      const term = known.by.get(match[0].toLowerCase());
      if (term && !found.has(term)) found.set(term, { node, start: match.index, end: match.index + match[0].length, term });
    }
  }
}

/**
 * Its range, null where the page has changed since.
 * @param {TermSpot} spot
 */
export function reach({ node, start, end }) {
  if (!node.isConnected || end > (node.nodeValue ?? "").length) return null;
  const range = document.createRange();
  range.setStart(node, start);
  range.setEnd(node, end);
  return range;
}

/**
 * Whether a pointer is on it.
 * @param {TermSpot} spot
 * @param {{clientX: number, clientY: number}} point
 */
export function under(spot, { clientX: x, clientY: y }) {
  const boxes = reach(spot)?.getClientRects?.() ?? [];
  return [...boxes].some((box) => x >= box.left && x <= box.right && y >= box.top - 2 && y <= box.bottom + 2);
}

/**
 * Dot a term in a drawing: browsers mark no ranges in SVG, so a line is drawn under its letters.
 * @param {TermSpot} spot
 */
export function underline({ node, start, end }) {
  const text = /** @type {SVGTextElement | null} */ (node.parentElement?.closest("text") ?? null);
  if (!text?.getStartPositionOfChar) return;
  // Letters are counted in the whole text, which may have parts.
  let before = 0;
  const texts = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  for (let one = texts.nextNode(); one && one !== node; one = texts.nextNode()) before += (one.nodeValue ?? "").length;
  if (before + end > text.getNumberOfChars()) return;
  const [from, to] = [text.getStartPositionOfChar(before + start), text.getEndPositionOfChar(before + end - 1)];
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const set = { class: DOTS, x1: from.x, y1: from.y + 3.5, x2: to.x, y2: to.y + 3.5, stroke: getComputedStyle(text).fill,
    "stroke-width": 1.5, "stroke-dasharray": "1.5 2", "pointer-events": "none", transform: text.getAttribute("transform") };
  for (const [name, value] of Object.entries(set)) if (value !== null) line.setAttribute(name, String(value));
  text.after(line);
}

/**
 * Whether a change of the page is one of ours, or of a tooltip: no term came or went.
 * @param {MutationRecord} change
 */
export function ours(change) {
  if (change.target instanceof Element && change.target.closest(".tip,.chip,.card")) return true;
  const nodes = [...change.addedNodes, ...change.removedNodes];
  return nodes.length > 0 && nodes.every((node) => node instanceof Element && node.classList.contains(DOTS));
}
