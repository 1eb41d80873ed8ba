"""Whether this app can show what a step of somebody's lesson asks for: its page, its controls.

In: a step. Out: the key of its file and the reason, None where all of it can be shown. Whether the
model is here, and has such a layer, is seen when the step is opened: the lesson may come from
another machine.
"""

from __future__ import annotations

import importlib
import math
from functools import cache

from engine.decoding.sampling import BY_NAME
from engine.learn.lessons import Step
from pages.shell.controls import REGISTRY, Control
from pages.shell.menu import PAGES

# What links carry beside the controls of the registry: views, locks, columns, cameras.
LOCKS = frozenset(
    """view show spot hold chosen window cell begin forced instead reference pick swap step place
    token point word position camera layers-camera positions-camera area layers-area column writes
    write at candidate lens stop stop2 stop3 stop4 with task to from b1 b2 b3 b4 b5 b6
    c1 c2 c3 c4 c5 c6""".split()
)
NO_VIEW = ("Learn",)


def check(step: Step) -> tuple[str, str] | None:
    """What this app cannot show of a step: the key of the file, and why."""
    titles = [page.title for page in PAGES if page.title not in NO_VIEW]
    if step.page not in titles:
        return "page", f"there is no page “{step.page[:40]}”; there are {', '.join(titles)}"
    controls = of_page(step.page)
    for key, value in step.state.items():
        if key in ("model", "text"):
            continue
        control = controls.get(key)
        if control is None and key not in LOCKS:
            return "state", f"the page {step.page} has no control `{key}`"
        for one in value if isinstance(value, tuple) else (value,):
            wrong = _wrong(control, one) if control else ""
            if wrong:
                return "state", f"`{key}` cannot be “{one[:40]}”: {wrong}"
    for one in step.highlights:
        known = one.name in controls or one.name in LOCKS or one.name in BY_NAME
        if one.means == "control" and not known:
            return "highlight", f"the page {step.page} has no control `{one.name}`"
    return None


@cache
def of_page(title: str) -> dict[str, Control]:
    """The controls of a page by key, keys of old among them."""
    name = title.lower().replace(" ", "_")
    importlib.import_module(f"pages.{name}.page")  # a page declares its controls when it is read
    found: dict[str, Control] = {}
    for place, control in REGISTRY.items():
        page, _, key = place.partition(".")
        if page.lower().replace(" ", "_") == name:
            found |= dict.fromkeys((key, *control.keys), control)
    return found


def _wrong(control: Control, value: str) -> str:
    """Why a value is none of a control's, where that is known without a model and a text."""
    if value in control.formerly:
        return ""
    if control.widget == "toggle":
        return "" if value in ("true", "false") else "it is true or false"
    legal = control.legal
    if legal is None or control.widget in ("text", "area"):
        return ""
    if isinstance(legal, range):
        return "" if _whole(value) else "it is a whole number"
    if isinstance(legal, tuple) and len(legal) == 2 and isinstance(legal[0], float):
        low, high = float(legal[0]), float(legal[-1])
        return "" if low <= _number(value) <= high else f"it goes from {low:g} to {high:g}"
    shown = [control.shown(one) for one in legal]
    few = ", ".join(shown[:6]) + (", …" if len(shown) > 6 else "")
    return "" if value in shown else f"it is one of {few}"


def _whole(value: str) -> bool:
    try:
        int(value)
    except ValueError:
        return False
    return True


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan
