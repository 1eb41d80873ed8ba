"""axe-core finds nothing against WCAG 2.2 AA on any view: both themes, a desk and a telephone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.axe import Violation, report, violations
from tests.browser.conftest import ROOT, Open
from tests.browser.walks import TEMPLATE, WALKS, Walk, declared, settled

SIZES: tuple[ViewportSize, ...] = ({"width": 1440, "height": 1000}, {"width": 390, "height": 844})
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
THEME = """() => getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme"""
# Faults of Streamlit's own that neither its settings nor a style sheet mend: (rule, how its place
# begins, why). Never a rule alone.
ALLOWED: tuple[tuple[str, str, str], ...] = ()
FIRST_WALKS = tuple({walk.title: walk for walk in reversed(WALKS)}.values())
FOLDS = 12  # more than any view has
TALK = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"


def test_every_declared_view_is_walked() -> None:
    for title in {walk.title for walk in WALKS} - {"Home"}:
        names = {name for walk in WALKS if walk.title == title for name in walk.views}
        assert names | {TEMPLATE} == {view.name for view in declared(title)} | {TEMPLATE}, title


@pytest.mark.parametrize("walk", WALKS, ids=str)
def test_no_view_breaks_a_rule(open_at: Open, walk: Walk) -> None:
    page = open_at(f"/{walk.path}")
    found = [fault for view in walk.shown(page) for fault in faults(page, view)]
    assert not found, report(found)


@pytest.mark.parametrize("walk", FIRST_WALKS, ids=lambda walk: walk.title)
def test_no_open_popover_breaks_a_rule(open_at: Open, walk: Walk) -> None:
    page = open_at(f"/{walk.path}")
    settled(page)
    found: list[Violation] = []
    shared = 0
    for width, theme in ((1440, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(f"theme => ({THEME})() === theme", arg=theme)
        settled(page)
        buttons = page.get_by_test_id("stPopoverButton").locator("visible=true")
        for number in range(buttons.count()):
            button = buttons.nth(number)
            name = button.inner_text()
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
    assert shared == 2
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
    found = faults(page, TEMPLATE)
    assert not found, report(found)


def faults(page: Page, view: str) -> list[Violation]:
    """What is found with all folds open, in every size and theme, less what is allowed."""
    unfold(page)
    found: list[Violation] = []
    # From one state to the next one thing changes; where it ends, the next view goes on.
    for theme in sorted(THEMES, key=lambda theme: theme != here(page)):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(f"theme => ({THEME})() === theme", arg=theme)
        for size in sorted(SIZES, key=lambda size: size != page.viewport_size):
            page.set_viewport_size(size)
            settled(page)
            new = [one for one in violations(page) if not allowed(one)]
            found += [one.at(f"{view}, {size['width']}, {theme}") for one in new]
    return found


def here(page: Page) -> str:
    """The theme that the page has."""
    return page.evaluate(THEME)


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
