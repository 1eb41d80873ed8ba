// @ts-check
// Dots under the glossary's terms in captions, in labels of controls and of pictures; what a term means
// shows where it is pointed at, or where the place it stands in has the focus (arrows lead from term to
// term, Enter opens the lesson). A label has the focus only for a term that no earlier place says.
// In: terms of pages/shell/lesson/dotted.py. Out: `lesson`, the one that was opened.
// Captions and labels are not ours: nothing in them is moved or wrapped, nor are controls named anew.
// Their terms are marked as ranges, and a browser that cannot mark ranges shows them without dots.

import { CAPTIONS, DOTS, LABELS, ours, PICTURES, PLACES, reach, spots, under, underline, words } from "./spots.js";

const NAME = "atlas-term";
const DOTTED = `::highlight(${NAME}){text-decoration:underline dotted;text-underline-offset:.2em}`;
const PAUSE = 250; // milliseconds for which a page must be still

/** @type {ReturnType<typeof dotted> | null} */
let latest = null;

/** @param {Mounted<TermsData>} component */
export default function ({ data, setTriggerValue }) {
  latest?.stop();
  const own = (latest = dotted(data, (lesson, step) => setTriggerValue("lesson", { lesson, step })));
  return () => {
    if (latest !== own) return;
    own.stop();
    latest = null;
  };
}

/**
 * @param {TermsData} data
 * @param {(lesson: string, step: number) => void} open
 */
function dotted(data, open) {
  const known = words(JSON.parse(data.terms));
  /** @type {Map<Element, TermSpot[]>} */
  let places = new Map();
  let timer = 0, at = 0;
  /** @type {Element | null} */
  let held = null; // the caption, label or picture that has the focus
  /** @type {WeakSet<Node>} */
  const watched = new WeakSet();
  const sheet = document.createElement("style");
  sheet.textContent = DOTTED;
  // A picture has its own style sheets.
  const worn = "CSSStyleSheet" in globalThis ? new CSSStyleSheet() : null;
  worn?.replaceSync(DOTTED);
  const tip = document.createElement("div");
  tip.className = "atlas-term-tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  tip.style.cssText = "position:fixed;z-index:1000001;max-width:min(22rem,92vw);padding:.4rem .65rem;border-radius:8px;"
    + `font:400 .88rem/1.4 "Source Sans","Source Sans 3",sans-serif;pointer-events:none;background:${data.ground};color:${data.ink};border:1px solid ${data.line}`;
  document.head.append(sheet);
  document.body.append(tip);

  const watch = new MutationObserver((changes) => {
    if (changes.every((change) => tip.contains(change.target) || ours(change))) return;
    clearTimeout(timer);
    timer = setTimeout(scan, PAUSE);
  });

  function scan() {
    for (const place of places.keys()) if (!place.isConnected) places.delete(place);
    /** @type {Set<Term>} */
    const reached = new Set();
    for (const place of document.querySelectorAll(PLACES)) {
      if (place.matches(PICTURES)) look(place);
      const found = spots(place, known), caption = place.matches(CAPTIONS);
      const stop = caption || found.some((spot) => !reached.has(spot.term));
      if (found.length) {
        places.set(place, found);
        offer(place, stop ? found : []);
      } else if (places.delete(place)) offer(place, []);
      for (const spot of stop ? found : []) reached.add(spot.term);
    }
    mark(places);
  }

  /**
   * What a picture says changes out of sight of the page around it.
   * @param {Element} place
   */
  function look(place) {
    const root = place.shadowRoot;
    if (!root || watched.has(root)) return;
    watched.add(root);
    watch.observe(root, { childList: true, subtree: true, characterData: true });
    if (worn) root.adoptedStyleSheets.push(worn);
  }

  /**
   * @param {TermSpot} spot
   * @param {boolean} [keys]
   */
  function show(spot, keys = false) {
    const range = reach(spot);
    if (!range) return hide();
    tip.textContent = said(spot.term) + (keys ? ` Enter: lesson ${spot.term.lesson}.` : "");
    tip.hidden = false;
    const box = range.getBoundingClientRect?.() ?? { left: 0, top: 0, bottom: 0 };
    // Under a label stands what it names, which stays in sight.
    const label = spot.node.parentElement?.closest(LABELS), above = box.top - tip.offsetHeight - 6;
    const below = label ? above < 0 : box.bottom + 6 + tip.offsetHeight < innerHeight;
    tip.style.left = Math.max(4, Math.min(box.left, innerWidth - tip.offsetWidth - 4)) + "px";
    tip.style.top = (below ? box.bottom + 6 : above) + "px";
  }

  function hide() {
    tip.hidden = true;
  }

  /** @param {PointerEvent | MouseEvent} event */
  function point(event) {
    const place = event.target instanceof Element ? event.target.closest(PLACES) : null;
    const spot = place && (places.get(place) ?? []).find((one) => under(one, event));
    if (spot) show(spot);
    else if (!held) hide();
  }

  /** @param {FocusEvent} event */
  function enter(event) {
    const place = own(event);
    held = place?.matches(PLACES) && place.matches(":focus-visible") ? place : null;
    at = 0;
    const found = held && places.get(held);
    if (found) show(found[0], true);
  }

  function leave() {
    if (held) hide();
    held = null;
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const found = held && places.get(held);
    if (!found || own(event) !== held) return;
    const way = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (way) {
      at = (at + way + found.length) % found.length;
      show(found[at], true);
    } else if (event.key === "Enter") open(found[at].term.lesson, found[at].term.step);
    else if (event.key === "Escape") hide();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function stop() {
    clearTimeout(timer);
    watch.disconnect();
    for (const [name, act] of acts) document.removeEventListener(name, act, true);
    for (const place of places.keys()) offer(place, []);
    for (const { shadowRoot: root } of document.querySelectorAll(PICTURES)) {
      if (root && worn) root.adoptedStyleSheets = root.adoptedStyleSheets.filter((one) => one !== worn);
    }
    mark(new Map());
    sheet.remove();
    tip.remove();
  }

  /** @type {[string, (event: any) => void][]} */
  const acts = [["pointermove", point], ["click", point], ["focusin", enter], ["focusout", leave], ["keydown", press], ["scroll", hide]];
  for (const [name, act] of acts) document.addEventListener(name, act, true);
  watch.observe(document.body, { childList: true, subtree: true, characterData: true });
  scan();
  return { stop, scan };
}

/**
 * What an event is about; that of a picture's inside is told of the picture by its target.
 * @param {Event} event
 */
function own(event) {
  const node = event.composedPath()[0];
  return node instanceof Element ? node : null;
}

/**
 * Let the keyboard reach a place for its terms, or no more.
 * @param {Element} place
 * @param {TermSpot[]} found
 */
function offer(place, found) {
  const picture = place.matches(PICTURES);
  const told = found.map((spot) => said(spot.term)).join(" ");
  const wanted = { tabindex: "0", "aria-description": told, ...(picture ? { role: "group", "aria-label": "Terms of the picture" } : {}) };
  for (const [name, value] of Object.entries(wanted)) {
    if (!found.length) place.removeAttribute(name);
    else if (place.getAttribute(name) !== value) place.setAttribute(name, value);
  }
}

/** @param {Map<Element, TermSpot[]>} places */
function mark(places) {
  for (const place of document.querySelectorAll(PICTURES)) place.shadowRoot?.querySelectorAll(`.${DOTS}`).forEach((line) => line.remove());
  const found = [...places.values()].flat();
  for (const spot of found) underline(spot);
  if (!globalThis.CSS?.highlights) return;
  const ranges = found.flatMap((spot) => reach(spot) ?? []);
  if (ranges.length) CSS.highlights.set(NAME, new Highlight(...ranges));
  else CSS.highlights.delete(NAME);
}

/** @param {Term} term */
function said(term) {
  return `${term.forms[0]}: ${term.says}`;
}
