// @ts-check
// The cells of a picture: one image, the exact values beside it, the outline of what is pointed at.
// The grammar of a <g class="matrix"> is written in pages/pictures/matrix.py.

/** @type {WeakMap<Element, Matrix>} */
const matrices = new WeakMap();

/**
 * What a matrix says of itself, read once.
 * @param {Element} node
 * @returns {Matrix}
 */
export function matrix(node) {
  let made = matrices.get(node);
  if (!made) {
    const d = /** @type {Drawn} */ (node).dataset;
    made = {
      x: Number(d.x), y: Number(d.y), cell: Number(d.cell), rows: ids(d.rows), columns: ids(d.columns),
      rowLabels: JSON.parse(d.rowLabels ?? "[]"), columnLabels: JSON.parse(d.columnLabels ?? "[]"),
      values: null, format: d.format ?? "", quantity: d.quantity ?? "", mark: null, at: [0, 0],
    };
    matrices.set(node, made);
  }
  return made;
}

/**
 * Ids, as attributes hold them: parted by spaces.
 * @param {string | null | undefined} text
 */
export function ids(text) {
  return text ? text.split(" ").filter(Boolean) : [];
}

/**
 * Go to the cell under a pointer.
 * @param {Element} grid
 * @param {MouseEvent} event
 */
export function point(grid, event) {
  const m = matrix(grid);
  const screen = /** @type {SVGGraphicsElement} */ (grid).getScreenCTM();
  const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(screen?.inverse());
  m.at = [Math.floor((place.y - m.y) / m.cell), Math.floor((place.x - m.x) / m.cell)];
}

/**
 * Where a step leads, null where the matrix ends.
 * @param {Matrix} m
 * @param {[number, number]} way
 * @returns {[number, number] | null}
 */
export function step(m, [dx, dy]) {
  const row = m.at[0] + dy, column = m.at[1] + dx;
  return row >= 0 && column >= 0 && row < m.rows.length && column < m.columns.length ? [row, column] : null;
}

/**
 * The cell that one is at, null outside.
 * @param {Element} grid
 * @returns {Target | null}
 */
export function cell(grid) {
  const m = matrix(grid), [row, column] = m.at;
  if (!step(m, [0, 0])) return null;
  const value = half(values(grid, m), 2 * (row * m.columns.length + column));
  const shown = Number.isNaN(value) ? "masked"
    : m.format === "percent" ? (100 * value).toPrecision(3) + " %" : String(Number(value.toPrecision(4)));
  const told = `${m.rowLabels[row]} → ${m.columnLabels[column]}\n${m.quantity} ${shown}`.trim();
  return { ids: [m.rows[row], m.columns[column]], words: told, grid, spot: [row, column] };
}

/**
 * Decoded when somebody first points at a cell.
 * @param {Element} grid
 * @param {Matrix} m
 */
function values(grid, m) {
  const text = /** @type {Drawn} */ (grid).dataset.values ?? "";
  return (m.values ??= new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));
}

/**
 * A 16-bit float; DataView has none in the browsers of today.
 * @param {DataView} view
 * @param {number} at
 */
export function half(view, at) {
  const bits = view.getUint16(at, true), sign = bits >> 15 ? -1 : 1, power = (bits >> 10) & 31, part = bits & 1023;
  if (power === 31) return part ? NaN : sign * Infinity;
  return sign * (power ? 2 ** (power - 25) * (1024 + part) : 2 ** -24 * part);
}

/**
 * The outline of the cell that is pointed at; without a spot it goes.
 * @param {Element} grid
 * @param {[number, number] | undefined} spot
 */
export function frame(grid, spot) {
  const m = matrix(grid);
  if (!spot) {
    m.mark?.remove();
    m.mark = null;
    return;
  }
  const [row, column] = spot;
  m.mark ??= rectangle(grid, "mark");
  write(m.mark, { x: m.x + column * m.cell, y: m.y + row * m.cell, width: m.cell, height: m.cell });
}

/**
 * Lit rows and columns of a matrix are framed.
 * @param {Element} grid
 * @param {Set<string>} on
 */
export function bands(grid, on) {
  const m = matrix(grid), size = m.cell, wide = size * m.columns.length, tall = size * m.rows.length;
  grid.querySelectorAll(".band").forEach((band) => band.remove());
  m.rows.forEach((id, i) => {
    if (on.has(id)) write(rectangle(grid, "band"), { x: m.x, y: m.y + i * size, width: wide, height: size });
  });
  m.columns.forEach((id, i) => {
    if (on.has(id)) write(rectangle(grid, "band"), { x: m.x + i * size, y: m.y, width: size, height: tall });
  });
}

/**
 * @param {Element} grid
 * @param {string} style
 */
function rectangle(grid, style) {
  const rect = document.createElementNS(grid.namespaceURI, "rect");
  rect.setAttribute("class", style);
  return grid.appendChild(rect);
}

/**
 * @param {Element} node
 * @param {Record<string, number>} box
 */
function write(node, box) {
  for (const [name, value] of Object.entries(box)) node.setAttribute(name, String(value));
}
