// @ts-check
// The map of a vector space: plotly.js draws and turns it, labels stand above it and never overlap.
//
// plotly.js (4.8 MB) does not travel with this component: Streamlit's own copy is used, which any
// chart of the page leaves in globalThis.Plotly and the browser keeps. The camera stays where it is
// whatever changes; once it rests, the link is told.

import { chosen, within } from "./area.js";
import { looking, ranges, spots, turned } from "./camera.js";
import { element, find, focused, paint } from "./dom.js";
import { button, fitting, ring, stand, surround } from "./labels.js";

/** @typedef {ReturnType<typeof import("./points.js").points>} Cloud */
/** @typedef {{ at: number, begun: number }} Play  the layer it is at, and when it began */
/** @typedef {(pair: Pair) => string} Hue  the colour of a pair in this theme */

/** @type {WeakMap<HTMLElement, ReturnType<typeof map>>} */
const maps = new WeakMap();
const REST = 600; // milliseconds without a turn
// Nothing is offered that would send a map to an address outside.
const CONFIG = { displaylogo: false, responsive: true, scrollZoom: true, showSendToCloud: false, plotlyServerURL: "",
  modeBarButtonsToRemove: ["toImage", "lasso2d", "select2d", "sendChartToCloud"] };
const MANY = 20000; // points; to plotly a circle is many triangles, a square two

/** @param {Mounted<SpaceData>} component */
export default function ({ data, parentElement, setStateValue }) {
  const root = find(parentElement, ".space");
  let one = maps.get(root);
  if (!one) maps.set(root, (one = map(root)));
  one.tell = setStateValue;
  one.show(data);
  return () => { one.stop(); maps.delete(root); };
}

/** @param {HTMLElement} root */
function map(root) {
  const plot = /** @type {PlotlyElement} */ (find(root, ".plot")), layer = find(root, ".labels"), note = find(root, ".note");
  const tools = find(root, ".tools"), ink = find(root, ".ink"), outline = find(ink, "path");
  const one = { tell: /** @type {Tell} */ (() => {}), show, stop };
  /** @type {SpaceData} */
  let data;
  /** @type {Cloud} */
  let cloud;
  /** @type {string[][]} the ids of the points of each trace */
  let rows = [];
  /** @type {MapLabel[]} */
  let shown = [];
  /** @type {string | null | undefined} the point under the pointer */
  let under = null;
  /** @type {[number, number][] | null} what is being drawn around points */
  let shape = null;
  /** @type {Play | null} */
  let play = null;
  let seq = 0, drawn = "", turning = 0, timer = 0, ended = false, pressed = [0, 0];
  let tool = "", view = "", moved = false, resting = 0, print = "", drawing = 0;

  /** @param {SpaceData} next */
  function show(next) {
    data = next;
    if ((next.seq || 0) >= seq && (next.camera || "") !== view) [view, moved] = [next.camera || "", true];
    seq = Math.max(seq, next.seq || 0);
    if (play && !next.frames) play = null;
    // A run that changes nothing here (the camera came to rest, a menu was opened) draws nothing.
    const now = JSON.stringify([paint(root, note), { ...next, camera: 0, seq: 0 }]);
    if (now === print && !moved) return;
    print = now;
    toolbar();
    root.style.setProperty("--height", next.height + "px");
    clearTimeout(timer);
    wait(0);
  }

  function stop() {
    ended = true;
    clearTimeout(timer);
    clearTimeout(resting);
    cancelAnimationFrame(turning);
    if (!drawing) clear();
  }

  // What plotly has under way still reports to the place where the map was.
  function clear() {
    globalThis.Plotly?.purge(plot);
    plot.emit = () => {};
  }

  /** @param {number} tries */
  function wait(tries) {
    const came = globalThis.atlasClouds?.get(data.cloud);
    if (globalThis.Plotly && came) {
      cloud = came;
      return void draw();
    }
    note.textContent = tries < 300 ? "Drawing the map…" : "The map could not be loaded. Reload the page.";
    note.hidden = false;
    if (!ended) timer = setTimeout(wait, 100, tries + 1);
  }

  async function draw() {
    if (!root.isConnected) return; // taken off the page while it waited
    note.hidden = true;
    const dark = paint(root, note), hue = (/** @type {Pair} */ pair) => pair[dark ? 1 : 0];
    rows = [];
    const traces = [...points(hue), ...lit(hue), ...paths(hue), ...marks(hue)];
    drawing += 1;
    try {
      await globalThis.Plotly?.react(plot, traces, layout(hue), { ...CONFIG, plotGlPixelRatio: devicePixelRatio < 1.5 ? 1 : 2 });
      // Names are set by the camera, which a deep map has from its first frame on.
      for (let frames = 0; !ended && !spot() && frames < 200; frames++) await new Promise(requestAnimationFrame);
    } finally {
      drawing -= 1;
    }
    if (ended) return drawing ? undefined : clear(); // taken off the page while it was drawn
    if (!drawn) listen();
    drawn = data.flat ? "flat" : "deep";
    moved = false;
    choose();
  }

  /**
   * One trace a class: a click in the legend hides it, a double click leaves it alone.
   * @param {Hue} hue
   */
  function points(hue) {
    const only = alone();
    return cloud.legend.map((entry, k) => {
      const at = cloud.group(k, only);
      const [size, opacity] = only ? [4.5, 0.95] : [data.dot.size, data.dot.opacity];
      const symbol = !only && cloud.count > MANY ? "square" : "circle";
      return dots(at, entry.name, at.length > 0, { size, color: hue(entry.colour), opacity, symbol });
    });
  }

  // The points that are shown while the others are out of sight.
  function alone() {
    return data.only && new Set(data.only);
  }

  /**
   * @param {number[]} at
   * @param {string} name
   * @param {boolean} showlegend
   * @param {Record<string, unknown> & { size: number }} marker
   */
  function dots(at, name, showlegend, marker) {
    rows.push(at.map((i) => cloud.ids + i));
    const places = at.map(cloud.place), text = at.map((i) => escaped(cloud.names[i]));
    return trace(places, { name, showlegend, text, marker: { ...marker, line: { width: 0 } } });
  }

  /**
   * Points of the cloud that are pointed out: an area, what the map shows least truly.
   * @param {Hue} hue
   */
  function lit(hue) {
    return (data.lit || []).map((group) => {
      const marker = { size: group.size, color: hue(group.colour), opacity: 0.95, symbol: group.symbol };
      return dots(chosen(group.bits), group.name, true, marker);
    });
  }

  /** @param {Hue} hue */
  function paths(hue) {
    return (play ? trails() : data.paths || []).map((path) => {
      rows.push([]);
      return trace(path.places, { mode: "lines", hoverinfo: "skip", showlegend: false, line: { color: hue(path.colour), width: path.width || 3 }, opacity: 0.75 });
    });
  }

  /** @param {Hue} hue */
  function marks(hue) {
    return data.marks.map((group) => {
      rows.push(group.ids);
      return trace(group.places.map((place, k) => now(group.ids[k], place)), {
        name: group.name, showlegend: Boolean(group.name) && group.ids.length > 0, text: group.texts,
        marker: { size: group.size, color: group.colours ? group.colours.map(hue) : hue(group.colour), opacity: 1, symbol: group.symbol || "circle", line: { width: 1.5, color: hue(data.colours.paper) } },
      });
    });
  }

  /**
   * @param {Place[]} places
   * @param {Record<string, unknown> & { marker?: Record<string, unknown> & { size: number } }} rest
   */
  function trace(places, rest) {
    const column = (/** @type {number} */ k) => places.map((p) => p[k]);
    const base = { mode: "markers", hoverinfo: "text", x: column(0), y: column(1) };
    if (data.flat) {
      // Lines have no marker: a key that is there without a value makes Plotly fail.
      const larger = rest.marker && { marker: { ...rest.marker, size: rest.marker.size * 1.6 } };
      return { ...base, type: "scattergl", ...rest, ...larger };
    }
    return { ...base, type: "scatter3d", z: column(2), ...rest };
  }

  /** @param {Hue} hue */
  function layout(hue) {
    const ink = hue(data.colours.ink), muted = hue(data.colours.muted), line = hue(data.colours.line);
    const clear = "rgba(0,0,0,0)";
    const ends = data.flat ? window2d() : extent();
    const axis = (/** @type {number} */ k) => ({
      ...(ends ? { range: ends[k] } : {}),
      title: { text: data.axes[k], font: { size: 13, color: muted } }, showticklabels: false, zeroline: false, showspikes: false,
      gridcolor: line, linecolor: line, showbackground: false, ticks: "",
    });
    const shared = {
      uirevision: data.flat ? "flat" : "deep", paper_bgcolor: clear, plot_bgcolor: clear, font: { color: ink },
      margin: data.flat ? { l: 34, r: 8, t: 8, b: 34 } : { l: 0, r: 0, t: 0, b: 0 }, hoverlabel: { font: { size: 14 } },
      legend: { x: 0, y: 0, yanchor: "bottom", orientation: "h", itemsizing: "constant", font: { size: 12.5 }, bgcolor: clear },
      modebar: { bgcolor: clear, color: muted },
    };
    if (data.flat) return { ...shared, dragmode: "pan", hovermode: "closest", xaxis: axis(0), yaxis: { ...axis(1), scaleanchor: "x" } };
    // What the person turned to stays, also in the middle of a turn.
    const now = moved ? null : plot._fullLayout?.scene?._scene?.getCamera?.();
    const lengths = ends ? ends.map(([a, b]) => b - a) : [1, 1, 1];
    const tall = lengths[2] / Math.cbrt(lengths[0] * lengths[1] * lengths[2]);
    const back = (narrow() ? 1.45 : 1) * Math.max(1, tall / 1.15);
    const camera = now ?? turned(view) ?? { eye: { x: 1.2 * back, y: 1.3 * back, z: 0.85 * back } };
    return { ...shared, scene: { aspectmode: "data", domain: { x: [0, 1], y: [foot(), 1] }, camera, dragmode: "orbit", xaxis: axis(0), yaxis: axis(1), zaxis: axis(2) } };
  }

  function narrow() {
    return plot.clientWidth < 560;
  }

  // The legend's share of a deep map's height.
  function foot() {
    const entries = cloud.legend.length + data.marks.length + (data.lit || []).length;
    return (narrow() ? 12 + 21 * Math.ceil(entries / 2) : 34) / (plot.clientHeight || data.height);
  }

  // The two ranges of a flat map: where it is, else those of a link; null for all of it.
  function window2d() {
    const full = drawn === "flat" && !moved ? plot._fullLayout : null;
    if (full) return full.xaxis.autorange ? null : [full.xaxis.range, full.yaxis.range];
    return ranges(view, extent(), (plot.clientHeight - 42) / (plot.clientWidth - 42));
  }

  // In sight are all points, all marks and wherever a mark comes by.
  function extent() {
    return cloud.extent([...data.marks.flatMap((g) => g.places), ...Object.values(data.frames ?? {}).flat()]);
  }

  function spot() {
    return spots(plot, data.flat);
  }

  /** @param {Record<string, unknown> | null | undefined} event */
  function rests(event) {
    if (!Object.keys(event ?? {}).some((key) => /^(scene|[xy]axis)/.test(key))) return; // a window of another size
    clearTimeout(resting);
    resting = setTimeout(() => {
      const now = ended ? null : looking(plot, data.flat, extent());
      if (now === null || now === view) return;
      view = now;
      seq += 1;
      one.tell("camera", { view, seq });
    }, REST);
  }

  function listen() {
    // plotly's own 3-D click misses quick ones: ours is a press and a release in one place.
    plot.on("plotly_hover", (event) => (under = rows[event.points[0].curveNumber]?.[event.points[0].pointNumber]));
    plot.on("plotly_unhover", () => (under = null));
    plot.addEventListener("pointerdown", (event) => (pressed = [event.clientX, event.clientY]), true);
    plot.addEventListener("pointerup", (event) => {
      const moved = Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]);
      const aside = event.target instanceof Element && event.target.closest(".modebar, .legend");
      if (moved < 5 && !aside) pick(under);
    }, true);
    plot.on("plotly_relayouting", follow);
    plot.on("plotly_relayout", (event) => { choose(); rests(event); });
    ink.onpointerdown = (event) => { ink.setPointerCapture(event.pointerId); shape = [local(event)]; };
    ink.onpointermove = (event) => { if (shape) drag(local(event)); };
    ink.onpointerup = (event) => { if (shape) { drag(local(event)); take(shape); } };
    root.addEventListener("keydown", (event) => { if (event.key === "Escape" && tool) { tool = ""; shape = null; toolbar(); } });
    new ResizeObserver(choose).observe(plot);
  }

  /** @param {string | null | undefined} id */
  function pick(id) {
    if (!id) return;
    seq += 1;
    one.tell("pick", { id: id === data.chosen ? null : id, seq });
  }

  // ---- an area: a box or a line drawn around points, on a flat map and on a deep one

  function toolbar() {
    const wanted = [...(data.select ? [["box", "▭", "Select points with a box"], ["lasso", "◯", "Select points with a line around them"]] : []),
      ...(data.frames ? [["play", play ? "■" : "▶", play ? "Stop" : "Play the way through the layers"]] : [])];
    const kept = focused(root)?.dataset?.tool;
    tools.replaceChildren(...wanted.map(([name, sign, told]) => {
      const node = element("button", "", null, sign);
      Object.assign(node, { type: "button", title: told, onclick: () => use(name) });
      node.dataset.tool = name;
      node.setAttribute("aria-label", told);
      node.setAttribute("aria-pressed", String(name === tool || (name === "play" && !!play)));
      return node;
    }));
    if (play) tools.append(`after layer ${Math.floor(play.at)}`);
    if (kept) /** @type {HTMLElement | null} */ (tools.querySelector(`[data-tool=${kept}]`))?.focus();
    ink.classList.toggle("on", Boolean(tool));
    outline.setAttribute("d", "");
  }

  /** @param {string} name */
  function use(name) {
    if (name === "play") return play ? halt() : start();
    tool = tool === name ? "" : name;
    toolbar();
  }

  /**
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  function local(event) {
    const box = ink.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** @param {[number, number]} to */
  function drag(to) {
    if (!shape) return;
    const [x, y] = shape[0];
    if (tool === "box") shape = [[x, y], [to[0], y], to, [x, to[1]]];
    else shape.push(to);
    outline.setAttribute("d", "M" + shape.map((p) => p.map((v) => v.toFixed(1))).join("L") + "Z");
  }

  /** @param {[number, number][]} path */
  function take(path) {
    const where = spot();
    const hidden = new Set(plot.data.flatMap((t, k) => (t.visible === "legendonly" && k < cloud.legend.length ? [k] : [])));
    const ids = new Set(data.marks.flatMap((g) => g.ids.filter((_, k) => where && within(where(g.places[k]), path))));
    const bits = cloud.inside(where, path, hidden, alone());
    tool = "";
    shape = null;
    toolbar();
    seq += 1;
    one.tell("area", { bits, ids: [...ids], seq });
  }

  // ---- the way through the layers, played

  function start() {
    play = { at: 0, begun: performance.now() };
    step();
  }

  async function step() {
    if (!play || !data.frames) return;
    const last = Object.values(data.frames)[0].length - 1, calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const at = Math.min(last, (performance.now() - play.begun) / data.pace);
    play.at = calm ? Math.floor(at) : at;
    toolbar();
    await draw();
    if (!play || ended) return;
    if (at < last) requestAnimationFrame(step);
    else {
      seq += 1;
      one.tell("played", { layer: last, seq });
      halt();
    }
  }

  function halt() {
    play = null;
    toolbar();
    draw();
  }

  /**
   * Where a mark is at this moment of the play, else where the data says.
   * @param {string} id
   * @param {Place} place
   * @returns {Place}
   */
  function now(id, place) {
    const way = play && data.frames?.[id];
    if (!play || !way) return place;
    const k = Math.min(Math.floor(play.at), way.length - 1), next = way[Math.min(k + 1, way.length - 1)], share = play.at - k;
    return way[k].map((v, i) => v + (next[i] - v) * share);
  }

  // The way each mark has come so far.
  function trails() {
    const at = Math.floor(play?.at ?? 0);
    return data.marks.flatMap((group) => group.ids.flatMap((id, k) => {
      const way = data.frames?.[id];
      return way ? [{ places: [...way.slice(0, at + 1), now(id, way[at])], colour: group.colours?.[k] ?? group.colour, width: 3 }] : [];
    }));
  }

  // ---- labels

  function choose() {
    const where = spot();
    if (!where) return layer.replaceChildren();
    const all = [...data.labels, ...cloud.landmarks(data.only)];
    shown = fitting(all, (label) => where(now(label.id, label.place)), plot.clientWidth, plot.clientHeight);
    layer.replaceChildren(...shown.map((label) => button(label, pick)), ...rings().map((one) => ring(one.name)));
    place(where);
  }

  /** @param {Spot} where */
  function place(where) {
    const nodes = /** @type {HTMLElement[]} */ ([...layer.children]);
    shown.forEach((label, i) => stand(nodes[i], where(now(label.id, label.place))));
    rings().forEach((one, i) => surround(nodes[shown.length + i], where(now(one.id, one.place))));
  }

  // What a lesson points at, apart from what is chosen.
  function rings() {
    return data.rings ?? [];
  }

  function follow() {
    cancelAnimationFrame(turning);
    turning = requestAnimationFrame(() => { const where = spot(); if (where) place(where); });
  }

  return one;
}

/**
 * Text for a hover label, which reads a little HTML.
 * @param {string} text
 */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
