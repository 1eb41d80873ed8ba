// @ts-check
// Keeps what paints a large map for `surface.js`, which has no room for it: a component's code is small.

import { raster } from "./raster.js";
import { above, below, legend, plain } from "./surroundings.js";
import { gpu } from "./webgl.js";

export default function () {
  globalThis.atlasPainters ??= { gpu, raster, above, below, legend, plain };
}
