// @ts-check
// The painter of a browser without a GPU: each point a small square of pixels, the nearest in front.

import { HAZE } from "./webgl.js";

/** @typedef {import("./webgl.js").Layer} Layer */

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {import("./webgl.js").Painter | null}
 */
export function raster(canvas) {
  const paper = canvas.getContext("2d");
  if (!paper) return null;
  /** @type {Layer[]} */
  let held = [];
  /** @type {Uint8Array} */
  let table = new Uint8Array(1024);
  /** @type {ImageData | null} */
  let image = null;
  let depth = new Float32Array();

  return { name: "processor", lost: () => false, layers, hues, paint, done() {}, close() {} };

  /** @param {Layer[]} wanted */
  function layers(wanted) {
    held = wanted;
  }

  /** @param {Uint8Array} wanted  256 colours of four bytes */
  function hues(wanted) {
    table = wanted;
  }

  /** @param {import("./webgl.js").Frame} frame */
  function paint(frame) {
    if (!paper || !canvas.width || !canvas.height) return;
    const { width, height } = canvas;
    if (image?.width !== width || image.height !== height) [image, depth] = [paper.createImageData(width, height), new Float32Array(width * height)];
    const pixels = new Uint32Array(image.data.buffer).fill(0);
    drawn({ pixels, depth: depth.fill(Infinity), width, height }, held, table, frame);
    paper.putImageData(image, 0, 0);
  }
}

/**
 * Draw into pixels of 32 bits, in front of what is further from the eye than `depth` says.
 * @param {{ pixels: Uint32Array, depth: Float32Array, width: number, height: number }} image
 * @param {Layer[]} layers
 * @param {Uint8Array} hues
 * @param {import("./webgl.js").Frame} frame
 */
export function drawn({ pixels, depth, width, height }, layers, hues, { matrix: m, share, depths, paper }) {
  const span = Math.max(depths[1] - depths[0], 1e-6);
  for (const { packed, size, opacity } of layers) {
    const side = Math.max(1, Math.round(size * 0.8)), alpha = Math.round(opacity * 255) << 24;
    const end = 4 * Math.ceil((packed.length / 4) * share);
    for (let k = 0; k < end; k += 4) {
      const x = packed[k], y = packed[k + 1], z = packed[k + 2], hue = packed[k + 3];
      if (hue < 0) continue;
      const w = m[3] * x + m[7] * y + m[11] * z + m[15];
      if (w <= 0) continue;
      const left = Math.round((width * (1 + (m[0] * x + m[4] * y + m[8] * z + m[12]) / w) - side) / 2);
      const top = Math.round((height * (1 - (m[1] * x + m[5] * y + m[9] * z + m[13]) / w) - side) / 2);
      if (left < 0 || top < 0 || left + side > width || top + side > height) continue;
      const far = HAZE * Math.min(1, Math.max(0, (w - depths[0]) / span));
      const part = (/** @type {number} */ c) => Math.round(hues[4 * hue + c] * (1 - far) + paper[c] * far);
      const colour = alpha | (part(2) << 16) | (part(1) << 8) | part(0);
      for (let row = top; row < top + side; row++) {
        for (let at = row * width + left, last = at + side; at < last; at++) {
          if (w > depth[at]) continue;
          depth[at] = w;
          pixels[at] = colour;
        }
      }
    }
  }
}
