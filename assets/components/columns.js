// @ts-check
// Shows columns of text while they are written: only tokens that are new touch the page.
// Data: pages/decoding/columns/sheet.py, `payload`. Hover tells, click locks "c2 t14", arrows walk.

import { element, find, paint } from "./dom.js";
import { edges } from "./edges.js";
import { readable } from "./sentences.js";

/** @type {WeakMap<HTMLElement, ReturnType<typeof sheet>>} */
const sheets = new WeakMap();

/** @param {Mounted<ColumnsData>} component */
export default function ({ data, parentElement, setStateValue }) {
  const root = find(parentElement, ".atlas");
  let one = sheets.get(root);
  if (!one) sheets.set(root, (one = sheet(root)));
  one.tell = setStateValue;
  // No clean-up: Streamlit runs it between two looks as well, and the columns must stay.
  one.show(data);
}

/** @type {Record<string, [column: number, token: number]>} */
const WAYS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

const FIGURES = 3; // that stand in sight

/** @param {HTMLElement} root */
function sheet(root) {
  const grid = find(root, ".grid"), key = find(root, ".key"), tip = find(root, ".tip");
  const one = { tell: /** @type {Tell | null} */ (null), show };
  /** @type {ReturnType<typeof make>[]} */
  let columns = [];
  /** @type {ColumnsData} */
  let data;
  let seq = 0, held = "", chosen = 0, speaker = -1, spoken = 0, writing = false;
  grid.replaceChildren();
  const add = element("button", "add", null, "+ Add column");
  add.type = "button";
  add.onclick = () => one.tell?.("add", { seq: (seq += 1) });
  edges(root, grid); // of columns under one another the last are below the screen
  const aloud = element("p", "aloud", root);
  aloud.setAttribute("aria-live", "polite");

  /** @param {ColumnsData} next */
  function show(next) {
    paint(root, key);
    data = next;
    root.dataset.tint = data.tint;
    const cells = data.columns.length + (data.room ? 1 : 0);
    grid.style.setProperty("--n", String(cells));
    grid.style.setProperty("--half", String(cells > 4 ? Math.ceil(cells / 2) : cells));
    grid.style.setProperty("--height", data.height + "px");
    while (columns.length > data.columns.length) columns.pop()?.box.remove();
    while (columns.length < data.columns.length) columns.push(make(columns.length));
    data.columns.forEach((column, i) => fill(columns[i], column, i));
    if (data.room) grid.append(add);
    else add.remove();
    // One Tab stop a sheet; arrows go on from there.
    const first = columns.find((column) => column.spans.length)?.spans[0];
    if (first && !grid.querySelector('.t[tabindex="0"]')) first.tabIndex = 0;
    if ((data.seq ?? 0) >= seq) {
      seq = data.seq ?? 0;
      held = data.held ?? "";
      chosen = data.chosen ?? 0;
    }
    mark();
    legend();
    announce();
  }

  // The chosen column is read aloud by sentences while it is written: token by token none would be
  // heard to its end. What was there before is not read.
  function announce() {
    const now = data.columns[chosen], text = now?.t.join("") ?? "";
    if (!now) return;
    if (speaker < 0 || text.length < spoken) spoken = now.w ? 0 : text.length;
    else if (speaker !== chosen) spoken = text.length;
    else if (now.w || writing) {
      const whole = readable(text.slice(spoken), !now.w);
      const words = `${whole.trim()} ${now.w ? "" : now.end}`.trim();
      spoken += whole.length;
      if (words) aloud.textContent = columns.length > 1 ? `Column ${chosen + 1}: ${words}` : words;
    }
    [speaker, writing] = [chosen, now.w];
  }

  /** @param {number} i */
  function make(i) {
    const box = element("section", "column", grid);
    const name = element("button", "name", box);
    name.type = "button";
    name.onclick = () => lock(`c${i + 1}`);
    const text = element("p", "text", box);
    text.dir = "auto";
    text.setAttribute("role", "group");
    const prompt = element("span", "prompt", text);
    const caret = element("span", "caret", text);
    const foot = element("div", "foot", box);
    const spans = /** @type {TokenSpan[]} */ ([]), shown = /** @type {string[]} */ ([]);
    return { box, name, text, prompt, caret, foot, spans, shown, footed: "" };
  }

  /**
   * @param {ReturnType<typeof make>} column
   * @param {ColumnData} now
   * @param {number} i
   */
  function fill(column, now, i) {
    const { box, name, text, prompt, caret } = column;
    box.style.setProperty("--hue", `var(--atlas-category-${i}, ${data.hues[i]})`);
    box.setAttribute("aria-label", `Column ${i + 1}: ${now.name}`);
    text.setAttribute("aria-label", `Text of column ${i + 1}`);
    if (name.dataset.words !== now.name) {
      name.dataset.words = now.name;
      name.replaceChildren(element("i", "", null, String(i + 1)), now.name);
    }
    if (prompt.textContent !== data.prompt) prompt.textContent = data.prompt;
    const low = text.scrollHeight - text.scrollTop - text.clientHeight < 24;
    let same = 0;
    while (same < column.shown.length && same < now.t.length && column.shown[same] === now.t[same]) same++;
    for (const span of column.spans.splice(same)) span.remove();
    column.shown.length = same;
    const fresh = document.createDocumentFragment();
    for (let t = same; t < now.t.length; t++) {
      const span = Object.assign(element("span", "t", fresh, now.t[t]), { at: /** @type {[number, number]} */ ([i, t]) });
      span.tabIndex = -1;
      column.spans.push(span);
      column.shown.push(now.t[t]);
    }
    text.insertBefore(fresh, caret);
    for (let t = 0; t < now.t.length; t++) dress(column.spans[t], now, t);
    caret.hidden = !now.w;
    caret.style.display = now.w ? "" : "none";
    if (low && now.t.length > same) text.scrollTop = text.scrollHeight;
    footing(column, now);
  }

  /**
   * @param {TokenSpan} span
   * @param {ColumnData} now
   * @param {number} t
   */
  function dress(span, now, t) {
    const words = `${now.p[t]} ${now.r[t]} ${now.d === t} ${now.f.includes(t)}`;
    if (span.words === words) return;
    span.words = words;
    span.style.setProperty("--p", String(now.p[t]));
    const rank = now.r[t];
    span.dataset.band = String([10, 100, 1000].filter((band) => rank > band).length);
    span.classList.toggle("parts", now.d === t);
    span.classList.toggle("forced", now.f.includes(t));
    span.classList.toggle("blank", /^\n+$/.test(now.t[t]));
    span.classList.toggle("part", now.t[t] === "");
  }

  /**
   * @param {ReturnType<typeof make>} column
   * @param {ColumnData} now
   */
  function footing(column, now) {
    const words = JSON.stringify([now.end, now.idle, now.s, now.h]);
    if (column.footed === words) return;
    column.footed = words;
    const foot = column.foot;
    foot.replaceChildren();
    element("div", now.end ? "end" : "end empty", foot, now.end || now.idle || "");
    if (now.h.length > 1) foot.append(spark(now.h, now.peak));
    if (!now.s.length) return;
    figures(foot, now.s.slice(0, FIGURES));
    if (now.s.length <= FIGURES) return;
    const more = element("details", "", foot);
    element("summary", "", more, "More figures");
    figures(more, now.s.slice(FIGURES));
  }

  /**
   * @param {HTMLElement} parent
   * @param {ColumnData["s"]} rows
   */
  function figures(parent, rows) {
    const list = element("dl", "", parent);
    for (const [label, value, why] of rows) {
      element("dt", "", list, label).title = why;
      element("dd", "", list, value).title = why;
    }
  }

  /**
   * Entropy over time, from 0 to `peak` bits.
   * @param {number[]} values
   * @param {number} peak
   */
  function spark(values, peak) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const words = document.createElementNS(space, "title");
    words.textContent = `Entropy before each token, 0 to ${peak} bits`;
    svg.setAttribute("viewBox", "0 0 200 30");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", words.textContent);
    const line = document.createElementNS(space, "polyline");
    const step = 200 / Math.max(1, values.length - 1);
    line.setAttribute("points", values.map((v, i) => `${(i * step).toFixed(1)},${(29 - 27 * v / peak).toFixed(1)}`).join(" "));
    line.setAttribute("style", "fill:none;stroke:var(--hue);stroke-width:1.5;vector-effect:non-scaling-stroke");
    svg.append(words, line);
    return svg;
  }

  function legend() {
    const words = data.tint + data.mark;
    if (key.dataset.words === words) return;
    key.dataset.words = words;
    key.replaceChildren();
    if (data.tint === "rank") {
      ["top 10", "top 100", "top 1,000", "beyond"].forEach((label, band) => {
        const part = element("span", "", key);
        element("b", "swatch", part).style.background = `var(--atlas-rank-${band})`;
        part.append(label);
      });
      element("span", "", key, "rank in the model's distribution");
    } else {
      const part = element("span", "", key, "Model probability of each token: 0 %");
      element("b", "ramp", part);
      part.append("100 %");
    }
    if (data.mark) element("span", "", key, data.mark);
  }

  function mark() {
    columns.forEach((column, i) => {
      column.box.classList.toggle("chosen", i === chosen);
      column.name.setAttribute("aria-pressed", String(i === chosen));
    });
    root.querySelectorAll(".t.held").forEach((span) => span.classList.remove("held"));
    const place = /^c(\d+) t(\d+)$/.exec(held);
    if (place) columns[Number(place[1]) - 1]?.spans[Number(place[2]) - 1]?.classList.add("held");
  }

  /** @param {string} next */
  function lock(next) {
    held = next === held && next.includes("t") ? next.split(" ")[0] : next;
    chosen = Number(/^c(\d+)/.exec(held)?.[1]) - 1;
    seq += 1;
    mark();
    one.tell?.("lock", { at: held, seq });
  }

  /** @param {TokenSpan | null} span */
  function say(span) {
    tip.hidden = !span;
    if (!span) return;
    const [c, t] = span.at, now = data.columns[c];
    const percent = (/** @type {number} */ p) => (100 * p).toPrecision(p < 0.1 ? 2 : 3) + " %";
    const lines = [`${(now.v[t] ?? now.t[t]) || "part of a character"}   token ${t + 1}`];
    lines.push(`model probability ${percent(now.p[t])}, rank ${now.r[t].toLocaleString("en")}`);
    if (t in now.a) lines.push(now.a[t] === 0 ? "removed by the filters" : `after filters ${percent(now.a[t])}, ${now.k[t].toLocaleString("en")} tokens kept`);
    lines.push(`entropy ${now.h[t].toFixed(1)} bits`);
    const best = now.b[t] ?? [], first = [];
    for (let i = 0; i + 1 < best.length; i += 2) first.push(`${best[i]} ${percent(Number(best[i + 1]))}`);
    if (first.length) lines.push("top tokens: " + first.join(", "));
    if (now.d === t) lines.push(`▾ first difference from column ${chosen + 1}`);
    if (now.f.includes(t)) lines.push("forced");
    tip.textContent = lines.join("\n");
    const box = root.getBoundingClientRect(), at = span.getClientRects()[0] ?? span.getBoundingClientRect();
    const left = Math.min(at.left - box.left, box.width - tip.offsetWidth - 4);
    const below = at.bottom + 8 + tip.offsetHeight < innerHeight;
    tip.style.left = Math.max(0, left) + "px";
    tip.style.top = (below ? at.bottom - box.top + 8 : at.top - box.top - tip.offsetHeight - 8) + "px";
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    const span = /** @type {TokenSpan} */ (event.target);
    if (!span.at) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      event.stopPropagation(); // the space bar writes and stops elsewhere on the page
      return lock(`c${span.at[0] + 1} t${span.at[1] + 1}`);
    }
    const way = WAYS[event.key];
    if (!way) return;
    const spans = columns[span.at[0] + way[0]]?.spans;
    const to = spans?.[Math.min(span.at[1] + way[1], spans.length - 1)];
    if (!to) return;
    event.preventDefault();
    span.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  }

  const token = (/** @type {Event} */ event) =>
    event.target instanceof Element ? /** @type {TokenSpan | null} */ (event.target.closest(".t")) : null;
  grid.onpointerover = (event) => say(token(event));
  grid.onpointerleave = () => say(null);
  grid.addEventListener("focusin", (event) => {
    const span = token(event);
    if (span?.matches(":focus-visible")) say(span);
  });
  grid.addEventListener("focusout", () => say(null));
  grid.onclick = (event) => {
    const span = token(event);
    if (span) lock(`c${span.at[0] + 1} t${span.at[1] + 1}`);
  };
  grid.onkeydown = (event) => {
    if (event.key === "Escape" && held.includes("t")) lock(held.split(" ")[0]);
    else walk(event);
  };
  return one;
}
