// @ts-check
// A small map by plotly.js: one trace a class, one for what is pointed out, each line and each group.
//
// plotly.js (4.8 MB) does not travel with this component: Streamlit's own copy is used, which any
// chart of the page leaves in globalThis.Plotly and the browser keeps.

import { first, looking, ranges, spots, turned } from "./camera.js";

/** @typedef {ReturnType<typeof plotly>} PlotlyMap */

// Nothing is offered that would send a map to an address outside.
const CONFIG = { displaylogo: false, responsive: true, scrollZoom: true, showSendToCloud: false, plotlyServerURL: "",
  modeBarButtonsToRemove: ["toImage", "lasso2d", "select2d", "sendChartToCloud"] };

/**
 * @param {HTMLElement} host
 * @param {MapEvents} events
 */
export function plotly(host, events) {
  const plot = /** @type {PlotlyElement} */ (host);
  /** @type {string[][]} the ids of the points of each trace */
  let rows = [];
  /** @type {MapScene} */
  let scene;
  let drawn = "", drawing = 0, ended = false;

  return { draw, spot, look, hidden, stop };

  /** @param {MapScene} next */
  async function draw(next) {
    scene = next;
    rows = [];
    const traces = [...points(), ...lit(), ...paths(), ...marks()];
    drawing += 1;
    try {
      await globalThis.Plotly?.react(plot, traces, layout(), { ...CONFIG, plotGlPixelRatio: devicePixelRatio < 1.5 ? 1 : 2 });
      // Names are set by the camera, which a deep map has from its first frame on.
      for (let frames = 0; !ended && !spot() && frames < 200; frames++) await new Promise(requestAnimationFrame);
    } finally {
      drawing -= 1;
    }
    if (ended) return drawing ? undefined : clear(); // taken off the page while it was drawn
    if (!drawn) listen();
    drawn = scene.flat ? "flat" : "deep";
  }

  function stop() {
    ended = true;
    if (!drawing) clear();
  }

  // What plotly has under way still reports to the place where the map was.
  function clear() {
    globalThis.Plotly?.purge(plot);
    plot.emit = () => {};
  }

  function listen() {
    plot.on("plotly_hover", (event) => events.under(rows[event.points[0].curveNumber]?.[event.points[0].pointNumber]));
    plot.on("plotly_unhover", () => events.under(null));
    plot.on("plotly_relayouting", events.turning);
    // A window of another size changes neither camera nor ranges.
    plot.on("plotly_relayout", (event) => events.turned(Object.keys(event ?? {}).some((key) => /^(scene|[xy]axis)/.test(key))));
  }

  // One trace a class: a click in the legend hides it, a double click leaves it alone.
  function points() {
    const { cloud, only, dot, hue } = scene;
    return cloud.legend.map((entry, k) => {
      const at = cloud.group(k, only);
      const [size, opacity] = only ? [4.5, 0.95] : [dot.size, dot.opacity];
      return dots(at, entry.name, at.length > 0, { size, color: hue(entry.colour), opacity, symbol: "circle" });
    });
  }

  /**
   * @param {number[]} at
   * @param {string} name
   * @param {boolean} showlegend
   * @param {Record<string, unknown> & { size: number }} marker
   */
  function dots(at, name, showlegend, marker) {
    const { cloud } = scene;
    rows.push(at.map((i) => cloud.ids + i));
    return trace(at.map(cloud.place), { name, showlegend, text: at.map((i) => escaped(cloud.names[i])), marker: { ...marker, line: { width: 0 } } });
  }

  function lit() {
    return scene.lit.map((group) => {
      const marker = { size: group.size, color: group.colour, opacity: 0.95, symbol: group.symbol };
      return dots(group.at, group.name, true, marker);
    });
  }

  function paths() {
    return scene.paths.map((path) => {
      rows.push([]);
      return trace(path.places, { mode: "lines", hoverinfo: "skip", showlegend: false, line: { color: path.colour, width: path.width }, opacity: 0.75 });
    });
  }

  function marks() {
    return scene.marks.map((group) => {
      rows.push(group.ids);
      return trace(group.places, {
        name: group.name, showlegend: Boolean(group.name) && group.ids.length > 0, text: group.texts,
        marker: { size: group.size, color: group.colours ?? group.colour, opacity: 1, symbol: group.symbol, line: { width: 1.5, color: scene.hue(scene.colours.paper) } },
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
    if (scene.flat) {
      // Lines have no marker: a key that is there without a value makes Plotly fail.
      const larger = rest.marker && { marker: { ...rest.marker, size: rest.marker.size * 1.6 } };
      return { ...base, type: "scattergl", ...rest, ...larger };
    }
    return { ...base, type: "scatter3d", z: column(2), ...rest };
  }

  function layout() {
    const { flat, hue, colours, ends } = scene;
    const ink = hue(colours.ink), muted = hue(colours.muted), line = hue(colours.line);
    const clear = "rgba(0,0,0,0)";
    const shown = flat ? window2d() : ends;
    const axis = (/** @type {number} */ k) => ({
      ...(shown ? { range: shown[k] } : {}),
      title: { text: scene.axes[k], font: { size: 13, color: muted } }, showticklabels: false, zeroline: false, showspikes: false,
      gridcolor: line, linecolor: line, showbackground: false, ticks: "",
    });
    const shared = {
      uirevision: flat ? "flat" : "deep", paper_bgcolor: clear, plot_bgcolor: clear, font: { color: ink },
      margin: flat ? { l: 34, r: 8, t: 8, b: 34 } : { l: 0, r: 0, t: 0, b: 0 }, hoverlabel: { font: { size: 14 } },
      legend: { x: 0, y: 0, yanchor: "bottom", orientation: "h", itemsizing: "constant", font: { size: 12.5 }, bgcolor: clear },
      modebar: { bgcolor: clear, color: muted },
    };
    if (flat) return { ...shared, dragmode: "pan", hovermode: "closest", xaxis: axis(0), yaxis: { ...axis(1), scaleanchor: "x" } };
    // What the person turned to stays, also in the middle of a turn.
    const now = scene.moved ? null : plot._fullLayout?.scene?._scene?.getCamera?.();
    const { eye, center, up } = first(ends, narrow()), camera = now ?? turned(scene.view) ?? { eye, center, up };
    return { ...shared, scene: { aspectmode: "data", domain: { x: [0, 1], y: [foot(), 1] }, camera, dragmode: "orbit", xaxis: axis(0), yaxis: axis(1), zaxis: axis(2) } };
  }

  function narrow() {
    return plot.clientWidth < 560;
  }

  // The legend's share of a deep map's height.
  function foot() {
    const entries = scene.cloud.legend.length + scene.marks.length + scene.lit.length;
    return (narrow() ? 12 + 21 * Math.ceil(entries / 2) : 34) / (plot.clientHeight || scene.height);
  }

  // The two ranges of a flat map: where it is, else those of a link; null for all of it.
  function window2d() {
    const full = drawn === "flat" && !scene.moved ? plot._fullLayout : null;
    if (full) return full.xaxis.autorange ? null : [full.xaxis.range, full.yaxis.range];
    return ranges(scene.view, scene.ends, (plot.clientHeight - 42) / (plot.clientWidth - 42));
  }

  function spot() {
    return spots(plot, scene.flat);
  }

  function look() {
    return looking(plot, scene.flat, scene.ends);
  }

  // The classes that somebody hid in the legend.
  function hidden() {
    return new Set(plot.data.flatMap((t, k) => (t.visible === "legendonly" && k < scene.cloud.legend.length ? [k] : [])));
  }
}

/**
 * Text for a hover label, which reads a little HTML.
 * @param {string} text
 */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
