// @ts-check
// The many points of a map, unpacked, and whatever is asked of all of them.

import { bits, within } from "./area.js";
import { stride } from "./picking.js";

const LABELLED = 160; // points whose names are tried, at most
const OUTERMOST = 60; // of a whole cloud only these: in the thick of it no name can be read

/** @param {CloudData} data */
export function points(data) {
  const { places: whole, classes } = data, count = whole.length / 3;
  const axes = [0, 1, 2].map(() => new Float32Array(count));
  for (let j = 0; j < 3 * count; j++) axes[j % 3][(j / 3) | 0] = whole[j] * data.scale;
  const ends = axes.map(reach);
  const { digest, names, legend, ids, scale } = data, step = stride(count);

  return { digest, names, legend, ids, count, scale, place, group, packed, some, nth, extent, landmarks, inside };

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
   * All points as `webgl.js` draws them, what is not to be seen with the hue -1. Any first part of
   * them is a fair sample of the cloud: `nth` says which point stands at a slot.
   * @param {Set<number>} hidden  classes
   * @param {Set<number> | null} only
   */
  function packed(hidden, only) {
    const out = new Int16Array(4 * count);
    for (let slot = 0, i = 0; slot < count; slot++, i = (i + step) % count) {
      for (let k = 0; k < 3; k++) out[4 * slot + k] = whole[3 * i + k];
      out[4 * slot + 3] = hidden.has(classes[i]) || (only && !only.has(i)) ? -1 : classes[i];
    }
    return out;
  }

  /**
   * Some points in one hue, as `webgl.js` draws them.
   * @param {number[]} at
   * @param {number} hue
   */
  function some(at, hue) {
    return Int16Array.from({ length: 4 * at.length }, (_, j) => (j % 4 < 3 ? whole[3 * at[j >> 2] + (j % 4)] : hue));
  }

  /** @param {number} slot */
  function nth(slot) {
    return (slot * step) % count;
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

/** @param {Float32Array} axis */
function reach(axis) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < axis.length; i++) {
    if (axis[i] < low) low = axis[i];
    if (axis[i] > high) high = axis[i];
  }
  return [low, high];
}

/**
 * @param {number[]} ends
 * @param {number} value
 * @returns {number[]}
 */
function wider([low, high], value) {
  return [Math.min(low, value), Math.max(high, value)];
}
