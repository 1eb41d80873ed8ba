// @ts-check
// Plays one SVG of ours: hover previews, click locks, Esc or a second click unlocks, arrows walk.
// What can be done with a locked target (its data-act) is offered on a card beside it.
// The grammar of its data- attributes is written in pages/pictures/svg.py.
// `play` needs no Streamlit: the one-file HTML export uses it as it is.

import { acts } from "./acts.js";
import { element, find, focused, paint } from "./dom.js";
import { edges, least } from "./edges.js";
import { bands, cell, frame, ids, matrix, point, step } from "./matrix.js";
import { describe, nearest, taken } from "./targets.js";

/** @type {WeakMap<HTMLElement, ReturnType<typeof play>>} */
const plays = new WeakMap();
/** @type {WeakMap<Map<string, string>, Set<ReturnType<typeof play>>>} */
const living = new WeakMap();

/** @param {Mounted<PictureData>} component */
export default function ({ data, parentElement, setStateValue }) {
  const root = find(parentElement, ".atlas");
  let one = plays.get(root);
  if (!one) plays.set(root, (one = play(root)));
  one.tell = setStateValue;
  // Pictures by digest, so that the PNG button needs no second copy of them.
  const shown = (globalThis.atlasPictures ??= new Map());
  const here = living.get(shown) ?? new Set();
  living.set(shown, here.add(one));
  const before = one.digest;
  shown.set((one.digest = data.digest), data.svg);
  forget(shown, before);
  one.show(data);
  return () => {
    one.stop();
    here.delete(one);
    forget(shown, one.digest);
    plays.delete(root);
  };
}

/**
 * Keep no picture that stands nowhere on the page; another may look the same.
 * @param {Map<string, string>} shown
 * @param {string} digest
 */
function forget(shown, digest) {
  for (const one of living.get(shown) ?? []) if (one.digest === digest) return;
  shown.delete(digest);
}

/** @type {Record<string, [dx: number, dy: number]>} */
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {HTMLElement} root */
function play(root) {
  const stage = find(root, ".stage"), chip = find(root, ".chip"), tip = find(root, ".tip");
  const offers = acts(root, act);
  const one = { tell: /** @type {Tell | null} */ (null), digest: "", show, stop };
  const edge = edges(root, stage);
  /** @type {Drawn | null} */
  let svg = null;
  /** @type {string[]} */
  let locked = [];
  /** @type {string[]} */
  let hover = [];
  /** @type {Part[]} */
  let parts = [];
  /** @type {Map<string, string>} */
  let names = new Map();
  /** @type {Map<string, Drawn>} */
  let byId = new Map();
  /** @type {Map<string, string>} */
  let tips = new Map();
  let source = "", seq = 0, report = false, timer = 0, told = "", twice = false, turn = 0, inside = false;
  let active = false, acting = false, done = "", wanted = "";
  let touched = /** @type {Drawn | null} */ (null); // of elements that share an id the one pointed at

  /** @param {Pick<PictureData, "svg"> & Partial<PictureData>} data */
  function show(data) {
    paint(root, stage);
    report = Boolean(data.report);
    twice = Boolean(data.twice);
    active = Boolean(data.acts);
    root.style.setProperty("--height", data.height ? data.height + "px" : "none");
    const echo = data.seq ?? 0;
    const fresh = data.svg !== source;
    if (fresh) draw(data);
    // An answer to an older click must not undo a newer one.
    if (echo >= seq) {
      seq = echo;
      locked = ids(data.locked).filter((id) => names.has(id));
      acting = false;
    }
    mark(data.marked);
    light();
    offer();
    reach();
    if (fresh) edge.bring(byId.get(locked[0]));
    edge.look();
  }

  function stop() {
    edge.stop();
    clearTimeout(timer);
    document.removeEventListener("keydown", escape);
    removeEventListener("resize", reach);
    offers.card.remove();
  }

  // What scrolls and has nothing to go to inside is itself reached by the keyboard.
  function reach() {
    const bare = !byId.size && !grids().length;
    const scrolls = bare && (stage.scrollWidth > stage.clientWidth || stage.scrollHeight > stage.clientHeight);
    if (scrolls) stage.tabIndex = 0;
    else stage.removeAttribute("tabindex");
  }

  /** @param {Pick<PictureData, "svg"> & Partial<PictureData>} data */
  function draw(data) {
    const kept = svg && focused(root)?.dataset?.id;
    // The parser of pages is four times as fast as the one of XML; scripts in a template never run.
    const holder = document.createElement("template");
    holder.innerHTML = data.svg;
    const fresh = /** @type {Drawn | null} */ (holder.content.firstElementChild);
    // A picture that wraps like text (chips) is XHTML under one <div>; all others are one SVG.
    if (!fresh || !["svg", "div"].includes(fresh.localName)) return;
    // A <title> would show the browser's own tooltip over ours; the label says the same.
    fresh.querySelectorAll(":scope > title").forEach((title) => title.remove());
    if (data.alt) fresh.setAttribute("aria-label", data.alt);
    const width = parseFloat(fresh.getAttribute("width") ?? "");
    if (width) fresh.style.cssText = `width:100%;max-width:${width}px;min-width:${width * least(fresh, Number(fresh.dataset.least ?? 0.72))}px;height:auto`;
    stage.replaceChildren(fresh);
    svg = fresh;
    source = data.svg;
    index(fresh);
    hover = hover.filter((id) => names.has(id));
    if (kept) byId.get(kept)?.focus({ preventScroll: true });
  }

  /**
   * What is chosen on the page, with or without a lock: the picture need not be drawn anew for it.
   * @param {string | null | undefined} id
   */
  function mark(id) {
    svg?.querySelectorAll(".marked").forEach((node) => node.classList.remove("marked"));
    if (id) byId.get(id)?.classList.add("marked");
  }

  /**
   * One Tab stop a picture; arrows go on from there.
   * @param {Drawn} svg
   */
  function index(svg) {
    names = new Map();
    byId = new Map();
    tips = new Map();
    parts = [];
    for (const node of /** @type {NodeListOf<Drawn>} */ (svg.querySelectorAll("[data-id],[data-on],[data-show]"))) {
      const id = node.getAttribute("data-id") ?? undefined, on = node.getAttribute("data-on");
      const button = id !== undefined && !byId.has(id);
      parts.push({
        node, id, on: ids(on), show: ids(node.getAttribute("data-show")), keep: node.hasAttribute("data-keep"),
        named: id !== undefined || on !== null, button, looks: "", lit: false,
      });
      if (id === undefined) continue;
      const tip = node.getAttribute("data-tip"), written = node.textContent ?? "";
      if (tip) tips.set(id, tip);
      if (button) {
        byId.set(id, node);
        node.setAttribute("tabindex", byId.size === 1 ? "0" : "-1");
        node.setAttribute("role", "button");
        node.setAttribute("aria-pressed", "false");
      }
      if (!names.get(id)) names.set(id, node.getAttribute("data-name") || (written || tip || "").split("\n")[0]);
    }
    for (const [id, node] of byId) describe(node, tips.get(id)?.replaceAll("\n", ", ").slice(0, 300), names.get(id) || id);
    for (const node of grids()) {
      const m = matrix(node);
      m.rows.forEach((id, i) => names.set(id, m.rowLabels[i]));
      m.columns.forEach((id, i) => names.set(id, m.columnLabels[i]));
      node.setAttribute("tabindex", byId.size ? "-1" : "0");
      node.setAttribute("role", "button");
      node.setAttribute("aria-label", `matrix of ${m.rows.length} by ${m.columns.length}: arrows walk`);
    }
  }

  function grids() {
    return /** @type {Drawn[]} */ ([...(svg?.querySelectorAll("g.matrix") ?? [])]);
  }

  /**
   * What a pointer or the focus is on.
   * @param {EventTarget | null} node
   * @param {MouseEvent} [event]
   * @returns {Target | null}
   */
  function target(node, event) {
    if (!(node instanceof Element)) return null;
    const named = /** @type {Drawn | null} */ (node.closest("[data-id]")), id = named?.dataset.id ?? "";
    // One element of an id tells for all.
    if (named) return { ids: [id], node: named, words: named.dataset.tip ?? tips.get(id) };
    const grid = node.closest("g.matrix");
    if (grid) {
      if (event) point(grid, event);
      return cell(grid);
    }
    const tipped = /** @type {Drawn | null} */ (node.closest("[data-tip]"));
    return tipped && { ids: ids(tipped.dataset.on), words: tipped.dataset.tip, quiet: true };
  }

  /**
   * @param {Target | null} found
   * @param {number} [x]
   * @param {number} [y]
   */
  function look(found, x, y) {
    const next = found?.ids ?? [];
    for (const grid of grids()) frame(grid, found?.grid === grid ? found.spot : undefined);
    // The card goes when another target is pointed at, and comes back with its own.
    if (found?.node) touched = found.node;
    if (next.length) offer(next.join(" "));
    say(offers.open && offers.open === next[0] ? undefined : found?.words, x, y);
    if (next.join(" ") === hover.join(" ")) return;
    hover = next;
    light();
    // What is locked stays on the screen: pointing elsewhere is not news, and a report sent beside
    // a click would carry the page's older values.
    clearTimeout(timer);
    if (report && one.tell && !locked.length) {
      timer = setTimeout(() => one.tell?.("hover", (told = hover.join(" ")) || null), 160);
    }
  }

  /**
   * @param {string | undefined} words
   * @param {number} [x]
   * @param {number} [y]
   */
  function say(words, x = 0, y = 0) {
    tip.hidden = !words;
    if (!words) return;
    tip.textContent = words;
    const box = root.getBoundingClientRect();
    const left = Math.min(x - box.left + 14, box.width - tip.offsetWidth - 4);
    const below = y - box.top + 18;
    const fits = y + 24 + tip.offsetHeight < innerHeight;
    tip.style.left = Math.max(0, left) + "px";
    tip.style.top = (fits ? below : y - box.top - tip.offsetHeight - 10) + "px";
  }

  /**
   * What can be done with a target is offered beside it while it alone is locked, or was acted on.
   * @param {string} [id]
   */
  function offer(id = wanted) {
    wanted = id; // also where it is not drawn for a while
    const here = locked.length ? locked.length === 1 && locked[0] === id : done === id;
    const node = here ? byId.get(id) : undefined;
    const beside = touched?.isConnected && touched.dataset.id === id ? touched : node;
    const words = (!report && tips.get(id)) || ""; // else the page itself says what is pointed at
    if (active && one.tell && node && beside) offers.show(id, node, names.get(id) || id, words, beside);
    else offers.hide();
    if (offers.open) tip.hidden = true; // the card says the same
  }

  /**
   * Tell what is to be done; until the answer has come nothing else is.
   * @param {string} id
   * @param {string} name
   */
  function act(id, name) {
    if (acting) return;
    acting = true;
    done = id;
    one.tell?.("act", { id, name, seq: (seq += 1) });
  }

  function light() {
    if (!svg) return;
    const on = new Set([...locked, ...hover]);
    // Of what waits for a row, the row pointed at goes before the one that is locked.
    const letters = new Set(hover.map((id) => id[0]));
    const seen = new Set([...hover, ...locked.filter((id) => !letters.has(id[0]))]);
    svg.classList.toggle("active", on.size > 0);
    /** @type {Set<Element>} */
    const around = new Set(); // what holds something lit is not dimmed
    for (const part of parts) {
      part.lit = (part.id !== undefined && on.has(part.id)) || part.on.some((id) => on.has(id)) || part.show.some((id) => seen.has(id));
      if (part.lit) for (let up = part.node.parentElement; up && up !== svg; up = up.parentElement) around.add(up);
    }
    for (const part of parts) {
      const { node, id, lit } = part;
      const dim = on.size > 0 && part.named && !lit && !part.keep && !around.has(node);
      const held = id ? locked.includes(id) : false;
      // Most of a picture looks as it did before: what is not touched costs nothing.
      const looks = `${lit}${dim}${held}`;
      if (looks === (part.looks || "falsefalsefalse")) continue;
      part.looks = looks;
      node.classList.toggle("lit", lit);
      node.classList.toggle("dim", dim);
      node.classList.toggle("locked", held);
      if (part.button) node.setAttribute("aria-pressed", String(held));
    }
    for (const grid of grids()) bands(grid, on);
    const words = locked.map((id) => names.get(id) || id).join(" → ");
    chip.classList.toggle("on", locked.length > 0);
    if (chip.dataset.words === words) return;
    chip.dataset.words = words;
    chip.replaceChildren();
    if (!words) return;
    element("span", "", chip, "Pinned: " + (words.length > 80 ? words.slice(0, 79) + "…" : words));
    const free = element("button", "", chip, "×");
    free.type = "button";
    free.setAttribute("aria-label", "Unlock");
    free.onclick = () => lock([]);
  }

  /** @param {string[]} next */
  function lock(next) {
    if (next.join(" ") === locked.join(" ")) return;
    locked = next;
    done = "";
    seq += 1;
    clearTimeout(timer);
    light();
    offer(locked.join(" "));
    if (told) one.tell?.("hover", (told = "") || null);
    one.tell?.("lock", { ids: locked.join(" ") || null, seq });
  }

  /**
   * @param {Target | null} found
   * @param {boolean} add  to what is locked already
   */
  function press(found, add) {
    if (!found || found.quiet) return;
    const held = found.ids.every((id) => locked.includes(id));
    if (add) {
      const rest = locked.filter((id) => !found.ids.includes(id));
      lock(held ? rest : [...rest, ...found.ids]);
    } else lock(held && locked.length === found.ids.length ? [] : found.ids);
  }

  /** @param {KeyboardEvent} event */
  function escape(event) {
    if (event.key !== "Escape" || !(inside || root.contains(focused(root)))) return;
    const back = offers.has() && byId.get(offers.open);
    done = "";
    look(null);
    lock([]);
    offer();
    if (back) back.focus();
  }

  /** @param {KeyboardEvent} event */
  function walk(event, from = /** @type {Drawn} */ (event.target)) {
    if (from === stage) return; // there the keys scroll
    if (event.key === "Enter" || event.key === " ") {
      taken(event); // the space bar plays elsewhere on the page
      press(target(from), event.shiftKey);
      if (offers.open) offers.focus(); // a second press does what is offered
      return;
    }
    const way = WAYS[event.key];
    if (!way) return;
    const grid = from.closest("g.matrix"), m = grid && matrix(grid), next = m && step(m, way);
    if (next) {
      taken(event);
      m.at = next;
      return seen(from);
    }
    const to = nearest(from, way, [...byId.values(), ...grids()]);
    if (!to) return;
    taken(event);
    from.setAttribute("tabindex", "-1");
    to.setAttribute("tabindex", "0");
    to.focus();
  }

  /** @param {Drawn} node */
  function seen(node) {
    const box = node.getBoundingClientRect();
    const m = node.matches("g.matrix") ? matrix(node) : null, scale = m ? box.width / (m.columns.length * m.cell) : 0;
    const x = m ? box.x + (m.at[1] + 1) * m.cell * scale : box.right;
    const y = m ? box.y + (m.at[0] + 1) * m.cell * scale : box.bottom;
    look(target(node), x, y);
  }

  stage.onpointermove = (event) => {
    inside = true;
    look(target(event.target, event), event.clientX, event.clientY);
  };
  stage.onpointerleave = () => { inside = false; look(null); };
  stage.onclick = (event) => {
    const found = target(event.target, event);
    look(found, event.clientX, event.clientY);
    // The second click of two: the first one's lock stays.
    if (event.detail === 2 && twice && found?.ids.length) {
      return one.tell?.("twice", { ids: found.ids.join(" "), turn: (turn += 1) });
    }
    press(found, event.shiftKey || event.ctrlKey || event.metaKey);
  };
  // Shift-click would select text otherwise.
  stage.onmousedown = (event) => { if (event.shiftKey) event.preventDefault(); };
  stage.onkeydown = (event) => walk(event);
  stage.onscroll = () => offer();
  offers.card.onkeydown = (event) => {
    const from = byId.get(offers.open);
    if (event.key === "Enter" || event.key === " ") event.stopPropagation();
    else if (from && event.key in WAYS) {
      from.focus();
      walk(event, from);
    }
  };
  stage.addEventListener("focusin", (event) => {
    const node = /** @type {Drawn} */ (event.target);
    if (node.matches(":focus-visible")) seen(node);
  });
  stage.addEventListener("focusout", () => { if (!inside) look(null); });
  document.addEventListener("keydown", escape);
  addEventListener("resize", reach);
  return one;
}
