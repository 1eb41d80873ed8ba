// @ts-check
// Points that belong together: those inside a drawn line, and sets of them as bits.

/**
 * Whether a point lies inside a closed line: a ray to the right crosses it an odd number of times.
 * @param {[number, number]} point
 * @param {[number, number][]} path
 */
export function within([x, y], path) {
  let inside = false;
  for (let i = 0, j = path.length - 1; i < path.length; j = i++) {
    const [xi, yi] = path[i], [xj, yj] = path[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/**
 * Bytes out of base64.
 * @param {string} text
 */
export function bytes(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/**
 * The places of the bits that are set, lowest bit first.
 * @param {string} text  base64
 */
export function chosen(text) {
  /** @type {number[]} */
  const at = [];
  bytes(text).forEach((byte, k) => {
    for (let b = 0; byte >> b; b++) if ((byte >> b) & 1) at.push(8 * k + b);
  });
  return at;
}

/**
 * The same the other way: one bit for each of `count` places, as base64.
 * @param {number} count
 * @param {(i: number) => boolean} test
 */
export function bits(count, test) {
  const packed = new Uint8Array(Math.ceil(count / 8));
  for (let i = 0; i < count; i++) if (test(i)) packed[i >> 3] |= 1 << (i & 7);
  return btoa([...packed].map((byte) => String.fromCharCode(byte)).join(""));
}
