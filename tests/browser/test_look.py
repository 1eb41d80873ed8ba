"""The ten-second look: each page opened cold, without a touch, shows what it is about at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open, at_rest
from tests.browser.walks import settled

LOW, WIDE, PHONE = (1024, 768), (1440, 900), (390, 844)
HALF = 0.5  # of a picture at least is seen at once


@dataclass(frozen=True)
class Look:
    """The most telling picture of a page, by its key, and a sentence about it."""

    page: str
    key: str
    sentence: str

    def __str__(self) -> str:
        return self.page or "Home"


LOOKS = (
    Look("", "home-path", r"tokens go in at the bottom; in each of \d+ layers"),
    Look("Tokenization", "chips", r"\d+ characters became \d+ tokens"),
    Look("Embeddings", "text-map", r"bank¹ and bank²: cosine|vectors of \d+ numbers on the first"),
    Look("Attention", "attention-map", r"Head \d\.\d, the most notable for this text"),
    Look("Translation", "translation-part-1", r"\d+ characters are split into \d+ tokens"),
    Look("Decoding", "decoding-sheet", r"A quick first run: \d settings"),
    Look("Models", "models-timeline", r"\d+ of \d+ models since 2017 are shown"),
    Look("Prompting", "prompting-sheet", r"The right answer “positive” comes to the letter with"),
    Look("Training", "targets", r"\d+ predictions: each token but the first"),
)
BOX = """(node) => {
  const { x, y, width, height } = node.getBoundingClientRect();
  return { x, y, width, height };
}"""


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_page_opened_cold_shows_its_picture_with_a_sentence(open_at: Open, look: Look) -> None:
    page = open_at(f"/{look.page}", width=LOW[0], height=LOW[1], cold=True)
    settled(page)
    for width, height in (LOW, WIDE, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        settled(page)
        picture = drawn(page, look.key)
        at_rest(picture, BOX)
        box = picture.evaluate(BOX)
        where = f"{look} at {width} x {height}: {box}"
        swiped = swipe(page, box["y"], height) if (width, height) == PHONE else 0
        top, bottom = box["y"] - swiped, box["y"] + box["height"] - swiped
        assert 0 <= top < height, where
        # What a further part of the same swipe shows counts too.
        reach = 2 * height - swiped if swiped else height
        assert said(page, look.sentence, -swiped, reach), where
        if bottom > height:
            expect(page.locator(f".st-key-{look.key} .more.below"), where).to_be_in_viewport()
            assert height - top > HALF * box["height"] or swiped, where
        if sideways(page, look.key):
            expect(page.locator(f".st-key-{look.key} .more.right"), where).to_be_in_viewport()


def drawn(page: Page, key: str) -> Locator:
    """What is drawn under a key: an SVG, chips, columns, a map."""
    place = page.locator(f".st-key-{key}")
    found = place.locator(".stage > *, .plot, .grid").first
    found.wait_for()
    return found


def sideways(page: Page, key: str) -> int:
    """How many pixels of a picture lie beyond the edge of its place."""
    stage = page.locator(f".st-key-{key} .stage")
    return stage.evaluate("node => node.scrollWidth - node.clientWidth") if stage.count() else 0


def swipe(page: Page, y: float, height: int) -> float:
    """Swipe a telephone's page up, by one screen at most, until the picture is on top of it."""
    main = page.get_by_test_id("stMain")
    main.evaluate("(node, by) => node.scrollTo(0, by)", max(0, min(height, y - 8)))
    return main.evaluate("node => node.scrollTop")


def said(page: Page, pattern: str, top: float, bottom: float) -> bool:
    """Whether a sentence stands whole between two heights."""
    found = page.locator("p").filter(has_text=re.compile(pattern)).all()
    boxes = [box for one in found if (box := one.bounding_box())]
    return any(top <= box["y"] and box["y"] + box["height"] <= bottom for box in boxes)


def test_what_is_pinned_is_in_sight_and_its_word_covers_nothing(open_at: Open) -> None:
    page = open_at("/?token=t8", width=390, height=844)
    pinned, chip = page.locator(".stage .locked").first, page.locator(".chip.on")
    expect(chip).to_contain_text("Pinned")
    page.get_by_test_id("stMain").evaluate("node => node.scrollTo(0, 300)")
    expect(pinned).to_be_in_viewport()
    box, drawing, word = (
        one.bounding_box() for one in (pinned, page.locator(".stage").first, chip)
    )
    assert box and drawing and word
    assert 0 <= box["x"] and box["x"] + box["width"] <= 390
    assert (
        word["y"] >= drawing["y"] + drawing["height"] or word["y"] + word["height"] <= drawing["y"]
    )
