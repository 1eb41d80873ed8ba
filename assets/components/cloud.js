// @ts-check
// Keeps the points of a map in the browser, so that a new selection does not send them again.
// They never change under one digest; `space.js` waits for them. What is asked of all points lies
// here too, and so does not travel with each selection either.

import { points } from "./points.js";

const KEPT = 4; // one map back and forth is all that a person compares

/** @param {Mounted<CloudData>} component */
export default function ({ data }) {
  const clouds = (globalThis.atlasClouds ??= new Map());
  if (!clouds.has(data.digest)) clouds.set(data.digest, points(data));
  for (const digest of clouds.keys()) if (clouds.size > KEPT) clouds.delete(digest);
}
