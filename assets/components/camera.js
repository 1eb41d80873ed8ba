// @ts-check
// From where a map is looked at: as links carry it, as plotly.js takes it, and where it puts places.
// What the text of a link means is written in pages/embeddings/map/cameras.py.

/**
 * Numbers as a link tells them.
 * @param {number[]} values
 */
export function told(values) {
  return values.map((v) => String(Number(v.toFixed(3)))).join("_");
}

/**
 * A deep map's camera out of a link, as plotly takes it; null where the link tells none.
 * @param {string} view
 */
export function turned(view) {
  const v = view.split("_").map(Number), part = (/** @type {number} */ k) => ({ x: v[k], y: v[k + 1], z: v[k + 2] });
  return v.length === 9 ? { eye: part(0), center: part(3), up: part(6) } : null;
}

/**
 * The camera of a deep map that nobody has turned yet.
 * @param {[number, number][]} ends  of each axis
 * @param {boolean} narrow  a screen on which the box needs more room
 */
export function first(ends, narrow) {
  const lengths = ends.map(([low, high]) => high - low), unit = Math.cbrt(lengths[0] * lengths[1] * lengths[2]);
  const back = (narrow ? 1.45 : 1) * Math.max(1, lengths[2] / unit / 1.15);
  return { eye: { x: 1.2 * back, y: 1.3 * back, z: 0.85 * back }, center: { x: 0, y: 0, z: 0 }, up: { x: 0, y: 0, z: 1 } };
}

/**
 * A flat map's two ranges out of a link; null for all of it.
 * @param {string} view
 * @param {[number, number][]} extent
 * @param {number} shape  height by width of what is drawn
 */
export function ranges(view, extent, shape) {
  const [x, y, share] = view.split("_").map(Number);
  if (!share) return null;
  const [across, up] = extent, half = (share * (across[1] - across[0])) / 2;
  const middle = (/** @type {[number, number]} */ range, /** @type {number} */ at) => range[0] + at * (range[1] - range[0]);
  return [
    [middle(across, x) - half, middle(across, x) + half],
    [middle(up, y) - half * shape, middle(up, y) + half * shape],
  ];
}

/**
 * How one looks now, as a link tells it: "" for all of a flat map, null before it is drawn.
 * @param {PlotlyElement} plot
 * @param {boolean} flat
 * @param {[number, number][]} extent
 */
export function looking(plot, flat, extent) {
  const full = plot._fullLayout;
  if (!flat) {
    const camera = full?.scene?._scene?.getCamera?.();
    return camera ? told([camera.eye, camera.center, camera.up].flatMap((p) => [p.x, p.y, p.z])) : null;
  }
  const { xaxis, yaxis } = full, [across, up] = extent;
  if (xaxis.autorange) return "";
  const place = (/** @type {any} */ axis, /** @type {number[]} */ ends) =>
    ((axis.range[0] + axis.range[1]) / 2 - ends[0]) / (ends[1] - ends[0]);
  return told([place(xaxis, across), place(yaxis, up), (xaxis.range[1] - xaxis.range[0]) / (across[1] - across[0])]);
}

/**
 * Where places of the space are on the screen; null while plotly has no camera yet.
 * @param {PlotlyElement} plot
 * @param {boolean} flat
 * @returns {Spot | null}
 */
export function spots(plot, flat) {
  const full = plot._fullLayout;
  if (!full) return null;
  if (flat) {
    const { xaxis, yaxis } = full;
    return ([x, y]) => [xaxis._offset + xaxis.l2p(x), yaxis._offset + yaxis.l2p(y)];
  }
  const scene = full.scene?._scene, params = scene?.glplot?.cameraParams;
  if (!params) return null;
  const whole = times(params.projection, times(params.view, params.model));
  const scale = scene.dataScale || [1, 1, 1], w = plot.clientWidth, h = plot.clientHeight * (1 - full.scene.domain.y[0]);
  return (p) => {
    const v = [p[0] * scale[0], p[1] * scale[1], p[2] * scale[2], 1];
    const out = [0, 1, 3].map((r) => v.reduce((sum, value, c) => sum + whole[4 * c + r] * value, 0));
    return [(w * (1 + out[0] / out[2])) / 2, (h * (1 - out[1] / out[2])) / 2];
  };
}

/**
 * Product of two 4 x 4 matrices, column by column.
 * @param {number[]} a
 * @param {number[]} b
 */
export function times(a, b) {
  return Array.from({ length: 16 }, (_, i) => [0, 1, 2, 3].reduce((sum, k) => sum + a[4 * k + (i % 4)] * b[4 * Math.floor(i / 4) + k], 0));
}
