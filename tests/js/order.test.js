import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { inOrder } from "../../assets/components/order.js";
import picture from "../../assets/components/picture.js";
import { click, clock, page } from "./page.js";

let time;
beforeEach(() => {
  page();
  time = clock();
});

/** A component that says what it was called for, and a place for it. */
function told() {
  const said = [], parentElement = document.createElement("div");
  document.body.append(parentElement);
  const component = inOrder(({ data }) => {
    said.push(data);
    return () => said.push("end of " + data);
  });
  return { said, parentElement, call: (data) => component({ data, parentElement }) };
}

test("data that were replaced before the script was read and are shown last are taken back", async () => {
  const { said, call } = told();
  call("new");
  call("old")();
  await time.pass(100);
  assert.deepEqual(said, ["new", "old", "new"]);
});

test("the end of replaced data leaves what the newer ones show as it is", async () => {
  const { said, call } = told();
  const end = call("old");
  call("new");
  end();
  await time.pass(100);
  assert.deepEqual(said, ["old", "new"]);
});

test("newer data that come soon are not preceded by older ones", async () => {
  const { said, call } = told();
  call("one");
  call("two")();
  await time.pass(20);
  call("three");
  await time.pass(100);
  assert.deepEqual(said, ["one", "two", "three"]);
});

test("what was replaced in good order does not come back", async () => {
  const { said, call } = told();
  ["one", "two", "three"].forEach(call);
  call("stale")();
  await time.pass(100);
  assert.deepEqual(said, ["one", "two", "three", "stale", "three"]);
});

test("a component that leaves the page ends, and what stood before it does not come back", async () => {
  const { said, call, parentElement } = told();
  call("one");
  const end = call("two");
  parentElement.remove();
  end();
  await time.pass(100);
  assert.deepEqual(said, ["one", "two", "end of two"]);
});

test("what was begun again ends with its component", async () => {
  const { said, call, parentElement } = told();
  const end = call("new");
  call("old")();
  await time.pass(100);
  parentElement.remove();
  end();
  assert.deepEqual(said, ["new", "old", "new", "end of new"]);
});

test("a picture whose older data are shown last is the newer one, and goes on", async () => {
  const parentElement = document.createElement("div");
  parentElement.innerHTML = '<div class="atlas"><div class="chip"></div><div class="stage"></div><div class="tip" hidden></div></div>';
  document.body.append(parentElement);
  const shown = (word) => ({
    data: { svg: `<svg xmlns="http://www.w3.org/2000/svg"><text data-id="t0">${word}</text></svg>`, digest: word, alt: word, seq: 0 },
    parentElement,
    setStateValue: () => {},
  });
  const drawn = inOrder(picture);
  for (const words of [["new", "old"], ["old", "new"]]) {
    const ends = words.map((word) => drawn(shown(word)));
    ends[words.indexOf("old")]();
    await time.pass(100);
    assert.equal(parentElement.querySelector("text").textContent, "new");
    assert.deepEqual([...globalThis.atlasPictures.keys()], ["new"]);
    click(parentElement.querySelector("text"));
    assert.ok(parentElement.querySelector("text").classList.contains("lit"));
    click(parentElement.querySelector("text"));
  }
});
