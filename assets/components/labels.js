// @ts-check
// Names that stand above a map: the most important first, none over another, each can be pressed.

import { element } from "./dom.js";

const ABOVE = 14; // pixels from a point to the middle of its name
const TALL = 24; // of a name, as its style sheet has it: less is hard to hit

/**
 * Those that fit, where `where` says what a label's place is at this moment.
 * @param {MapLabel[]} labels
 * @param {(label: MapLabel) => [number, number]} where
 * @param {number} width
 * @param {number} height
 */
export function fitting(labels, where, width, height) {
  /** @type {[left: number, top: number, right: number, bottom: number][]} */
  const boxes = [];
  return labels.filter((label) => {
    const [x, y] = where(label), half = Math.max(12, label.text.length * (label.kind ? 4.4 : 3.8) + 4);
    const [left, top, right, bottom] = [x - half, y - ABOVE - TALL / 2, x + half, y - ABOVE + TALL / 2];
    // Written so that a place without numbers fits nowhere.
    if (!(left > 0 && right < width && top > 0 && bottom < height)) return false;
    if (boxes.some((box) => left < box[2] && box[0] < right && top < box[3] && box[1] < bottom)) return false;
    return boxes.push([left, top, right, bottom]);
  });
}

/**
 * @param {MapLabel} label
 * @param {(id: string) => void} pick
 */
export function button(label, pick) {
  const node = element("button", label.kind, null, label.text);
  node.type = "button";
  node.dataset.id = label.id;
  node.onclick = () => pick(label.id);
  return node;
}

/**
 * What a lesson points at: a mark is named by its label already, so that this is for the eye alone.
 * @param {string} name
 */
export function ring(name) {
  const node = element("i", "ring", null);
  node.dataset.highlight = name;
  node.setAttribute("aria-hidden", "true");
  return node;
}

/**
 * Put a ring around its place; out of sight where that has no numbers.
 * @param {HTMLElement} node
 * @param {[number, number]} place
 */
export function surround(node, [x, y]) {
  node.hidden = !(Number.isFinite(x) && Number.isFinite(y));
  node.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -50%)`;
}

/**
 * Put a label's button above its place.
 * @param {HTMLElement} node
 * @param {[number, number]} place
 */
export function stand(node, [x, y]) {
  node.style.transform = `translate(${x.toFixed(1)}px, ${(y - ABOVE).toFixed(1)}px) translate(-50%, -50%)`;
}
