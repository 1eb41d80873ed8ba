// @ts-check
// Which of very many points lies under the pointer: every one is looked at, which takes a
// millisecond for 100,000 and nothing of the GPU, and is right after every turn.

/**
 * The slot of the point that is seen at a place of the screen, else of the nearest within reach,
 * else -1. `packed` is as `webgl.js` draws it, `matrix` goes from its numbers to the screen's cube.
 * @param {Int16Array} packed
 * @param {number[]} matrix
 * @param {{ width: number, height: number, x: number, y: number, radius: number, reach: number }} where  pixels
 */
export function slotAt(packed, matrix, { width, height, x, y, radius, reach }) {
  const m = matrix;
  let found = -1, covers = false, depth = Infinity, apart = reach * reach;
  for (let k = 0; k < packed.length; k += 4) {
    if (packed[k + 3] < 0) continue;
    const a = packed[k], b = packed[k + 1], c = packed[k + 2], w = m[3] * a + m[7] * b + m[11] * c + m[15];
    if (w <= 0) continue;
    const dx = (width * (1 + (m[0] * a + m[4] * b + m[8] * c + m[12]) / w)) / 2 - x;
    if (dx > reach || dx < -reach) continue;
    const dy = (height * (1 - (m[1] * a + m[5] * b + m[9] * c + m[13]) / w)) / 2 - y, away = dx * dx + dy * dy;
    if (away <= radius * radius ? covers && w > depth : covers || away >= apart) continue;
    covers = away <= radius * radius;
    [found, depth, apart] = [k / 4, w, away];
  }
  return found;
}

/**
 * A matrix for places that are told in whole numbers of a scale.
 * @param {number[]} matrix
 * @param {number} scale
 */
export function scaled(matrix, scale) {
  return matrix.map((value, k) => (k < 12 ? value * scale : value));
}

/**
 * A step through all of `count` places in which any first part is spread over the whole.
 * @param {number} count
 */
export function stride(count) {
  const common = (/** @type {number} */ a, /** @type {number} */ b) => { while (b) [a, b] = [b, a % b]; return a; };
  let step = Math.max(1, Math.round(count * 0.6180339887));
  while (common(step, count) > 1) step += 1;
  return step;
}
