// @ts-check
// How many of the points are drawn while a map turns, so that it follows the hand on any machine:
// all of them once it stands still.

const FRAME = 1000 / 30; // milliseconds that a frame may take
const LEAST = 0.02; // of the points
const STEP = [0.5, 1.25]; // at most by so much from one frame to the next

/**
 * The share of the points to begin with, from how long a frame with all of them took.
 * @param {number} took  milliseconds
 */
export function begun(took) {
  return between(LEAST, (0.8 * FRAME) / Math.max(took, 0.1), 1);
}

/**
 * The share for the next frame, from how long the last one took from its beginning to the next.
 * @param {number} share
 * @param {number} took  milliseconds
 */
export function adapted(share, took) {
  return between(LEAST, share * between(STEP[0], FRAME / Math.max(took, 1), STEP[1]), 1);
}

/**
 * @param {number} low
 * @param {number} value
 * @param {number} high
 */
function between(low, value, high) {
  return Math.min(high, Math.max(low, value));
}
