// @ts-check
// A picture that goes on says so: a fade and an arrow where it is cut by its own edge, or by that
// of the screen. What is pinned is brought into sight.

import { element } from "./dom.js";

const SLACK = 2; // pixels that nobody misses
const LEGIBLE = 12; // pixels of the smallest letters

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} stage  what scrolls
 */
export function edges(root, stage) {
  for (const [side, arrow] of [["left", "‹"], ["right", "›"], ["below", "⌄"]]) {
    element("span", `more ${side}`, root, arrow).setAttribute("aria-hidden", "true");
  }
  const end = element("span", "brink", root);
  let cut = false; // by the lower edge of the screen
  const seen = "IntersectionObserver" in globalThis ? new IntersectionObserver(([one]) => {
    cut = !one.isIntersecting && one.boundingClientRect.top > (one.rootBounds?.bottom ?? Infinity) - SLACK;
    look();
  }) : null;
  const sized = "ResizeObserver" in globalThis ? new ResizeObserver(look) : null;
  seen?.observe(end);
  sized?.observe(stage);
  stage.addEventListener("scroll", look, { passive: true });

  function look() {
    const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = stage;
    root.classList.toggle("more-left", scrollLeft > SLACK);
    root.classList.toggle("more-right", scrollWidth - clientWidth - scrollLeft > SLACK);
    root.classList.toggle("more-below", cut || scrollHeight - clientHeight - scrollTop > SLACK);
  }

  /** @param {Element | undefined} node  what must be in sight */
  function bring(node) {
    if (!node || stage.scrollWidth - stage.clientWidth <= SLACK) return;
    const box = node.getBoundingClientRect(), frame = stage.getBoundingClientRect();
    const aside = box.left + box.width / 2 - frame.left - frame.width / 2;
    if (box.left < frame.left || box.right > frame.right) stage.scrollLeft += aside;
  }

  function stop() {
    seen?.disconnect();
    sized?.disconnect();
  }

  return { look, bring, stop };
}

/**
 * The least share of its width to which a picture may shrink: then its smallest letters are as small
 * as can be read, and it scrolls.
 * @param {Element} drawing
 * @param {number} wished
 */
export function least(drawing, wished) {
  let smallest = Infinity;
  drawing.querySelectorAll("[font-size]").forEach((node) => {
    smallest = Math.min(smallest, parseFloat(node.getAttribute("font-size") ?? "") || Infinity);
  });
  return Math.max(wished, Math.min(1, LEGIBLE / smallest));
}
