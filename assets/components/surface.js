// @ts-check
// A map of very many points: drawn by the GPU (`webgl.js`) or, without one, by the processor.
//
// Measured without a GPU, plotly.js takes 4 s to the first picture of 50,000 points (3 s of 6,000) and
// turns it once a second (four times), as it makes triangles of markers in JavaScript. Here a point is
// eight bytes and the cloud one draw call, with no library to load: a component cannot import the deck.gl
// that Streamlit brings, and its own or three.js would be 700 kB for that one call. Small maps stay
// plotly's, which also draws axes and tools for them.

import { begun, adapted } from "./pace.js";
import { scaled, slotAt } from "./picking.js";
import { deepView, flatView, screen } from "./view.js";

const ROUND = 0, DIAMOND = 1, SQUARE = 2; // shapes of `webgl.js`
const STILL = 140; // milliseconds without a move until all points are drawn
const REACH = 9; // pixels from the pointer to a point
const TURN = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const NEARER = { "+": 1.25, "=": 1.25, "-": 0.8, _: 0.8 };
const ACTS = [["+", "Zoom in"], ["−", "Zoom out"], ["⌂", "Show everything"]];
const TOLD = "Drag or press the arrow keys to turn; with Shift to move. Wheel, + and − zoom, 0 shows everything.";
const SOFT = "Drawn without a GPU. ", FEWER = "Fewer points are shown while it turns.";

/** The code alone, kept for `space.js`: it never changes, so that it travels once. */
export default function () {
  globalThis.atlasSurface ??= surface;
}

/**
 * @param {HTMLElement} host
 * @param {MapEvents} events
 */
export function surface(host, events) {
  const { gpu, raster, above, below, legend, plain } = /** @type {NonNullable<typeof globalThis.atlasPainters>} */ (globalThis.atlasPainters);
  host.replaceChildren();
  /** @type {(name: string, style: string, parent: HTMLElement) => HTMLElement} */
  const put = (name, style, parent) => {
    const node = document.createElement(name);
    node.className = style;
    return parent.appendChild(node);
  };
  const stage = put("div", "stage", host), entries = put("div", "legend", host);
  const under = /** @type {HTMLCanvasElement} */ (put("canvas", "", stage));
  let points = /** @type {HTMLCanvasElement} */ (put("canvas", "points", stage));
  const over = /** @type {HTMLCanvasElement} */ (put("canvas", "", stage)), card = put("div", "card", stage), bar = put("div", "modebar", stage), soft = put("p", "soft", stage);
  /** @type {import("./webgl.js").Painter | null} */
  let painter = null;
  /** @type {MapScene} */
  let scene;
  /** @type {import("./view.js").View} */
  let view;
  /** @type {Int16Array} */
  let packed = new Int16Array();
  /** @type {number[]} */
  let matrix = [];
  /** @type {{ at: number[], digest: string, packed: Int16Array }[]} what is pointed out, as it was sent */
  const pointed = [];
  /** @type {Set<string>} names in the legend that were switched off */
  const off = new Set();
  /** @type {Map<number, { x: number, y: number }>} fingers, or the mouse's button */
  const held = new Map();
  let share = 0, asked = 0, still = 0, painted = 0, kept = "", listed = "", moving = false, width = 0, height = 0, hovering = 0;
  const ended = new AbortController();
  /** @type {{ x: number, y: number } | null} */
  let pointer = null;

  card.hidden = true;
  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  const sizes = new ResizeObserver(() => { if (painter) { fit(); paint(1); events.turned(false); } });
  sizes.observe(stage);
  listen();
  return { draw, spot, look: () => view.text(), hidden: classes, stop };

  /** @param {MapScene} next */
  async function draw(next) {
    const before = scene;
    scene = next;
    stage.setAttribute("aria-label", `Map of ${scene.cloud.count.toLocaleString("en")} points. ${TOLD}`);
    fit();
    // What the person turned to stays, also in the middle of a turn.
    if (!before || scene.moved || before.flat !== scene.flat || JSON.stringify(before.ends) !== JSON.stringify(scene.ends)) {
      const link = before && !scene.moved && before.flat === scene.flat ? view.text() : scene.view;
      view = scene.flat ? flatView(link, scene.ends) : deepView(link, scene.ends, narrow());
    }
    fill();
    list();
    // A frame with all points says how many this machine can turn.
    const began = performance.now();
    paint(1);
    painter?.done();
    if (!share) share = begun(performance.now() - began);
    say();
  }

  function stop() {
    cancelAnimationFrame(asked);
    cancelAnimationFrame(hovering);
    clearTimeout(still);
    sizes.disconnect();
    ended.abort();
    painter?.close();
    host.replaceChildren();
  }

  function narrow() {
    return host.clientWidth < 560;
  }

  // ---- what is drawn

  function fit() {
    [width, height] = [stage.clientWidth, stage.clientHeight];
    for (const canvas of [under, points, over]) {
      const [w, h] = [width, height].map((v) => Math.round(v * density()));
      if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    }
  }

  function fresh() {
    const before = points;
    before.replaceWith((points = document.createElement("canvas")));
    points.className = "points";
    fit();
    return points;
  }

  function density() {
    return Math.min(devicePixelRatio || 1, 2);
  }

  // The points as the painter takes them, made anew where some of them changed.
  function fill() {
    if (painter?.lost()) [painter, kept] = [null, ""];
    // A canvas that was asked for the GPU gives nothing else any more.
    painter ??= gpu(fresh()) ?? raster(fresh());
    const { cloud, only, dot, flat, hue } = scene, gone = classes();
    const now = JSON.stringify([cloud.digest, [...gone], only && [...only]]);
    if (now !== kept) packed = cloud.packed(gone, only);
    kept = now;
    const grow = density() * (flat ? 1.6 : 1), [size, opacity] = only ? [4.5, 0.95] : [dot.size, flat ? dot.opacity : 0.8];
    const shape = size * grow < 3.2 ? SQUARE : ROUND;
    const lit = scene.lit.map((group, k) => ({ name: group.name, packed: some(group, k), size: (group.size + 1) * grow, shape: group.symbol === "diamond" ? DIAMOND : ROUND, opacity: 1 }));
    painter?.layers([{ name: "", packed, size: size * grow, shape, opacity }, ...lit.filter((one) => !off.has(one.name))]);
    const table = new Uint8Array(1024);
    cloud.legend.forEach((entry, k) => table.set(bytes3(hue(entry.colour)), 4 * k));
    scene.lit.forEach((group, k) => table.set(bytes3(group.colour), 4 * (255 - k)));
    painter?.hues(table);
  }

  /**
   * @param {MapScene["lit"][number]} group
   * @param {number} k
   */
  function some(group, k) {
    const { cloud } = scene, had = pointed[k];
    const same = had && had.digest === cloud.digest && had.at.length === group.at.length && had.at.every((i, j) => i === group.at[j]);
    if (!same) pointed[k] = { at: group.at, digest: cloud.digest, packed: cloud.some(group.at, 255 - k) };
    return pointed[k].packed;
  }

  /** @param {number} part  the share of the points */
  function paint(part) {
    if (!width || !height) return;
    matrix = view.matrix(width, height);
    const where = screen(matrix, width, height), paper = bytes3(scene.hue(scene.colours.paper));
    below(under, density(), scene, matrix, where);
    painter?.paint({ matrix: scaled(matrix, scene.cloud.scale), share: part, depths: depths(), paper });
    above(over, density(), scene, where, off);
  }

  // How far from the eye the nearest and the furthest corner of the box are.
  function depths() {
    if (scene.flat) return [1, 2];
    const [x, y, z] = scene.ends, found = x.flatMap((a) => y.flatMap((b) => z.map((c) => matrix[3] * a + matrix[7] * b + matrix[11] * c + matrix[15])));
    return [Math.max(0, Math.min(...found)), Math.max(...found)];
  }

  function spot() {
    return matrix.length ? screen(matrix, width, height) : null;
  }

  // ---- turning: as many points as the machine draws at the speed of the hand, then all

  function move() {
    moving = true;
    if (!asked) asked = requestAnimationFrame(frame);
    clearTimeout(still);
    still = setTimeout(rest, STILL);
  }

  /** @param {number} now */
  function frame(now) {
    asked = 0;
    if (painted) share = adapted(share, now - painted);
    painted = 0;
    if (moving) {
      paint(share);
      stage.dataset.share = share.toFixed(3);
      painted = now;
      events.turning();
    }
    moving = false;
    // One frame more tells how long this one took, whether or not the hand moved since.
    if (painted) asked = requestAnimationFrame(frame);
  }

  function rest() {
    paint(1);
    say();
    events.turned(true);
  }

  // What the person should know of this machine.
  function say() {
    const fewer = Number(stage.dataset.share ?? 1) < 1;
    soft.textContent = (painter?.name === "WebGL" ? "" : SOFT) + (fewer ? FEWER : "");
  }

  // ---- the hand

  function listen() {
    stage.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Element && event.target.closest(".modebar")) return;
      stage.setPointerCapture?.(event.pointerId);
      held.set(event.pointerId ?? 0, local(event));
      look(local(event));
    });
    stage.addEventListener("pointermove", (event) => {
      const was = held.get(event.pointerId ?? 0), now = local(event);
      if (!was) return void glance(now);
      drag(event, was, now);
      held.set(event.pointerId ?? 0, now);
      move();
    });
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => held.delete(/** @type {PointerEvent} */ (event).pointerId ?? 0));
    stage.addEventListener("pointerleave", () => { pointer = null; if (!held.size) tell(null, { x: 0, y: 0 }); });
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    // Names stand above the stage, and a wheel turned over one is meant for the map.
    (host.parentElement ?? stage).addEventListener("wheel", (event) => {
      event.preventDefault();
      near(Math.exp(-Math.max(-400, Math.min(400, event.deltaY)) / 500));
    }, { passive: false, signal: ended.signal });
    stage.addEventListener("keydown", press);
    ACTS.forEach(([sign, told], k) => {
      const node = put("button", "", bar);
      Object.assign(node, { type: "button", textContent: sign, title: told, onclick: () => (k === 2 ? home() : near([1.25, 0.8][k])) });
      node.setAttribute("aria-label", told);
    });
  }

  /**
   * One finger turns, two move and draw the map apart; a mouse moves it with Shift or its other button.
   * @param {PointerEvent} event
   * @param {{ x: number, y: number }} was
   * @param {{ x: number, y: number }} now
   */
  function drag(event, was, now) {
    const [dx, dy] = [now.x - was.x, now.y - was.y];
    const other = [...held].find(([id]) => id !== (event.pointerId ?? 0))?.[1];
    if (other) {
      const apart = (/** @type {{ x: number, y: number }} */ p) => Math.hypot(p.x - other.x, p.y - other.y);
      view.near(apart(now) / Math.max(apart(was), 1), width, height);
      return view.pan(dx / 2, dy / 2, height, width);
    }
    tell(null, now);
    if (event.shiftKey || event.buttons === 2) view.pan(dx, dy, height, width);
    else view.turn(dx, dy, height, width);
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== stage) return;
    const way = TURN[/** @type {keyof typeof TURN} */ (event.key)], by = NEARER[/** @type {keyof typeof NEARER} */ (event.key)];
    if (way) {
      view[event.shiftKey ? "pan" : "turn"]((way[0] * height) / 12, (way[1] * height) / 12, height, width);
      move();
    } else if (by) near(by);
    else if (event.key === "0" || event.key === "Home") home();
    else return;
    event.preventDefault();
  }

  /** @param {number} times */
  function near(times) {
    view.near(times, width, height);
    move();
  }

  function home() {
    view.reset();
    move();
  }

  /** @param {MouseEvent} event */
  function local(event) {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  // ---- what lies under the pointer

  /** @param {{ x: number, y: number }} at */
  function glance(at) {
    pointer = at;
    if (!hovering) hovering = requestAnimationFrame(() => { hovering = 0; if (pointer && !held.size) look(pointer); });
  }

  /** @param {{ x: number, y: number }} at */
  function look({ x, y }) {
    const { cloud, marks, flat } = scene, where = spot();
    if (!where) return;
    const grow = flat ? 0.8 : 0.5;
    for (const group of [...marks].reverse()) {
      if (off.has(group.name)) continue;
      for (let k = group.ids.length - 1; k >= 0; k--) {
        const [a, b] = where(group.places[k]);
        if (Math.hypot(a - x, b - y) <= group.size * grow + 3) return tell(group.ids[k], { x: a, y: b }, plain(group.texts[k]));
      }
    }
    const radius = Math.max(1.5, ((scene.only ? 4.5 : scene.dot.size) * grow)), slot = slotAt(packed, scaled(matrix, cloud.scale), { width, height, x, y, radius, reach: REACH });
    if (slot < 0) return tell(null, { x, y });
    const i = cloud.nth(slot), [a, b] = where(cloud.place(i));
    tell(cloud.ids + i, { x: a, y: b }, cloud.names[i]);
  }

  /**
   * @param {string | null} id
   * @param {{ x: number, y: number }} at
   * @param {string} [words]
   */
  function tell(id, at, words) {
    events.under(id);
    card.hidden = !id;
    card.textContent = words ?? "";
    if (!id) return;
    const left = at.x > width / 2;
    card.style.transform = `translate(${at.x.toFixed(0)}px, ${at.y.toFixed(0)}px) translate(${left ? "calc(-100% - 10px)" : "10px"}, -50%)`;
  }

  // ---- the legend

  function list() {
    const all = [...scene.cloud.legend.map((entry, k) => ({ name: entry.name, colour: scene.hue(entry.colour), there: !scene.only || scene.cloud.group(k, scene.only).length > 0 })),
      ...scene.lit.map((group) => ({ name: group.name, colour: group.colour, there: true })),
      ...scene.marks.map((group) => ({ name: group.name, colour: group.colour, there: group.ids.length > 0 }))].filter((one) => one.name && one.there);
    const now = JSON.stringify(all);
    if (now === listed) return;
    listed = now;
    legend(entries, all, off, () => { fill(); paint(1); events.turned(false); });
  }

  function classes() {
    return new Set(scene.cloud.legend.flatMap((entry, k) => (off.has(entry.name) ? [k] : [])));
  }
}

/**
 * The three bytes of `#rrggbb`.
 * @param {string} colour
 */
function bytes3(colour) {
  return [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
}
