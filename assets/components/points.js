// @ts-check
// The many points of a map, unpacked, and whatever is asked of all of them.

import { bits, bytes, within } from "./area.js";

const LABELLED = 160; // points whose names are tried, at most
const OUTERMOST = 60; // of a whole cloud only these: in the thick of it no name can be read

/** @param {CloudData} data */
export function points(data) {
  const whole = new Int16Array(bytes(data.places).buffer), count = whole.length / 3;
  const axes = [0, 1, 2].map((k) => Float32Array.from({ length: count }, (_, i) => whole[3 * i + k] * data.scale));
  const classes = bytes(data.classes);
  const ends = axes.map((axis) => axis.reduce(wider, [Infinity, -Infinity]));
  const { names, legend, ids } = data;

  return { names, legend, ids, count, place, group, extent, landmarks, inside };

  /**
   * @param {number} i
   * @returns {Place}
   */
  function place(i) {
    return axes.map((axis) => axis[i]);
  }

  /**
   * The points of a class, of those alone that are shown.
   * @param {number} k
   * @param {Set<number> | null} only
   */
  function group(k, only) {
    return [...classes.keys()].filter((i) => classes[i] === k && (!only || only.has(i)));
  }

  /**
   * The two ends of each axis. Fixed by all points, so that showing some alone moves nothing.
   * @param {Place[]} extra  what else must be in sight
   * @returns {[low: number, high: number][]}
   */
  function extent(extra) {
    return ends.map((own, k) => {
      const [low, high] = extra.reduce((so, place) => wider(so, place[k]), own);
      const pad = 0.04 * (high - low) || 0.5;
      return [low - pad, high + pad];
    });
  }

  /**
   * Some points by name, the outermost first.
   * @param {number[] | null} only
   * @returns {MapLabel[]}
   */
  function landmarks(only) {
    const step = Math.max(1, Math.floor(count / LABELLED));
    const at = only ?? Array.from({ length: Math.floor(count / step) }, (_, k) => k * step);
    const some = at.slice(0, LABELLED).map((i) => ({ id: ids + i, place: place(i), text: names[i], kind: "" }));
    return some.sort((a, b) => Math.hypot(...b.place) - Math.hypot(...a.place)).slice(0, only ? LABELLED : OUTERMOST);
  }

  /**
   * Which points in sight lie inside a line drawn on the screen, as bits.
   * @param {Spot | null} spot
   * @param {[number, number][]} path
   * @param {Set<number>} hidden  classes
   * @param {Set<number> | null} only
   */
  function inside(spot, path, hidden, only) {
    return bits(count, (i) => Boolean(spot) && !hidden.has(classes[i]) && (!only || only.has(i))
      && within(/** @type {Spot} */ (spot)(place(i)), path));
  }
}

/**
 * @param {number[]} ends
 * @param {number} value
 * @returns {number[]}
 */
function wider([low, high], value) {
  return [Math.min(low, value), Math.max(high, value)];
}
