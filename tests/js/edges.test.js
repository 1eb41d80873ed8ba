import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { edges, least } from "../../assets/components/edges.js";
import { lay, page, put } from "./page.js";

let root, stage, screen;
beforeEach(() => {
  page();
  document.body.innerHTML = '<div class="atlas"><div class="stage"><svg><text font-size="14">a</text><text font-size="12.5">b</text></svg></div></div>';
  [root, stage] = [document.querySelector(".atlas"), document.querySelector(".stage")];
  put("IntersectionObserver", class { constructor(told) { screen = (bottom, isIntersecting) => told([{ isIntersecting, boundingClientRect: { top: bottom }, rootBounds: { bottom: 800 } }]); } observe() {} disconnect() { screen = null; } });
});

const sized = (values) => Object.entries(values).forEach(([name, value]) => Object.defineProperty(stage, name, { value, configurable: true, writable: true }));
const signs = () => ["left", "right", "below"].filter((side) => root.classList.contains(`more-${side}`));

test("a picture wider than its place says on which side it goes on, as it is scrolled", () => {
  const edge = edges(root, stage);
  sized({ scrollWidth: 500, clientWidth: 300, scrollHeight: 100, clientHeight: 100 });
  edge.look();
  assert.deepEqual(signs(), ["right"]);
  for (const [left, said] of [[100, ["left", "right"]], [200, ["left"]]]) {
    stage.scrollLeft = left;
    stage.dispatchEvent(new Event("scroll"));
    assert.deepEqual(signs(), said);
  }
  assert.ok([...root.querySelectorAll(".more")].every((sign) => sign.getAttribute("aria-hidden") === "true"));
});

test("a picture that fits says nothing; one cut by the screen's lower edge says so until its end is seen", () => {
  const edge = edges(root, stage);
  sized({ scrollWidth: 300, clientWidth: 300, scrollHeight: 100, clientHeight: 100 });
  edge.look();
  assert.deepEqual(signs(), []);
  screen(1200, false);
  assert.deepEqual(signs(), ["below"]);
  screen(700, true);
  assert.deepEqual(signs(), []);
  screen(-50, false); // scrolled past
  assert.deepEqual(signs(), []);
  edge.stop();
  assert.equal(screen, null);
});

test("a picture of a given height says that it goes on below, in its own box", () => {
  const edge = edges(root, stage);
  sized({ scrollWidth: 300, clientWidth: 300, scrollHeight: 400, clientHeight: 100 });
  edge.look();
  assert.deepEqual(signs(), ["below"]);
});

test("what is pinned is brought to the middle, and nothing moves when it is in sight", () => {
  const edge = edges(root, stage), word = stage.querySelector("text");
  sized({ scrollWidth: 900, clientWidth: 300 });
  lay(stage, 0, 0, 300, 100);
  lay(word, 600, 0, 40, 20);
  edge.bring(word);
  assert.equal(stage.scrollLeft, 470);
  lay(word, 120, 0, 40, 20);
  edge.bring(word);
  edge.bring(undefined);
  assert.equal(stage.scrollLeft, 470);
});

test("a picture shrinks until its smallest letters are of 12 pixels, and not beyond", () => {
  const svg = stage.querySelector("svg");
  assert.equal(least(svg, 0.72), 12 / 12.5);
  assert.equal(least(svg, 1), 1);
  svg.querySelectorAll("text").forEach((text) => text.setAttribute("font-size", "20"));
  assert.equal(least(svg, 0.72), 0.72);
  svg.querySelector("text").setAttribute("font-size", "9");
  assert.equal(least(svg, 0.72), 1);
  svg.querySelectorAll("text").forEach((text) => text.remove());
  assert.equal(least(svg, 0.72), 0.72);
});
