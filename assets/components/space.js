// @ts-check
// The map of a vector space: small ones are drawn by plotly.js, large ones by `surface.js`; here are
// its names, which never overlap, its areas, its play and what it tells. The camera stays where it is
// whatever changes; once it rests, the link is told.

import { chosen, within } from "./area.js";
import { element, find, focused, paint } from "./dom.js";
import { button, fitting, ring, stand, surround } from "./labels.js";
import { plotly } from "./plotly.js";

/** @typedef {ReturnType<typeof import("./points.js").points>} Cloud */
/** @typedef {{ at: number, begun: number }} Play  the layer it is at, and when it began */

/** @type {WeakMap<HTMLElement, ReturnType<typeof map>>} */
const maps = new WeakMap();
const REST = 600; // milliseconds without a turn
const LARGE = 4000; // points; of 6,000 plotly's first picture takes 2.8 s, ours 1 s (two cores, no GPU)

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
  const plot = find(root, ".plot"), layer = find(root, ".labels"), note = find(root, ".note");
  const tools = find(root, ".tools"), ink = find(root, ".ink"), outline = find(ink, "path");
  const one = { tell: /** @type {Tell} */ (() => {}), show, stop };
  /** @type {SpaceData} */
  let data;
  /** @type {Cloud} */
  let cloud;
  /** @type {Drawing | null} */
  let drawing = null;
  /** @type {MapLabel[]} */
  let shown = [];
  /** @type {string | null | undefined} the point under the pointer */
  let under = null;
  /** @type {[number, number][] | null} what is being drawn around points */
  let shape = null;
  /** @type {Play | null} */
  let play = null;
  let seq = 0, kind = "", heard = false, listening = false, turning = 0, timer = 0, ended = false, pressed = [0, 0];
  let tool = "", view = "", moved = false, resting = 0, print = "";

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
    drawing?.stop();
  }

  /** @param {number} tries */
  function wait(tries) {
    const came = globalThis.atlasClouds?.get(data.cloud);
    if (came && prepared(came)) {
      cloud = came;
      return void draw();
    }
    note.textContent = tries < 300 ? "Drawing the map…" : "The map could not be loaded. Reload the page.";
    note.hidden = false;
    if (!ended) timer = setTimeout(wait, 100, tries + 1);
  }

  /**
   * Whether what draws such a cloud has come, which is told apart by how much there is to draw.
   * @param {Cloud} came
   */
  function prepared(came) {
    const wanted = came.count > (globalThis.atlasLarge ?? LARGE) || !able() ? "surface" : "plotly";
    if (!(wanted === "surface" ? globalThis.atlasSurface && globalThis.atlasPainters : globalThis.Plotly)) return false;
    if (kind === wanted) return true;
    if (drawing) [moved] = [true, drawing.stop()];
    [kind, heard] = [wanted, false];
    const events = { under: (/** @type {string | null | undefined} */ id) => (under = id), turning: follow, turned };
    drawing = (wanted === "surface" ? globalThis.atlasSurface : plotly)?.(plot, events) ?? null;
    return true;
  }

  async function draw() {
    if (!root.isConnected || !drawing) return; // taken off the page while it waited
    note.hidden = true;
    await drawing.draw(scene());
    if (ended) return;
    if (!heard) listen();
    moved = false;
    choose();
  }

  /** @returns {MapScene} */
  function scene() {
    const dark = paint(root, note), hue = (/** @type {Pair} */ pair) => pair[dark ? 1 : 0];
    return {
      cloud, hue, view, moved, only: alone(), ends: extent(), flat: data.flat, dot: data.dot, axes: data.axes, colours: data.colours, height: data.height,
      lit: (data.lit || []).map((group) => ({ ...group, at: chosen(group.bits), colour: hue(group.colour) })),
      paths: (play ? trails() : data.paths || []).map((path) => ({ places: path.places, colour: hue(path.colour), width: path.width || 3 })),
      marks: data.marks.map((group) => ({
        ...group, places: group.places.map((place, k) => now(group.ids[k], place)), symbol: group.symbol || "circle",
        colour: hue(group.colour), colours: group.colours && group.colours.map(hue),
      })),
    };
  }

  // The points that are shown while the others are out of sight.
  function alone() {
    return data.only && new Set(data.only);
  }

  // In sight are all points, all marks and wherever a mark comes by.
  function extent() {
    return cloud.extent([...data.marks.flatMap((g) => g.places), ...Object.values(data.frames ?? {}).flat()]);
  }

  function spot() {
    return kind && heard ? (drawing?.spot() ?? null) : null;
  }

  /** @param {boolean} byHand  not by a window of another size */
  function turned(byHand) {
    choose();
    if (!byHand) return;
    clearTimeout(resting);
    resting = setTimeout(() => {
      const now = ended ? null : drawing?.look();
      if (now == null || now === view) return;
      view = now;
      one.tell("camera", { view, seq: ++seq });
    }, REST);
  }

  function listen() {
    heard = true;
    if (listening) return;
    listening = true;
    // plotly's own 3-D click misses quick ones: ours is a press and a release in one place.
    plot.addEventListener("pointerdown", (event) => (pressed = [event.clientX, event.clientY]), true);
    plot.addEventListener("pointerup", (event) => {
      const moved = Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]);
      const aside = event.target instanceof Element && event.target.closest(".modebar, .legend");
      if (moved < 5 && !aside) pick(under);
    }, true);
    ink.onpointerdown = (event) => { ink.setPointerCapture(event.pointerId); shape = [local(event)]; };
    ink.onpointermove = (event) => { if (shape) drag(local(event)); };
    ink.onpointerup = (event) => { if (shape) { drag(local(event)); take(shape); } };
    root.addEventListener("keydown", (event) => { if (event.key === "Escape" && tool) use(tool); });
    new ResizeObserver(choose).observe(plot);
  }

  /** @param {string | null | undefined} id */
  function pick(id) {
    if (!id) return;
    one.tell("pick", { id: id === data.chosen ? null : id, seq: ++seq });
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
    ink.classList.toggle("on", !!tool);
    outline.setAttribute("d", "");
  }

  /** @param {string} name */
  function use(name) {
    if (name === "play") return play ? halt() : start();
    tool = tool === name ? "" : name;
    shape = null;
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
    const hidden = drawing?.hidden() ?? new Set();
    const ids = new Set(data.marks.flatMap((g) => g.ids.filter((_, k) => where && within(where(g.places[k]), path))));
    const bits = cloud.inside(where, path, hidden, alone());
    use(tool);
    one.tell("area", { bits, ids: [...ids], seq: ++seq });
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
      one.tell("played", { layer: last, seq: ++seq });
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
    const end = way.length - 1, k = Math.min(Math.floor(play.at), end), next = way[Math.min(k + 1, end)], share = play.at - k;
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

/** Whether this browser draws with WebGL at all; asked once, as it has room for few of these. */
function able() {
  if (globalThis.atlasWebgl === undefined) {
    const gl = document.createElement("canvas").getContext("webgl2");
    gl?.getExtension("WEBGL_lose_context")?.loseContext();
    globalThis.atlasWebgl = Boolean(gl);
  }
  return globalThis.atlasWebgl;
}
