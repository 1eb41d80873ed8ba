// @ts-check
// The targets of a picture: which is next to which, and what is said of one aloud.

/**
 * The closest target in a direction; straying sideways counts double.
 * @param {Drawn} from
 * @param {[number, number]} way
 * @param {Drawn[]} targets
 */
export function nearest(from, [dx, dy], targets) {
  const middle = (/** @type {Drawn} */ node) => {
    const box = node.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const [x, y] = middle(from);
  /** @type {Drawn | null} */
  let best = null;
  let least = Infinity;
  for (const node of targets) {
    if (node === from) continue;
    const [a, b] = middle(node);
    const ahead = (a - x) * dx + (b - y) * dy;
    const aside = Math.abs((a - x) * dy) + Math.abs((b - y) * dx);
    if (ahead > 1 && ahead + 2 * aside < least) [best, least] = [node, ahead + 2 * aside];
  }
  return best;
}

/**
 * What is written on a target is its name, or who speaks to a browser would not find it; the
 * tooltip comes after it. Where nothing is written the tooltip is the name.
 * @param {Drawn} node
 * @param {string | undefined} tip
 * @param {string} name  where there is no tooltip either
 */
export function describe(node, tip, name) {
  if (!node.textContent?.trim()) node.setAttribute("aria-label", tip || name);
  else if (tip) node.setAttribute("aria-description", tip);
}

/**
 * What was done here is done: nothing else on the page answers to the key.
 * @param {Event} event
 */
export function taken(event) {
  event.preventDefault();
  event.stopPropagation();
}
