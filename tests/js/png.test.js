import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import png from "../../assets/components/png.js";
import { click, clock, mount, page, put, settle } from "./page.js";

const HTML = '<div class="copy"><button type="button" disabled>PNG image</button><p></p></div>';
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><rect fill="var(--atlas-ink, #123456)" stroke="var(--atlas-new, #abcdef)"/><path data-show="q0"/></svg>';
const data = (more = {}) => ({ digest: "d1", name: "attention", colours: { ink: "#000000" }, ground: "#ffffff", ...more });

// What jsdom cannot do (draw) is written down instead.
let time, drawn, saved;
beforeEach(() => {
  page();
  time = clock();
  drawn = [];
  saved = [];
  image(async () => {});
  canvas({ fillRect: (...box) => drawn.push(["ground", ...box]), drawImage: (image, ...box) => drawn.push(["image", ...box]) });
  put("URL", Object.assign(URL, { createObjectURL: (blob) => (saved.push(blob), "blob:1"), revokeObjectURL: (address) => saved.push(address) }));
  document.addEventListener("click", (event) => event.preventDefault());
});

function image(decode) {
  put("Image", class { decode() { drawn.push(decodeURIComponent(this.src.split(",").slice(1).join(","))); return decode(); } });
}

function canvas(pen, blob = { size: 1 }) {
  const make = document.createElement.bind(document);
  document.createElement = (name) => {
    const made = make(name);
    if (name === "canvas") {
      made.getContext = () => pen && Object.assign(pen, { canvas: made });
      made.toBlob = (done, kind) => { saved.push(kind); done(blob); };
    }
    if (name === "a") made.click = () => saved.push([made.href, made.download]);
    return made;
  };
}

async function pressed(more) {
  const one = mount(png, HTML, data(more));
  assert.equal(one.find("button").disabled, false);
  click(one.find("button"));
  await settle();
  return one;
}

test("the picture on the screen is drawn twice as large on its ground and saved under its name", async () => {
  globalThis.atlasPictures = new Map([["d1", SVG]]);
  const one = await pressed();
  assert.deepEqual(drawn.slice(1), [["ground", 0, 0, 600, 400], ["image", 0, 0, 600, 400]]);
  assert.deepEqual(saved, ["image/png", { size: 1 }, ["blob:1", "attention.png"]]);
  assert.equal(one.find("p").textContent, "");
  await time.pass(10_000);
  assert.equal(saved.at(-1), "blob:1");
});

test("an image knows no variables: they become colours, and what waits for a click is left out", async () => {
  await pressed({ svg: SVG });
  assert.match(drawn[0], /fill="#000000" stroke="#abcdef"/);
  assert.ok(!/data-show|var\(/.test(drawn[0]));
});

test("a picture that travels with the button needs none on the screen", async () => {
  await pressed({ svg: SVG });
  assert.equal(saved.length, 3);
});

test("a huge picture stays within what a canvas can hold", async () => {
  await pressed({ svg: SVG.replace('"300"', '"16000"') });
  assert.deepEqual(drawn[1], ["ground", 0, 0, 8000, 100]);
});

test("a picture that is no longer on the screen is said to be so", async () => {
  for (const kept of [undefined, new Map()]) {
    globalThis.atlasPictures = kept;
    const one = await pressed();
    assert.equal(one.find("p").textContent, "The picture is not on the screen.");
  }
  assert.deepEqual(saved, []);
});

test("a browser that cannot draw it says so and offers the SVG, and may be tried again", async () => {
  const words = "This browser cannot draw it. Take the SVG.";
  image(async () => Promise.reject(new Error("no")));
  const one = await pressed({ svg: SVG });
  assert.equal(one.find("p").textContent, words);
  image(async () => {});
  click(one.find("button"));
  await settle();
  assert.equal(one.find("p").textContent, "");
  canvas(null);
  assert.equal((await pressed({ svg: SVG })).find("p").textContent, words);
  canvas({ fillRect() {}, drawImage() {} }, null);
  assert.equal((await pressed({ svg: SVG })).find("p").textContent, words);
});

test("hostile words of a picture reach the image as text", async () => {
  await pressed({ svg: SVG.replace("<path", "<text>&lt;script&gt;alert(1)&lt;/script&gt; &amp;</text><path") });
  assert.match(drawn[0], /<text>&lt;script&gt;alert\(1\)&lt;\/script&gt; &amp;<\/text>/);
});
