// @ts-check
// What several components need of the page they stand on.

/**
 * The first element of a selector; that it is missing is a fault of ours, said at once.
 * @template {keyof HTMLElementTagNameMap} K
 * @overload
 * @param {ParentNode} root
 * @param {K} selector
 * @returns {HTMLElementTagNameMap[K]}
 */
/**
 * @overload
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
/**
 * @param {ParentNode} root
 * @param {string} selector
 */
export function find(root, selector) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`nothing here is ${selector}`);
  return found;
}

/**
 * A new element with a class and a text; text stays text, whatever it holds.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {string} style
 * @param {Node | null} parent
 * @param {string} [words]
 */
export function element(name, style, parent, words) {
  const made = document.createElement(name);
  if (style) made.className = style;
  if (words !== undefined) made.textContent = words;
  parent?.appendChild(made);
  return made;
}

/**
 * What has the focus in the tree of a component, which may be a shadow tree.
 * @param {Node} root
 */
export function focused(root) {
  const tree = /** @type {Document | ShadowRoot} */ (root.getRootNode());
  return /** @type {Drawn | null} */ (tree.activeElement ?? null);
}

/**
 * Whether the page is dark, read off its ground and written on the root for the style sheet.
 * @param {HTMLElement} root
 * @param {HTMLElement} probe  an element whose colour nobody minds for a moment
 */
export function paint(root, probe) {
  const ground = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
  if (ground && ground !== root.dataset.ground) {
    root.dataset.ground = ground;
    probe.style.color = ground;
    const [r, g, b] = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).map(Number);
    probe.style.color = "";
    root.dataset.theme = 0.3 * r + 0.59 * g + 0.11 * b < 128 ? "dark" : "light";
  }
  return root.dataset.theme === "dark";
}
