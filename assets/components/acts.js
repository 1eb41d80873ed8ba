// @ts-check
// The card beside a locked target: its words, and a button for each thing that can be done with it.
// The grammar of data-act is written in pages/pictures/svg.py.

import { element, find, focused } from "./dom.js";

/**
 * @param {HTMLElement} root  of the picture; the card lies over it
 * @param {(id: string, name: string) => void} act  what a press of a button does
 */
export function acts(root, act) {
  const card = element("div", "card", root);
  card.setAttribute("role", "group");
  card.hidden = true;
  const one = { card, open: "", show, hide, focus, has: () => card.contains(focused(root)) };

  /**
   * Offer what the target `node` offers, if anything.
   * @param {string} id
   * @param {Drawn} node
   * @param {string} name
   * @param {string} words
   * @param {Drawn} beside  the element that it stands beside
   */
  function show(id, node, name, words, beside) {
    const offered = node.getAttribute("data-act");
    if (!offered) return hide();
    one.open = id;
    card.hidden = false;
    const told = `${id}\n${words}\n${offered}`;
    if (card.dataset.told !== told) {
      card.dataset.told = told;
      fill(id, name, words, offered.split("\n"));
    }
    const box = beside.getBoundingClientRect(), around = root.getBoundingClientRect();
    const left = Math.min(box.left - around.left, around.width - card.offsetWidth - 4);
    const fits = box.bottom + card.offsetHeight < innerHeight;
    card.style.left = Math.max(0, left) + "px";
    // It touches its target: a pointer on its way to it meets no other one.
    card.style.top = (fits ? box.bottom - around.top - 1 : box.top - around.top - card.offsetHeight + 1) + "px";
  }

  /**
   * @param {string} id
   * @param {string} name
   * @param {string} words
   * @param {string[]} lines
   */
  function fill(id, name, words, lines) {
    const kept = one.has();
    card.setAttribute("aria-label", name);
    card.replaceChildren();
    if (words) element("p", "", card, words);
    for (const line of lines) {
      const space = line.indexOf(" ");
      const button = element("button", "", card, line.slice(space + 1));
      button.type = "button";
      button.onclick = () => act(id, line.slice(0, space));
    }
    if (kept) focus();
  }

  function hide() {
    one.open = "";
    card.hidden = true;
  }

  function focus() {
    find(card, "button").focus();
  }

  return one;
}
