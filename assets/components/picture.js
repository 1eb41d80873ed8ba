// Plays one SVG of ours: hover previews, click locks, Esc or a second click unlocks, arrows walk.
// The grammar of its data- attributes is written in pages/pictures/svg.py.
// `play` needs no Streamlit: the one-file HTML export uses it as it is.

const plays = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".atlas");
  let one = plays.get(root);
  if (!one) plays.set(root, (one = play(root)));
  one.tell = setStateValue;
  // Pictures by digest, so that the PNG button needs no second copy of them.
  const shown = (globalThis.atlasPictures ??= new Map());
  shown.set(data.digest, data.svg);
  one.digest = data.digest;
  one.show(data);
  return () => {
    one.stop();
    shown.delete(one.digest);
    plays.delete(root);
  };
}

function play(root) {
  const stage = root.querySelector(".stage");
  const chip = root.querySelector(".chip");
  const tip = root.querySelector(".tip");
  const one = { tell: null, digest: "" };
  let svg = null, source = null, locked = [], hover = [], seq = 0, report = false, timer = 0, told = "", twice = false, turn = 0;
  let inside = false, names = {}, byId = new Map(), tips = new Map(), parts = [];

  one.show = (data) => {
    paint(root);
    report = Boolean(data.report);
    twice = Boolean(data.twice);
    root.style.setProperty("--height", data.height ? data.height + "px" : "none");
    const echo = data.seq ?? 0;
    if (data.svg !== source) draw(data);
    // An answer to an older click must not undo a newer one.
    if (echo >= seq) {
      seq = echo;
      locked = ids(data.locked).filter((id) => id in names);
    }
    mark(data.marked);
    light();
  };

  one.stop = () => {
    clearTimeout(timer);
    document.removeEventListener("keydown", escape);
  };

  function draw(data) {
    const focused = svg && root.getRootNode().activeElement?.dataset?.id;
    // The parser of pages is four times as fast as the one of XML; scripts in a template never run.
    const holder = document.createElement("template");
    holder.innerHTML = data.svg;
    const fresh = holder.content.firstElementChild;
    // A picture that wraps like text (chips) is XHTML under one <div>; all others are one SVG.
    if (!["svg", "div"].includes(fresh?.localName)) return;
    // A <title> would show the browser's own tooltip over ours; the label says the same.
    fresh.querySelectorAll(":scope > title").forEach((title) => title.remove());
    if (data.alt) fresh.setAttribute("aria-label", data.alt);
    const width = parseFloat(fresh.getAttribute("width"));
    if (width) fresh.style.cssText = `width:100%;max-width:${width}px;min-width:${width * (fresh.dataset.least ?? 0.72)}px;height:auto`;
    stage.replaceChildren(fresh);
    svg = stage.firstElementChild;
    source = data.svg;
    index();
    hover = hover.filter((id) => id in names);
    if (focused) byId.get(focused)?.focus({ preventScroll: true });
  }

  // What is chosen on the page, with or without a lock: the picture need not be drawn anew for it.
  function mark(id) {
    svg?.querySelectorAll(".marked").forEach((node) => node.classList.remove("marked"));
    if (id) byId.get(id)?.classList.add("marked");
  }

  // One Tab stop a picture; arrows go on from there.
  function index() {
    names = {};
    byId = new Map();
    tips = new Map();
    parts = [];
    for (const node of svg.querySelectorAll("[data-id],[data-on],[data-show]")) {
      const id = node.getAttribute("data-id") ?? undefined, on = node.getAttribute("data-on");
      const button = id !== undefined && !byId.has(id);
      parts.push({
        node, id, on: ids(on), show: ids(node.getAttribute("data-show")), keep: node.hasAttribute("data-keep"),
        named: id !== undefined || on !== null, button, looks: "",
      });
      if (id === undefined) continue;
      const tip = node.getAttribute("data-tip"), written = node.textContent;
      if (tip) tips.set(id, tip);
      if (button) {
        byId.set(id, node);
        node.setAttribute("tabindex", byId.size === 1 ? "0" : "-1");
        node.setAttribute("role", "button");
        node.setAttribute("aria-pressed", "false");
        node.setAttribute("aria-label", (tip || written).replaceAll("\n", ", ").slice(0, 200) || id);
      }
      names[id] ||= node.getAttribute("data-name") || (written || tip || "").split("\n")[0];
    }
    for (const node of svg.querySelectorAll("g.matrix")) {
      const m = matrix(node);
      m.rows.forEach((id, i) => (names[id] = m.rowLabels[i]));
      m.columns.forEach((id, i) => (names[id] = m.columnLabels[i]));
      node.setAttribute("tabindex", byId.size ? "-1" : "0");
      node.setAttribute("role", "button");
      node.setAttribute("aria-label", `matrix of ${m.rows.length} by ${m.columns.length}: arrows walk`);
    }
  }

  function matrix(node) {
    if (node.matrix) return node.matrix;
    const d = node.dataset;
    return (node.matrix = {
      x: +d.x, y: +d.y, cell: +d.cell, rows: ids(d.rows), columns: ids(d.columns),
      rowLabels: JSON.parse(d.rowLabels), columnLabels: JSON.parse(d.columnLabels),
      values: null, format: d.format, quantity: d.quantity || "", mark: null, at: [0, 0],
    });
  }

  // Decoded when somebody first points at a cell.
  function values(grid, m) {
    return (m.values ??= new DataView(Uint8Array.from(atob(grid.dataset.values), (c) => c.charCodeAt(0)).buffer));
  }

  // What a pointer or the focus is on: {ids, words}, or null.
  function target(node, event) {
    if (!node?.closest) return null;
    const named = node.closest("[data-id]");
    // One element of an id tells for all.
    if (named) return { ids: [named.dataset.id], words: named.dataset.tip ?? tips.get(named.dataset.id) };
    const grid = node.closest("g.matrix");
    if (grid) {
      const m = matrix(grid);
      if (event) {
        const point = new DOMPoint(event.clientX, event.clientY);
        const place = point.matrixTransform(grid.getScreenCTM().inverse());
        m.at = [Math.floor((place.y - m.y) / m.cell), Math.floor((place.x - m.x) / m.cell)];
      }
      return cell(grid, m);
    }
    const tipped = node.closest("[data-tip]");
    return tipped && { ids: ids(tipped.dataset.on), words: tipped.dataset.tip, quiet: true };
  }

  function cell(grid, m) {
    const [row, column] = m.at;
    if (row < 0 || column < 0 || row >= m.rows.length || column >= m.columns.length) return null;
    const value = half(values(grid, m), 2 * (row * m.columns.length + column));
    const shown = Number.isNaN(value) ? "masked"
      : m.format === "percent" ? (100 * value).toPrecision(3) + " %" : String(+value.toPrecision(4));
    const words = `${m.rowLabels[row]} → ${m.columnLabels[column]}\n${m.quantity} ${shown}`.trim();
    return { ids: [m.rows[row], m.columns[column]], words, grid, spot: [row, column] };
  }

  function look(found, x, y) {
    const next = found?.ids ?? [];
    frame(found);
    say(found?.words, x, y);
    if (next.join(" ") === hover.join(" ")) return;
    hover = next;
    light();
    // What is locked stays on the screen: pointing elsewhere is not news, and a report sent beside
    // a click would carry the page's older values.
    clearTimeout(timer);
    if (report && one.tell && !locked.length) {
      timer = setTimeout(() => one.tell("hover", (told = hover.join(" ")) || null), 160);
    }
  }

  // The outline of the matrix cell under the pointer.
  function frame(found) {
    for (const grid of svg?.querySelectorAll("g.matrix") ?? []) {
      const m = matrix(grid);
      if (found?.grid !== grid) { m.mark?.remove(); m.mark = null; continue; }
      if (!m.mark) {
        m.mark = document.createElementNS(svg.namespaceURI, "rect");
        m.mark.setAttribute("class", "mark");
        grid.append(m.mark);
      }
      const [row, column] = found.spot;
      const box = { x: m.x + column * m.cell, y: m.y + row * m.cell, width: m.cell, height: m.cell };
      for (const [name, value] of Object.entries(box)) m.mark.setAttribute(name, value);
    }
  }

  // Lit rows and columns of a matrix are framed.
  function bands(grid, on) {
    const m = matrix(grid), size = m.cell;
    grid.querySelectorAll(".band").forEach((band) => band.remove());
    m.rows.forEach((id, i) => on.has(id) && band(m.x, m.y + i * size, size * m.columns.length, size));
    m.columns.forEach((id, i) => on.has(id) && band(m.x + i * size, m.y, size, size * m.rows.length));
    function band(x, y, width, height) {
      const rect = document.createElementNS(svg.namespaceURI, "rect");
      for (const [name, value] of Object.entries({ class: "band", x, y, width, height }))
        rect.setAttribute(name, value);
      grid.append(rect);
    }
  }

  function say(words, x, y) {
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

  function light() {
    if (!svg) return;
    const on = new Set([...locked, ...hover]);
    // Of what waits for a row, the row pointed at goes before the one that is locked.
    const letters = new Set(hover.map((id) => id[0]));
    const seen = new Set([...hover, ...locked.filter((id) => !letters.has(id[0]))]);
    svg.classList.toggle("active", on.size > 0);
    const around = new Set();  // what holds something lit is not dimmed
    for (const part of parts) {
      part.lit = on.has(part.id) || part.on.some((id) => on.has(id)) || part.show.some((id) => seen.has(id));
      if (part.lit) for (let up = part.node.parentElement; up && up !== svg; up = up.parentElement) around.add(up);
    }
    for (const part of parts) {
      const { node, id, lit } = part;
      const dim = on.size > 0 && part.named && !lit && !part.keep && !around.has(node);
      const held = Boolean(id) && locked.includes(id);
      // Most of a picture looks as it did before: what is not touched costs nothing.
      const looks = `${lit}${dim}${held}`;
      if (looks === (part.looks || "falsefalsefalse")) continue;
      part.looks = looks;
      node.classList.toggle("lit", lit);
      node.classList.toggle("dim", dim);
      node.classList.toggle("locked", held);
      if (part.button) node.setAttribute("aria-pressed", held);
    }
    for (const grid of svg.querySelectorAll("g.matrix")) bands(grid, on);
    const words = locked.map((id) => names[id] || id).join(" → ");
    chip.classList.toggle("on", locked.length > 0);
    if (chip.dataset.words === words) return;
    chip.dataset.words = words;
    chip.replaceChildren();
    if (!words) return;
    const text = document.createElement("span");
    text.textContent = "Locked: " + (words.length > 80 ? words.slice(0, 79) + "…" : words);
    const free = document.createElement("button");
    free.type = "button";
    free.textContent = "×";
    free.setAttribute("aria-label", "Unlock");
    free.onclick = () => lock([]);
    chip.append(text, free);
  }

  function lock(next) {
    if (next.join(" ") === locked.join(" ")) return;
    locked = next;
    seq += 1;
    clearTimeout(timer);
    light();
    if (told) one.tell?.("hover", (told = "") || null);
    one.tell?.("lock", { ids: locked.join(" ") || null, seq });
  }

  function press(found, add) {
    if (!found || found.quiet) return;
    const held = found.ids.every((id) => locked.includes(id));
    if (add) {
      const rest = locked.filter((id) => !found.ids.includes(id));
      lock(held ? rest : [...rest, ...found.ids]);
    } else lock(held && locked.length === found.ids.length ? [] : found.ids);
  }

  function escape(event) {
    if (event.key !== "Escape" || !(inside || root.contains(root.getRootNode().activeElement))) return;
    look(null);
    lock([]);
  }

  function walk(event) {
    const from = event.target;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      event.stopPropagation(); // the space bar plays elsewhere on the page
      return press(target(from), event.shiftKey);
    }
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way || !from.closest) return;
    const grid = from.closest("g.matrix");
    if (grid) {
      const m = matrix(grid);
      const row = m.at[0] + way[1], column = m.at[1] + way[0];
      if (row >= 0 && column >= 0 && row < m.rows.length && column < m.columns.length) {
        event.preventDefault();
        event.stopPropagation();
        m.at = [row, column];
        return seen(from);
      }
    }
    const to = nearest(from, way);
    if (!to) return;
    event.preventDefault();
    event.stopPropagation();
    from.setAttribute("tabindex", "-1");
    to.setAttribute("tabindex", "0");
    to.focus();
  }

  // The closest target in a direction; straying sideways counts double.
  function nearest(from, [dx, dy]) {
    const middle = (node) => {
      const box = node.getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    const [x, y] = middle(from);
    let best = null, least = Infinity;
    for (const node of [...byId.values(), ...svg.querySelectorAll("g.matrix")]) {
      if (node === from) continue;
      const [a, b] = middle(node);
      const ahead = (a - x) * dx + (b - y) * dy;
      const aside = Math.abs((a - x) * dy) + Math.abs((b - y) * dx);
      if (ahead > 1 && ahead + 2 * aside < least) [best, least] = [node, ahead + 2 * aside];
    }
    return best;
  }

  function seen(node) {
    const box = node.getBoundingClientRect();
    const m = node.matrix, scale = m ? box.width / (m.columns.length * m.cell) : 0;
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
  stage.onkeydown = walk;
  stage.addEventListener("focusin", (event) => {
    if (event.target.matches(":focus-visible")) seen(event.target);
  });
  stage.addEventListener("focusout", () => { if (!inside) look(null); });
  document.addEventListener("keydown", escape);
  return one;
}

function ids(text) {
  return text ? text.split(" ").filter(Boolean) : [];
}

// A 16-bit float; DataView has none in the browsers of today.
function half(view, at) {
  const bits = view.getUint16(at, true), sign = bits >> 15 ? -1 : 1, power = (bits >> 10) & 31, part = bits & 1023;
  if (power === 31) return part ? NaN : sign * Infinity;
  return sign * (power ? 2 ** (power - 25) * (1024 + part) : 2 ** -24 * part);
}

// Light or dark, read off the page's ground.
function paint(root) {
  const ground = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
  if (!ground || ground === root.dataset.ground) return;
  root.dataset.ground = ground;
  const probe = root.querySelector(".stage");
  probe.style.color = ground;
  const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
  probe.style.color = "";
  root.dataset.theme = 0.3 * r + 0.59 * g + 0.11 * b < 128 ? "dark" : "light";
}
