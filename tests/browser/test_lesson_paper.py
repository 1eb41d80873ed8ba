"""A lesson on paper, from the button to the pages: A4 and Letter, black on white."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, rest

SHEET = """() => [...document.querySelectorAll(".pictures figure")].map((figure) => {
  const drawn = figure.firstElementChild.shadowRoot.querySelector(".wide > svg, svg, .tokens");
  const box = drawn.getBoundingClientRect();
  const texts = [...drawn.querySelectorAll("text")].map((n) => n.getBoundingClientRect().right);
  return { text: Math.max(0, ...texts) - box.right, height: box.height,
    right: box.right };
})"""
INKS = """() => [...document.querySelectorAll("body *")].filter((n) =>
  n.childNodes.length && [...n.childNodes].some((c) => c.nodeType === 3 && c.data.trim()))
  .map((n) => getComputedStyle(n).color)"""


@pytest.mark.parametrize(
    ("page_name", "lesson"), [("Embeddings", "8.3"), ("Attention", "3.1"), ("Decoding", "4.4")]
)
def test_a_lesson_is_printed_on_both_papers(
    open_at: Open, tmp_path: Path, page_name: str, lesson: str
) -> None:
    page = open_at(f"/{page_name}?lesson={lesson}&lesson_step=1")
    rest(page)
    panel = page.locator(".st-key-atlas-lesson")
    for number in (2, 3):
        panel.get_by_role("button", name="Next").click()
        expect(panel).to_contain_text(f"step {number} of", timeout=30_000)
        rest(page)
    with page.expect_download() as given:
        panel.get_by_role("button", name="Print this lesson").click()
    assert given.value.suggested_filename == f"lesson-{lesson}.html"
    file = tmp_path / "lesson.html"
    given.value.save_as(file)
    sheet = page.context.new_page()
    sheet.goto(file.as_uri())
    sheet.emulate_media(media="print")
    sheet.evaluate("document.fonts.ready")
    assert sheet.evaluate("[...document.fonts].map((one) => one.status)") == ["loaded"]
    for paper, width in (("A4", 688), ("Letter", 710)):
        sheet.set_viewport_size({"width": width, "height": 900})
        drawn = sheet.evaluate(SHEET)
        assert len(drawn) >= 3
        assert all(0 < one["right"] <= width + 1 and one["height"] > 20 for one in drawn), drawn
        assert all(one["text"] <= 1 for one in drawn), drawn  # no word is cut off
        assert sheet.evaluate("document.documentElement.scrollWidth") <= width
        pdf = sheet.pdf(format=paper, print_background=True)
        (tmp_path / f"{paper}.pdf").write_bytes(pdf)
        pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
        assert 2 <= pages <= 8, pages
    assert set(sheet.evaluate(INKS)) == {"rgb(0, 0, 0)"}
    assert sheet.locator("header img").get_attribute("alt") == (
        f"QR code of {page.url.split('?')[0]}?lesson={lesson}&lesson_step=1"
    )
    top = sheet.locator(".answers").evaluate("n => getComputedStyle(n).breakBefore")
    assert top == "page"
    sheet.close()
