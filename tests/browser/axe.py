"""What axe-core finds on a page against WCAG 2.2 AA.

In: a page of Playwright. Out: one row for each element that breaks a rule. axe is a package of
Node's, pinned in package.json, which `make test` installs; it is read from the disk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

SOURCE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, Theme] = ("light", "dark")
IN_THEME = """(theme) =>
  getComputedStyle(document.querySelector("[data-testid=stApp]")).colorScheme === theme"""
EXCERPT = 200  # characters
RUN = """async (tags) => {
  const { violations } = await axe.run(document, {
    runOnly: { type: "tag", values: tags }, resultTypes: ["violations"],
  });
  return violations.flatMap(({ id, impact, nodes }) => nodes.map((node) => ({
    rule: id, impact: node.impact ?? impact, target: node.target, html: node.html,
    why: [...node.any, ...node.all, ...node.none].map((check) => check.message),
  })));
}"""


@dataclass(frozen=True, slots=True)
class Violation:
    """One element that breaks one rule; printed, it is one line."""

    rule: str
    impact: str
    target: str
    html: str
    why: str
    place: str = ""

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{place}{self.rule} ({self.impact}) at {self.target}: {self.html} [{self.why}]"

    def at(self, place: str) -> Violation:
        """The same with a word on where it was found."""
        return replace(self, place=place)


def violations(page: Page, *, tags: tuple[str, ...] = TAGS) -> list[Violation]:
    """Every element of the page that breaks a rule of these tags, shadow trees included."""
    # Evaluated, not a script tag: a page's Content-Security-Policy forbids tags of others.
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(_source())
    return [_row(found) for found in page.evaluate(RUN, list(tags))]


def in_both_themes(page: Page, place: str = "") -> list[Violation]:
    """The same in the light and in the dark theme, of what has `place` in its selector."""
    found = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(IN_THEME, arg=theme)
        found += [one.at(theme) for one in violations(page) if place in one.target]
    return found


def report(found: list[Violation]) -> str:
    """All rows under one another, as an assertion shows them."""
    return "\n".join(map(str, found))


@cache
def _source() -> str:
    if not SOURCE.exists():
        raise FileNotFoundError(f"{SOURCE} is missing: `make test` or `npm ci` installs axe-core.")
    # What an evaluated text ends with is sent back: axe itself would be too much.
    return SOURCE.read_text(encoding="utf-8") + "\nnull"


def _row(found: dict[str, Any]) -> Violation:
    # Inside a shadow tree a target is a list of selectors, one for each tree on the way.
    parts = (" >> ".join(one) if isinstance(one, list) else one for one in found["target"])
    html = " ".join(found["html"].split())
    short = html if len(html) <= EXCERPT else html[: EXCERPT - 1] + "…"
    why = "; ".join(found["why"])
    return Violation(found["rule"], found["impact"] or "", " | ".join(parts), short, why)
