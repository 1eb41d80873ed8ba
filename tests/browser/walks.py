"""Every view of every page, as the registry declares them, shown one after the other on one page.

A view is walked with the page's own first model, or with the first other one that it is for. Not
walked is the chat template, which no shipped model has: `own` pages are opened by their tests.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from engine.values import Family
from pages.shell.frame import PAGES
from pages.shell.views import View
from tests.browser.conftest import rest

MODELS: dict[Family, str] = {
    "decoder": "tales-gpt",
    "encoder": "tales-bert",
    "encoder-decoder": "fr-en",
}
FIRST: dict[str, Family] = {"Home": "encoder-decoder", "Translation": "encoder-decoder"}
TEMPLATE = "Chat template"


@dataclass(frozen=True)
class Walk:
    """Some views of a page with one model; no views where the page has no bar of them."""

    title: str
    model: str
    views: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.title}-{self.model}"

    @property
    def path(self) -> str:
        """The address of the page."""
        return f"{'' if self.title == 'Home' else self.title}?model={self.model}"

    def shown(self, page: Page) -> Iterator[str]:
        """Show the views in turn; `page` is open at `path`."""
        for view in self.views or ("all parts",):
            if self.views and len(self.views) > 1:
                bar = page.get_by_role("radiogroup", name="View").first
                bar.get_by_role("radio", name=view, exact=True).click()
                expect(bar.get_by_role("radio", name=view, exact=True)).to_be_checked()
            settled(page)
            yield view


def settled(page: Page) -> None:
    """Wait until the page rests and nothing on it waits to be drawn."""
    rest(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def declared(title: str) -> tuple[View, ...]:
    """The views that a page declares."""
    return getattr(importlib.import_module(f"pages.{title.lower()}.page"), "VIEWS", ())


def _walks(title: str) -> Iterator[Walk]:
    if title in ("Home", "Learn"):  # parts one below the other, and no views at all
        yield Walk(title, MODELS[FIRST.get(title, "decoder")])
        return
    left = [view for view in declared(title) if view.name != TEMPLATE]
    families = sorted(MODELS, key=lambda family: family != FIRST.get(title, "decoder"))
    for family in families:
        if names := tuple(view.name for view in left if family in view.families):
            left = [view for view in left if view.name not in names]
            yield Walk(title, MODELS[family], names)


WALKS = tuple(walk for page in PAGES for walk in _walks(page.title))
