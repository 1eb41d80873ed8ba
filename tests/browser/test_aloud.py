"""What is written outside of Decoding is announced: one announcement a sentence, none a token."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, rest

# Every text that a live region of ours is given from now on.
LISTEN = """() => {
  globalThis.said = [];
  const heard = new Set();
  const listen = (tree) => {
    for (const node of tree.querySelectorAll("*")) {
      if (node.shadowRoot) listen(node.shadowRoot);
      if (!node.matches(".aloud") || heard.has(node)) continue;
      heard.add(node);
      new MutationObserver(() => said.push(node.textContent)).observe(node, { childList: true });
    }
  };
  listen(document);
  setInterval(listen, 50, document);
}"""
SAID = "(count) => globalThis.said.length >= count"


def said(page: Page, count: int) -> list[str]:
    """What was announced, waited for until there are `count` announcements, and no more come."""
    page.wait_for_function(SAID, arg=count, timeout=20_000)
    rest(page)
    return page.evaluate("globalThis.said")


def test_a_translation_is_announced_when_a_sentence_of_it_is_written(open_at: Open) -> None:
    page = open_at("/Translation?text=Je+ne+sais+pas.&step=7")
    page.evaluate(LISTEN)
    slider = page.get_by_role("slider", name="Step")
    end = int(slider.get_attribute("max") or slider.get_attribute("aria-valuemax") or 0)
    for step in range(8, end + 1):
        slider.press("ArrowRight")
        expect(page).to_have_url(re.compile(rf"step={step}\b"))
        rest(page)
    heard = said(page, 1)
    assert len(heard) == 1 and heard[0].endswith("know."), heard
    page.get_by_label("Text to translate").fill("Le chat dort. Il fait froid.")
    page.keyboard.press("Control+Enter")
    heard = said(page, 2)
    assert len(heard) == 2 and heard[1].startswith("The cat") and heard[1].count(".") == 2, heard


def test_what_attention_adds_to_a_text_is_announced_once(open_at: Open) -> None:
    page = open_at("/Attention?text=Once+upon+a+time")
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Extend the text").click()
    box = page.get_by_role("spinbutton", name="Generate more tokens")
    box.fill("6")
    box.press("Enter")
    heard = said(page, 1)
    assert len(heard) == 1 and heard[0].strip(), heard
