// @ts-check
// Keeps the points of a map in the browser, so that a new selection does not send them again.
// They never change under one digest; `space.js` waits for them. What is asked of all points lies
// here too, and so does not travel with each selection either.

import { points } from "./points.js";

const KEPT = 4; // one map back and forth is all that a person compares

/** @param {Mounted<Uint8Array>} component */
export default function ({ data }) {
  const clouds = (globalThis.atlasClouds ??= new Map()), { head, rest } = opened(data);
  if (!clouds.has(head.digest)) clouds.set(head.digest, points({ ...head, ...unpacked(rest, head.count) }));
  for (const digest of clouds.keys()) if (clouds.size > KEPT) clouds.delete(digest);
}

/**
 * The head of what travels, and where the rest of it begins.
 * @param {Uint8Array} data  see pages/embeddings/map/picture.py
 */
function opened(data) {
  const long = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  /** @type {{ digest: string, scale: number, count: number, legend: CloudData["legend"], ids: string }} */
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + long)));
  return { head, rest: data.subarray(4 + long) };
}

/**
 * @param {Uint8Array} rest
 * @param {number} count
 */
function unpacked(rest, count) {
  const own = rest.slice(); // on its own it begins where numbers of two bytes may
  const names = new TextDecoder().decode(own.subarray(7 * count));
  return { places: new Int16Array(own.buffer, 0, 3 * count), classes: own.subarray(6 * count, 7 * count), names: count ? names.split("\n") : [] };
}
