"""axe-core finds nothing against WCAG 2.2 AA on any view: both themes, a desk and a telephone.

Colors are the theme's and places the width's: two of the four pairs show both of each. Views of a
page take turns in which two; the other two are among what takes minutes (`make test-slow`). On the
telephone all that we draw is large enough to be read, and nothing reaches beyond its edge.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.axe import IN_THEME, Theme, Violation, report, violations
from tests.browser.conftest import ROOT, Open
from tests.browser.walks import TEMPLATE, WALKS, Walk, declared, settled

DESK: ViewportSize = {"width": 1440, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 844}
State = tuple[ViewportSize, Theme]
PAIRS: tuple[tuple[State, State], ...] = (
    ((DESK, "light"), (PHONE, "dark")),
    ((PHONE, "light"), (DESK, "dark")),
)
WIDER = "node => node.scrollWidth - node.clientWidth"
# Faults of Streamlit's own that neither its settings nor a style sheet mend: (rule, how its place
# begins, why). Never a rule alone.
ALLOWED: tuple[tuple[str, str, str], ...] = ()
FIRST_WALKS = tuple({walk.title: walk for walk in reversed(WALKS)}.values())
FOLDS = 12  # more than any view has
LEGIBLE = 12  # pixels
SMALL = """(least) => {
  const found = [];
  const look = (tree, own) => {
    for (const node of tree.querySelectorAll("*")) {
      if (node.shadowRoot) look(node.shadowRoot, true);
      if (!own || node.matches("style, script")) continue;
      const texts = [...node.childNodes].filter((one) => one.nodeType === 3);
      const text = texts.map((one) => one.data).join("").trim();
      const { width, height } = node.getBoundingClientRect();
      if (!text || !width || !height || node.closest(".aloud, [hidden]")) continue;
      const matrix = node instanceof SVGElement ? node.getScreenCTM() : null;
      const scale = matrix ? Math.hypot(matrix.a, matrix.b) : 1;
      const size = parseFloat(getComputedStyle(node).fontSize) * scale;
      if (size < least - 0.05) found.push(`${size.toFixed(1)} px: ${text.slice(0, 40)}`);
    }
  };
  look(document, false);
  return [...new Set(found)];
}"""
TALK = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"


def test_every_declared_view_is_walked() -> None:
    for title in {walk.title for walk in WALKS} - {"Home"}:
        names = {name for walk in WALKS if walk.title == title for name in walk.views}
        assert names | {TEMPLATE} == {view.name for view in declared(title)} | {TEMPLATE}, title


@pytest.mark.parametrize("turn", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("walk", WALKS, ids=str)
def test_no_view_breaks_a_rule(open_at: Open, walk: Walk, turn: int) -> None:
    page = open_at(f"/{walk.path}")
    found: list[Violation] = []
    for number, view in enumerate(walk.shown(page), turn):
        found += faults(page, view, PAIRS[number % 2])
        assert not page.evaluate(SMALL, LEGIBLE), view
        assert page.get_by_test_id("stMain").evaluate(WIDER) <= 1, view
        for bar in page.get_by_role("radiogroup").all():
            cut = bar.evaluate("node => node.getBoundingClientRect().right > innerWidth + 1")
            assert not cut, f"{view}: a row of choices is cut"
    assert not found, report(found)


@pytest.mark.parametrize("walk", FIRST_WALKS, ids=lambda walk: walk.title)
def test_no_open_popover_breaks_a_rule(open_at: Open, walk: Walk) -> None:
    page = open_at(f"/{walk.path}")
    settled(page)
    first = walk == FIRST_WALKS[0]
    found: list[Violation] = []
    shared = 0
    for width, theme in ((1440, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(IN_THEME, arg=theme)
        settled(page)
        # What all pages have is looked at on the first, and what saves a picture once.
        seen = set() if first else {"Samples", "Share"}
        buttons = page.get_by_test_id("stPopoverButton").locator("visible=true")
        for number in range(buttons.count()):
            button = buttons.nth(number)
            name = button.inner_text()
            if seen & set(name.split()):
                continue
            seen |= {"Save"} & set(name.split())
            button.click()
            expect(page.get_by_test_id("stPopoverBody").last).to_be_visible()
            if "Share" in name:
                create = page.get_by_role("button", name="Create short link")
                link = page.get_by_role("textbox", name="Short link")
                expect(create.or_(link)).to_be_visible()
                if create.is_visible():
                    create.click()
                expect(link).to_be_visible()
                shared += 1
            settled(page)
            new = [one for one in violations(page) if not allowed(one)]
            found += [one.at(f"{name}, {width}, {theme}") for one in new]
            page.keyboard.press("Escape")
            expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    assert shared == 2 * first
    assert not found, report(found)


@pytest.fixture
def talker(tmp_path: Path) -> str:
    """A model with a chat template, among those of a test's own server."""
    folder = tmp_path / "server" / "models" / "talker"
    shutil.copytree(ROOT / "assets" / "models" / "tales-gpt", folder)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"template": TALK}))
    return folder.name


def test_the_chat_template_breaks_no_rule(talker: str, own_server: str, open_at: Open) -> None:
    page = open_at(f"{own_server}/Tokenization?model={talker}&view={TEMPLATE.replace(' ', '+')}")
    settled(page)
    assert page.get_by_role("radio", name=TEMPLATE).is_checked()
    found = faults(page, TEMPLATE, itertools.chain(*PAIRS))
    assert not found, report(found)


def faults(page: Page, view: str, states: Iterable[State]) -> list[Violation]:
    """What is found with all folds open, in these sizes and themes, less what is allowed."""
    unfold(page)
    found: list[Violation] = []
    # It ends on the telephone, where the next view goes on.
    for size, theme in sorted(states, key=lambda state: state[0] == PHONE):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(IN_THEME, arg=theme)
        page.set_viewport_size(size)
        settled(page)
        new = [one for one in violations(page) if not allowed(one)]
        found += [one.at(f"{view}, {size['width']}, {theme}") for one in new]
    return found


def unfold(page: Page) -> None:
    """Open every fold of a view, and what folds are in it: what is in them is read too."""
    for _ in range(FOLDS):
        fold = page.query_selector("[data-testid=stExpander] details:not([open]) > summary")
        if fold is None:
            return
        fold.click()
        page.wait_for_function("fold => !fold.isConnected || fold.parentElement.open", arg=fold)
        settled(page)
    raise AssertionError(f"more than {FOLDS} folds")


def allowed(fault: Violation) -> bool:
    """Whether it is one of Streamlit's own that cannot be mended."""
    return any(fault.rule == rule and fault.target.startswith(at) for rule, at, _ in ALLOWED)
