// @ts-check
// From where a cloud of points is looked at, and how a hand turns, moves and nears it.
//
// A deep view is plotly's: the space is a box of volume 1 around the origin, the camera an eye, what it
// looks at and what is up. A flat one is a window on the first two axes. So one link fits both drawings.

import { first, ranges, times, told, turned } from "./camera.js";

/** @typedef {ReturnType<typeof deepView> | ReturnType<typeof flatView>} View */
/** @typedef {[low: number, high: number][]} Ends  of each axis */

const FIELD = Math.PI / 4; // of sight, from bottom to top
const NEAREST = 0.05, FURTHEST = 40; // the eye from what it looks at
const SMALLEST = 0.002, WIDEST = 20; // a flat window's width by that of all points

/**
 * A deep view that begins as a link tells it, else as every map does.
 * @param {string} link
 * @param {Ends} ends
 * @param {boolean} narrow  a screen on which the box needs more room
 */
export function deepView(link, ends, narrow) {
  let { eye, center, up } = vectors(turned(link) ?? first(ends, narrow));

  return { flat: false, turn, pan, near, matrix, text, reset };

  /**
   * Turn the box under the hand, as a ball turns: half of the screen is half a turn.
   * @param {number} dx  pixels
   * @param {number} dy
   * @param {number} height  of the screen
   */
  function turn(dx, dy, height) {
    const { back, right, above } = sides();
    const about = (/** @type {number[]} */ v) => around(around(v, above, (-Math.PI * dx) / height), right, (-Math.PI * dy) / height);
    up = about(above);
    eye = sum(center, about(back));
  }

  /**
   * Move what is looked at with the hand.
   * @param {number} dx
   * @param {number} dy
   * @param {number} height
   */
  function pan(dx, dy, height) {
    const { back, right, above } = sides(), pixel = (2 * Math.tan(FIELD / 2) * long(back)) / height;
    const by = sum(right.map((v) => -v * dx * pixel), above.map((v) => v * dy * pixel));
    eye = sum(eye, by);
    center = sum(center, by);
  }

  /**
   * Bring the eye nearer: 2 halves how far it is.
   * @param {number} times
   */
  function near(times) {
    const { back } = sides(), away = long(back);
    const share = Math.min(FURTHEST, Math.max(NEAREST, away / times)) / away;
    eye = sum(center, back.map((v) => v * share));
  }

  /**
   * Places of the space to the screen's cube, column by column.
   * @param {number} width
   * @param {number} height
   */
  function matrix(width, height) {
    const { back, right, above } = sides(), ahead = back.map((v) => v / long(back));
    const seen = [0, 1, 2].flatMap((k) => [right[k], above[k], ahead[k], 0]).concat([right, above, ahead].map((v) => -dot(v, eye)), 1);
    const lengths = ends.map(([low, high]) => high - low), unit = 1 / Math.cbrt(lengths[0] * lengths[1] * lengths[2]);
    const box = [unit, 0, 0, 0, 0, unit, 0, 0, 0, 0, unit, 0, ...ends.map(([low, high]) => (-unit * (low + high)) / 2), 1];
    const tall = 1 / Math.tan(FIELD / 2), [front, behind] = [0.01, 100];
    const lens = [(tall * height) / width, 0, 0, 0, 0, tall, 0, 0, 0, 0, (front + behind) / (front - behind), -1, 0, 0, (2 * front * behind) / (front - behind), 0];
    return times(lens, times(seen, box));
  }

  function text() {
    return told([...eye, ...center, ...up]);
  }

  function reset() {
    ({ eye, center, up } = vectors(first(ends, narrow)));
  }

  function sides() {
    const back = eye.map((v, k) => v - center[k]), right = one(cross(up, back));
    return { back, right, above: one(cross(back, right)) };
  }
}

/**
 * A flat view: the window that a link tells, else all of the map.
 * @param {string} link
 * @param {Ends} ends
 */
export function flatView(link, ends) {
  const [across, up] = ends.map(([low, high]) => high - low);
  const from = ranges(link, ends, 1);
  let all = !from;
  let middle = from ? from.map(([low, high]) => (low + high) / 2) : [0, 1].map((k) => (ends[k][0] + ends[k][1]) / 2);
  let half = from ? (from[0][1] - from[0][0]) / 2 : 0;

  return { flat: true, turn: pan, pan, near, matrix, text, reset };

  /**
   * @param {number} dx
   * @param {number} dy
   * @param {number} height
   * @param {number} width
   */
  function pan(dx, dy, height, width) {
    const pixel = (2 * wide(width, height)) / width;
    middle = [middle[0] - dx * pixel, middle[1] + dy * pixel];
    settle(width, height);
  }

  /**
   * @param {number} times
   * @param {number} width
   * @param {number} height
   */
  function near(times, width, height) {
    settle(width, height);
    half = Math.min((WIDEST * across) / 2, Math.max((SMALLEST * across) / 2, half / times));
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  function matrix(width, height) {
    const x = 1 / wide(width, height), y = (x * width) / height;
    return [x, 0, 0, 0, 0, y, 0, 0, 0, 0, 0, 0, -x * middle[0], -y * middle[1], 0, 1];
  }

  function text() {
    if (all) return "";
    return told([(middle[0] - ends[0][0]) / across, (middle[1] - ends[1][0]) / up, (2 * half) / across]);
  }

  function reset() {
    all = true;
    middle = [0, 1].map((k) => (ends[k][0] + ends[k][1]) / 2);
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  function wide(width, height) {
    return all ? Math.max(across, (up * width) / height) / 2 : half;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  function settle(width, height) {
    half = wide(width, height);
    all = false;
  }
}

/**
 * Where places are on the screen, in pixels from its top left; behind the eye there are none.
 * @param {ArrayLike<number>} matrix
 * @param {number} width
 * @param {number} height
 * @returns {Spot}
 */
export function screen(matrix, width, height) {
  const row = (/** @type {Place} */ p, /** @type {number} */ r) => matrix[r] * p[0] + matrix[4 + r] * p[1] + matrix[8 + r] * (p[2] ?? 0) + matrix[12 + r];
  return (place) => {
    const depth = row(place, 3);
    return depth > 0 ? [(width * (1 + row(place, 0) / depth)) / 2, (height * (1 - row(place, 1) / depth)) / 2] : [NaN, NaN];
  };
}

/** @param {ReturnType<typeof first>} camera */
function vectors({ eye, center, up }) {
  return { eye: [eye.x, eye.y, eye.z], center: [center.x, center.y, center.z], up: [up.x, up.y, up.z] };
}

/**
 * A vector turned around an axis of length 1.
 * @param {number[]} v
 * @param {number[]} axis
 * @param {number} angle
 */
function around(v, axis, angle) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)], aside = cross(axis, v), along = dot(axis, v) * (1 - c);
  return v.map((value, k) => value * c + aside[k] * s + axis[k] * along);
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function cross(a, b) {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function sum(a, b) {
  return a.map((v, k) => v + b[k]);
}

/** @param {number[]} v */
function long(v) {
  return Math.hypot(...v);
}

/** @param {number[]} v */
function one(v) {
  return v.map((value) => value / long(v));
}
