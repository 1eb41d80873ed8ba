// @ts-check
// What stands around the points of a large map: the box's grid and the names of its axes, lines and
// marks above the points, and the legend.

/** @typedef {{ name: string, colour: string }} Entry */

const STEPS = [0, 0.25, 0.5, 0.75, 1];

/**
 * The lines of the grid: on the three sides of the box that lie behind the points.
 * @param {[number, number][]} ends
 * @param {number[]} matrix
 * @returns {[Place, Place][]}
 */
export function grid(ends, matrix) {
  const middle = ends.map(([low, high]) => (low + high) / 2);
  const depth = (/** @type {Place} */ p) => matrix[3] * p[0] + matrix[7] * p[1] + matrix[11] * p[2];
  return [0, 1, 2].flatMap((k) => {
    const [low, high] = ends[k].map((end) => depth(middle.map((v, i) => (i === k ? end : v))));
    const side = ends[k][high > low ? 1 : 0];
    return [1, 2].flatMap((turn) => {
      const i = (k + turn) % 3, j = (k + 3 - turn) % 3; // lines along j, at steps of i
      return STEPS.map((step) => /** @type {[Place, Place]} */ (ends[j].map((end) => {
        const place = [0, 0, 0];
        [place[k], place[i], place[j]] = [side, ends[i][0] + step * (ends[i][1] - ends[i][0]), end];
        return place;
      })));
    });
  });
}

/**
 * Where the name of an axis stands: beside the lowest of its four edges, of the upright one the leftmost.
 * @param {[number, number][]} ends
 * @param {Spot} spot
 * @param {number} k
 * @returns {[number, number]}
 */
export function besideEdge(ends, spot, k) {
  const middle = ends.map(([low, high]) => (low + high) / 2), centre = spot(middle);
  const edges = ends[(k + 1) % 3].flatMap((a) => ends[(k + 2) % 3].map((b) => {
    const place = [...middle];
    [place[(k + 1) % 3], place[(k + 2) % 3]] = [a, b];
    return spot(place);
  }));
  const [x, y] = edges.sort((a, b) => (k === 2 ? a[0] - b[0] : b[1] - a[1]))[0], away = Math.hypot(x - centre[0], y - centre[1]) || 1;
  return [x + (18 * (x - centre[0])) / away, y + (18 * (y - centre[1])) / away];
}

/**
 * Under the points: the grid and the names of the axes.
 * @param {HTMLCanvasElement} canvas
 * @param {number} density
 * @param {MapScene} scene
 * @param {number[]} matrix
 * @param {Spot} spot
 */
export function below(canvas, density, { flat, ends, axes, hue, colours }, matrix, spot) {
  const pen = cleared(canvas, density);
  if (!pen) return;
  const width = canvas.width / density, height = canvas.height / density;
  pen.strokeStyle = hue(colours.line);
  pen.fillStyle = hue(colours.muted);
  pen.font = "13px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  if (flat) {
    const [x, y] = [0, 1].map((k) => STEPS.map((step) => ends[k][0] + step * (ends[k][1] - ends[k][0])));
    pen.beginPath();
    for (const at of x) line(pen, [[spot([at, 0])[0], 0], [spot([at, 0])[0], height]]);
    for (const at of y) line(pen, [[0, spot([0, at])[1]], [width, spot([0, at])[1]]]);
    pen.stroke();
    pen.fillText(axes[0], width / 2, height - 12);
    pen.translate(12, height / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(axes[1], 0, 0);
    return;
  }
  pen.beginPath();
  for (const [from, to] of grid(ends, matrix)) line(pen, [spot(from), spot(to)]);
  pen.stroke();
  axes.slice(0, 3).forEach((name, k) => {
    const [x, y] = besideEdge(ends, spot, k), half = pen.measureText(name).width / 2 + 4;
    if (Number.isFinite(x + y)) pen.fillText(name, Math.min(width - half, Math.max(half, x)), Math.min(height - 10, Math.max(10, y)));
  });
}

/**
 * Above the points: lines, and marks with an outline of the ground's colour.
 * @param {HTMLCanvasElement} canvas
 * @param {number} density
 * @param {MapScene} scene
 * @param {Spot} spot
 * @param {Set<string>} off  names that are not shown
 */
export function above(canvas, density, { flat, paths, marks, hue, colours }, spot, off) {
  const pen = cleared(canvas, density);
  if (!pen) return;
  pen.lineJoin = "round";
  pen.globalAlpha = 0.75;
  for (const { places, colour, width } of paths) {
    [pen.strokeStyle, pen.lineWidth] = [colour, width];
    pen.beginPath();
    line(pen, places.map(spot));
    pen.stroke();
  }
  pen.globalAlpha = 1;
  for (const group of marks) {
    if (group.name && off.has(group.name)) continue;
    const radius = (group.size / 2) * (flat ? 1.6 : 1);
    group.places.forEach((place, k) => {
      const [x, y] = spot(place), colour = group.colours?.[k] ?? group.colour;
      if (!Number.isFinite(x + y)) return;
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      [pen.fillStyle, pen.lineWidth] = [colour, group.symbol === "circle-open" ? 2 : 1.5];
      pen.strokeStyle = group.symbol === "circle-open" ? colour : hue(colours.paper);
      if (group.symbol !== "circle-open") pen.fill();
      pen.stroke();
    });
  }
}

/**
 * The legend: a click hides what it names, a double click leaves that alone.
 * @param {HTMLElement} host
 * @param {Entry[]} entries
 * @param {Set<string>} off
 * @param {() => void} changed
 */
export function legend(host, entries, off, changed) {
  const kept = /** @type {ShadowRoot | Document} */ (host.getRootNode()).activeElement?.textContent;
  const again = () => { legend(host, entries, off, changed); changed(); };
  host.replaceChildren(...entries.map(({ name, colour }) => {
    const node = document.createElement("button"), dot = document.createElement("i");
    dot.style.background = colour;
    node.type = "button";
    node.append(dot, name);
    node.setAttribute("aria-pressed", String(!off.has(name)));
    node.title = `Show or hide ${name}; a double click leaves it alone`;
    node.onclick = () => { if (!off.delete(name)) off.add(name); again(); };
    node.ondblclick = () => {
      const others = entries.filter((one) => one.name !== name), alone = !off.has(name) && others.every((one) => off.has(one.name));
      off.clear();
      if (!alone) for (const one of others) off.add(one.name);
      again();
    };
    return node;
  }));
  for (const node of host.children) if (kept && node.textContent === kept) /** @type {HTMLElement} */ (node).focus();
}

/**
 * The text of a mark, which comes as plotly reads it: escaped, its lines apart by `<br>`.
 * @param {string} text
 */
export function plain(text) {
  const signs = { lt: "<", gt: ">", quot: '"', "#x27": "'", "#39": "'", amp: "&" };
  return text.replaceAll("<br>", "\n").replace(/&(lt|gt|quot|#x27|#39|amp);/g, (_, name) => signs[/** @type {keyof typeof signs} */ (name)]);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} density
 */
function cleared(canvas, density) {
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(density, 0, 0, density, 0, 0);
  return pen;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {[number, number][]} spots
 */
function line(pen, spots) {
  spots.forEach(([x, y], k) => (k && Number.isFinite(spots[k - 1][0]) ? pen.lineTo(x, y) : pen.moveTo(x, y)));
}
