"""What a page shows now, as a step of a lesson."""

from __future__ import annotations

from engine.errors import EngineError
from engine.learn.drafts import DraftStep, step_of
from engine.links.state import RESERVED
from pages.shell import address
from pages.shell.lesson.own.checking import NO_VIEW
from pages.shell.state import state

NOT_OURS = RESERVED | {"lesson", "lesson_step"}


def is_view() -> bool:
    """Whether the page has a view that can be a step."""
    return state().page not in NO_VIEW


def view() -> DraftStep:
    """Page, model, text and every value that differs from its default, as a link has them.

    To be called when the page has named its values: at its end, or in a callback. Raises
    `EngineError` for what no step can carry.
    """
    here = state()
    if not is_view():
        raise EngineError(f"The page {here.page} has no view that can be a step.")
    values, defaults = address.link_values()
    shown: dict[str, str | tuple[str, ...]] = {
        "model": str(values.get("model", "")),
        "text": here.text,
    }
    for key, value in values.items():
        if key not in NOT_OURS and value != defaults.get(key):
            shown[key] = value if isinstance(value, str) else tuple(value)
    return step_of(here.page, shown)
