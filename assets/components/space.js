// The map of a vector space: plotly.js draws and turns it, labels stand above it and never overlap.
//
// plotly.js (4.8 MB) does not travel with this component: Streamlit's own copy is used, which any
// chart of the page leaves in globalThis.Plotly and the browser keeps. The camera stays where it is
// whatever changes; once it rests, the link is told.

const maps = new WeakMap();
const REST = 600; // milliseconds without a turn
const MANY = 20000; // points; to plotly a circle is many triangles, a square two

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".space");
  let one = maps.get(root);
  if (!one) maps.set(root, (one = map(root)));
  one.tell = setStateValue;
  one.show(data);
  return () => { one.stop(); maps.delete(root); };
}

function map(root) {
  const plot = root.querySelector(".plot"), layer = root.querySelector(".labels"), note = root.querySelector(".note");
  const tools = root.querySelector(".tools"), ink = root.querySelector(".ink"), outline = ink.firstElementChild;
  const one = { tell: null };
  let data = null, cloud = null, rows = [], shown = [], seq = 0, drawn = "", turning = 0, timer = 0, ended = false, under = null, pressed = [0, 0];
  let tool = "", shape = null, play = null, view = "", moved = false, resting = 0, print = "", drawing = 0;

  one.show = (next) => {
    data = next;
    if ((next.seq || 0) >= seq && (next.camera || "") !== view) [view, moved] = [next.camera || "", true];
    seq = Math.max(seq, next.seq || 0);
    if (play && !next.frames) play = null;
    // A run that changes nothing here (the camera came to rest, a menu was opened) draws nothing.
    const now = JSON.stringify([paint(root), { ...next, camera: 0, seq: 0 }]);
    if (now === print && !moved) return;
    print = now;
    toolbar();
    root.style.setProperty("--height", next.height + "px");
    clearTimeout(timer);
    wait(0);
  };

  one.stop = () => {
    ended = true;
    clearTimeout(timer);
    clearTimeout(resting);
    cancelAnimationFrame(turning);
    if (!drawing) clear();
  };

  // What plotly has under way still reports to the place where the map was.
  function clear() {
    globalThis.Plotly?.purge(plot);
    plot.emit = () => {};
  }

  function wait(tries) {
    cloud = globalThis.atlasClouds?.get(data.cloud);
    if (globalThis.Plotly && cloud) return draw();
    note.textContent = tries < 300 ? "Drawing the map…" : "The map could not be loaded. Reload the page.";
    note.hidden = false;
    if (!ended) timer = setTimeout(wait, 100, tries + 1);
  }

  async function draw() {
    if (!root.isConnected) return; // taken off the page while it waited
    note.hidden = true;
    const dark = paint(root), hue = (pair) => pair[dark ? 1 : 0];
    rows = [];
    const traces = [...points(hue), ...lit(hue), ...paths(hue), ...marks(hue)];
    drawing += 1;
    try {
      await Plotly.react(plot, traces, layout(dark), { displaylogo: false, responsive: true, scrollZoom: true, plotGlPixelRatio: devicePixelRatio < 1.5 ? 1 : 2, modeBarButtonsToRemove: ["toImage", "lasso2d", "select2d"] });
      // Names are set by the camera, which a deep map has from its first frame on.
      for (let frames = 0; !ended && !camera() && frames < 200; frames++) await new Promise(requestAnimationFrame);
    } finally {
      drawing -= 1;
    }
    if (ended) return drawing || clear(); // taken off the page while it was drawn
    if (!drawn) listen();
    drawn = data.flat ? "flat" : "deep";
    moved = false;
    choose();
  }

  // One trace a class: a click in the legend hides it, a double click leaves it alone.
  function points(hue) {
    const only = data.only && new Set(data.only);
    return cloud.legend.map((entry, k) => {
      const at = [...cloud.classes.keys()].filter((i) => cloud.classes[i] === k && (!only || only.has(i)));
      const [size, opacity] = only ? [4.5, 0.95] : [data.dot.size, data.dot.opacity];
      const symbol = !only && cloud.classes.length > MANY ? "square" : "circle";
      return dots(at, entry.name, at.length > 0, { size, color: hue(entry.colour), opacity, symbol });
    });
  }

  function dots(at, name, showlegend, marker) {
    rows.push(at.map((i) => cloud.ids + i));
    const places = at.map((i) => cloud.axes.map((a) => a[i])), text = at.map((i) => plain(cloud.names[i]));
    return trace(places, { name, showlegend, text, marker: { ...marker, line: { width: 0 } } });
  }

  // Points of the cloud that are pointed out: an area, what the map betrays.
  function lit(hue) {
    return (data.lit || []).map((group) => {
      const marker = { size: group.size, color: hue(group.colour), opacity: 0.95, symbol: group.symbol };
      return dots(chosen(group.bits), group.name, true, marker);
    });
  }

  function paths(hue) {
    return (play ? trails() : data.paths || []).map((path) => {
      rows.push([]);
      return trace(path.places, { mode: "lines", hoverinfo: "skip", showlegend: false, line: { color: hue(path.colour), width: path.width || 3 }, opacity: 0.75 });
    });
  }

  function marks(hue) {
    return data.marks.map((group) => {
      rows.push(group.ids);
      return trace(group.places.map((place, k) => now(group.ids[k], place)), {
        name: group.name, showlegend: Boolean(group.name) && group.ids.length > 0, text: group.texts,
        marker: { size: group.size, color: group.colours ? group.colours.map(hue) : hue(group.colour), opacity: 1, symbol: group.symbol || "circle", line: { width: 1.5, color: hue(data.colours.paper) } },
      });
    });
  }

  function trace(places, rest) {
    const column = (k) => places.map((p) => p[k]);
    const base = { mode: "markers", hoverinfo: "text", x: column(0), y: column(1) };
    if (data.flat) return { ...base, type: "scattergl", ...rest, marker: rest.marker && { ...rest.marker, size: rest.marker.size * 1.6 } };
    return { ...base, type: "scatter3d", z: column(2), ...rest };
  }

  function layout(dark) {
    const ink = data.colours.ink[+dark], muted = data.colours.muted[+dark], line = data.colours.line[+dark];
    const clear = "rgba(0,0,0,0)";
    const ends = data.flat ? window2d() : extent();
    const axis = (k) => ({
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
    const camera = now ?? turned() ?? { eye: { x: 1.2 * back, y: 1.3 * back, z: 0.85 * back } };
    return { ...shared, scene: { aspectmode: "data", domain: { x: [0, 1], y: [foot(), 1] }, camera, dragmode: "orbit", xaxis: axis(0), yaxis: axis(1), zaxis: axis(2) } };
  }

  function narrow() {
    return plot.clientWidth < 560;
  }

  // The legend's share of a deep map's height.
  function foot() {
    const entries = cloud.legend.length + data.marks.length + (data.lit || []).length;
    return (narrow() ? 12 + 21 * Math.ceil(entries / 2) : 34) / data.height;
  }

  // ---- the camera as links carry it (embeddings/map/cameras.py)

  // That of a link, as plotly takes it.
  function turned() {
    const v = view.split("_").map(Number), part = (k) => ({ x: v[k], y: v[k + 1], z: v[k + 2] });
    return v.length === 9 ? { eye: part(0), center: part(3), up: part(6) } : null;
  }

  // The two ranges of a flat map: where it is, else those of a link; null for all of it.
  function window2d() {
    const full = drawn === "flat" && !moved ? plot._fullLayout : null;
    if (full) return full.xaxis.autorange ? null : [full.xaxis.range, full.yaxis.range];
    const [x, y, share] = view.split("_").map(Number);
    if (!share) return null;
    const [across, up] = extent(), half = (share * (across[1] - across[0])) / 2;
    const tall = half * ((plot.clientHeight - 42) / (plot.clientWidth - 42));
    const middle = (range, at) => range[0] + at * (range[1] - range[0]);
    return [[middle(across, x) - half, middle(across, x) + half], [middle(up, y) - tall, middle(up, y) + tall]];
  }

  function looking() {
    const told = (values) => values.map((v) => String(Number(v.toFixed(3)))).join("_");
    if (!data.flat) {
      const camera = plot._fullLayout.scene?._scene?.getCamera?.();
      return camera && told([camera.eye, camera.center, camera.up].flatMap((p) => [p.x, p.y, p.z]));
    }
    const { xaxis, yaxis } = plot._fullLayout, [across, up] = extent();
    if (xaxis.autorange) return "";
    const place = (axis, ends) => ((axis.range[0] + axis.range[1]) / 2 - ends[0]) / (ends[1] - ends[0]);
    return told([place(xaxis, across), place(yaxis, up), (xaxis.range[1] - xaxis.range[0]) / (across[1] - across[0])]);
  }

  function rests(event) {
    if (!Object.keys(event ?? {}).some((key) => /^(scene|[xy]axis)/.test(key))) return; // a window of another size
    clearTimeout(resting);
    resting = setTimeout(() => {
      const now = ended ? null : looking();
      if (now == null || now === view) return;
      view = now;
      seq += 1;
      one.tell("camera", { view, seq });
    }, REST);
  }

  // Fixed by all points, so that showing some alone moves nothing.
  function extent() {
    const extra = [...data.marks.flatMap((g) => g.places), ...Object.values(data.frames || {}).flat()];
    return cloud.axes.map((axis, k) => {
      let low = Infinity, high = -Infinity;
      for (const v of axis) { if (v < low) low = v; if (v > high) high = v; }
      for (const p of extra) { low = Math.min(low, p[k]); high = Math.max(high, p[k]); }
      const pad = 0.04 * (high - low) || 0.5;
      return [low - pad, high + pad];
    });
  }

  function listen() {
    // plotly's own 3-D click misses quick ones: ours is a press and a release in one place.
    plot.on("plotly_hover", (event) => (under = rows[event.points[0].curveNumber]?.[event.points[0].pointNumber]));
    plot.on("plotly_unhover", () => (under = null));
    plot.addEventListener("pointerdown", (event) => (pressed = [event.clientX, event.clientY]), true);
    plot.addEventListener("pointerup", (event) => {
      const moved = Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]);
      if (moved < 5 && !event.target.closest?.(".modebar, .legend")) pick(under);
    }, true);
    plot.on("plotly_relayouting", follow);
    plot.on("plotly_relayout", (event) => { choose(); rests(event); });
    ink.onpointerdown = (event) => { ink.setPointerCapture(event.pointerId); shape = [local(event)]; };
    ink.onpointermove = (event) => { if (shape) drag(local(event)); };
    ink.onpointerup = (event) => { if (shape) { drag(local(event)); take(); } };
    root.addEventListener("keydown", (event) => { if (event.key === "Escape" && tool) { tool = ""; shape = null; toolbar(); } });
    new ResizeObserver(choose).observe(plot);
  }

  function pick(id) {
    if (!id) return;
    seq += 1;
    one.tell("pick", { id: id === data.chosen ? null : id, seq });
  }

  // ---- an area: a box or a line drawn around points, on a flat map and on a deep one

  function toolbar() {
    const wanted = [...(data.select ? [["box", "▭", "Select points with a box"], ["lasso", "◯", "Select points with a line around them"]] : []),
      ...(data.frames ? [["play", play ? "■" : "▶", play ? "Stop" : "Play the way through the layers"]] : [])];
    const focused = root.getRootNode().activeElement?.dataset?.tool;
    tools.replaceChildren(...wanted.map(([name, sign, told]) => {
      const node = document.createElement("button");
      Object.assign(node, { type: "button", textContent: sign, title: told, onclick: () => use(name) });
      node.dataset.tool = name;
      node.setAttribute("aria-label", told);
      node.setAttribute("aria-pressed", String(name === tool || (name === "play" && !!play)));
      return node;
    }));
    if (play) tools.append(`after layer ${Math.floor(play.at)}`);
    if (focused) tools.querySelector(`[data-tool=${focused}]`)?.focus();
    ink.classList.toggle("on", Boolean(tool));
    outline.setAttribute("d", "");
  }

  function use(name) {
    if (name === "play") return play ? halt() : start();
    tool = tool === name ? "" : name;
    toolbar();
  }

  function local(event) {
    const box = ink.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  function drag(to) {
    const [x, y] = shape[0];
    if (tool === "box") shape = [[x, y], [to[0], y], to, [x, to[1]]];
    else shape.push(to);
    outline.setAttribute("d", "M" + shape.map((p) => p.map((v) => v.toFixed(1))).join("L") + "Z");
  }

  function take() {
    const spot = camera(), only = data.only && new Set(data.only), path = shape;
    const hidden = new Set(plot.data.flatMap((t, k) => (t.visible === "legendonly" && k < cloud.legend.length ? [k] : [])));
    const bits = new Uint8Array(Math.ceil(cloud.classes.length / 8));
    for (let i = 0; spot && i < cloud.classes.length; i++)
      if (!hidden.has(cloud.classes[i]) && (!only || only.has(i)) && within(spot(cloud.axes.map((a) => a[i])), path)) bits[i >> 3] |= 1 << (i & 7);
    const ids = new Set(data.marks.flatMap((g) => g.ids.filter((id, k) => spot && within(spot(g.places[k]), path))));
    tool = "";
    shape = null;
    toolbar();
    seq += 1;
    one.tell("area", { bits: btoa(String.fromCharCode(...bits)), ids: [...ids], seq });
  }

  // ---- the way through the layers, played

  function start() {
    play = { at: 0, begun: performance.now() };
    step();
  }

  async function step() {
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

  // Where a mark is at this moment of the play, else where the data says.
  function now(id, place) {
    const way = play && data.frames[id];
    if (!way) return place;
    const k = Math.min(Math.floor(play.at), way.length - 1), next = way[Math.min(k + 1, way.length - 1)], share = play.at - k;
    return way[k].map((v, i) => v + (next[i] - v) * share);
  }

  function trails() {
    return data.marks.flatMap((group) => group.ids.filter((id) => data.frames[id]).map((id, k) => ({
      places: [...data.frames[id].slice(0, Math.floor(play.at) + 1), now(id)], colour: group.colours?.[k] ?? group.colour, width: 3,
    })));
  }

  // ---- labels: the most important first, none over another

  function choose() {
    const spot = camera();
    if (!spot) return layer.replaceChildren();
    const width = plot.clientWidth, height = plot.clientHeight, taken = [];
    shown = [];
    for (const label of [...data.labels, ...landmarks()]) {
      const [x, y] = spot(now(label.id, label.place));
      const half = label.text.length * (label.kind ? 4.4 : 3.8) + 4;
      const box = [x - half, y - 24, x + half, y - 4];
      if (!(box[0] > 0 && box[2] < width && box[1] > 0 && box[3] < height)) continue;
      if (taken.some((b) => box[0] < b[2] && b[0] < box[2] && box[1] < b[3] && b[1] < box[3])) continue;
      taken.push(box);
      shown.push(label);
    }
    layer.replaceChildren(...shown.map(button));
    place(spot);
  }

  // Some points of the cloud, the outermost first: in the thick of it no name can be read.
  function landmarks() {
    const total = cloud.classes.length, step = Math.max(1, Math.floor(total / 160));
    const at = data.only ?? Array.from({ length: Math.floor(total / step) }, (_, k) => k * step);
    const some = at.slice(0, 160).map((i) => ({ id: cloud.ids + i, place: cloud.axes.map((a) => a[i]), text: cloud.names[i], kind: "" }));
    return some.sort((a, b) => Math.hypot(...b.place) - Math.hypot(...a.place)).slice(0, data.only ? 160 : 60);
  }

  function button(label) {
    const node = document.createElement("button");
    node.type = "button";
    node.textContent = label.text;
    node.className = label.kind;
    node.dataset.id = label.id;
    node.onclick = () => pick(label.id);
    return node;
  }

  function place(spot) {
    shown.forEach((label, i) => {
      const [x, y] = spot(now(label.id, label.place)), node = layer.children[i];
      node.style.transform = `translate(${x.toFixed(1)}px, ${(y - 14).toFixed(1)}px) translate(-50%, -50%)`;
    });
  }

  function follow() {
    cancelAnimationFrame(turning);
    turning = requestAnimationFrame(() => { const spot = camera(); if (spot) place(spot); });
  }

  // Where a place of the space is on the screen.
  function camera() {
    const full = plot._fullLayout;
    if (!full) return null;
    if (data.flat) {
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

  return one;
}

// The places of the bits that are set, as `space.bits` packs them.
function chosen(text) {
  const at = [];
  [...atob(text)].forEach((c, k) => { for (let b = 0, v = c.charCodeAt(0); v; b++, v >>= 1) if (v & 1) at.push(8 * k + b); });
  return at;
}

// Whether a point lies inside a closed line: a ray to the right crosses it an odd number of times.
function within([x, y], path) {
  let inside = false;
  for (let i = 0, j = path.length - 1; i < path.length; j = i++) {
    const [xi, yi] = path[i], [xj, yj] = path[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

// Text for a hover label, which reads a little HTML.
function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

// Product of two 4 x 4 matrices, column by column.
function times(a, b) {
  return Array.from({ length: 16 }, (_, i) => [0, 1, 2, 3].reduce((sum, k) => sum + a[4 * k + (i % 4)] * b[4 * Math.floor(i / 4) + k], 0));
}

// Light or dark, read off the page's ground.
function paint(root) {
  const ground = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
  const probe = root.querySelector(".note");
  probe.style.color = ground;
  const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
  probe.style.color = "";
  const dark = 0.3 * r + 0.59 * g + 0.11 * b < 128;
  root.dataset.theme = dark ? "dark" : "light";
  return dark;
}
