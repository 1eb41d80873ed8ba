"""A grip at a row of a list, to put the row elsewhere by drag and drop or by the arrow keys.

In: the list's name, the row's place and how many there are. Out: where it is to go, through a
callback. A row is a container of the key `<list>-row-<place>`, places counted from 1; what moving
means is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from pages.shell.components import script


def grip(
    rows: str, place: int, count: int, *, what: str, on_move: Callable[[int, int], None]
) -> None:
    """Draw the grip of a row; `on_move(from, to)` is called before the run that follows.

    `what` is the row's kind in a sentence ("example").
    """
    key = f"{rows}-grip-{place}"

    def moved() -> None:
        told = _told(key)
        start, end = told.get("from"), told.get("to")
        if isinstance(start, int) and isinstance(end, int):
            on_move(start, end)

    seq = _told(key).get("seq")
    _grip(
        key=key,
        data={
            "list": rows,
            "place": place,
            "count": count,
            "seq": seq if isinstance(seq, int) else 0,
            "label": f"Move {what} {place} of {count}: drag, or press an arrow key",
        },
        width=28,
        on_moved_change=moved,
    )


def _told(key: str) -> dict[str, Any]:
    """What the grip last reported: `{"from": .., "to": .., "seq": ..}` or nothing."""
    told = dict(st.session_state.get(key) or {}).get("moved")
    return told if isinstance(told, dict) else {}


_grip = component(
    "atlas_grip",
    html='<div class="grip"><button type="button"><svg viewBox="0 0 12 18" aria-hidden="true">'
    '<path d="M3 3h.1M9 3h.1M3 9h.1M9 9h.1M3 15h.1M9 15h.1"/></svg></button>\n'
    '<p aria-live="polite"></p></div>',
    css=".grip button { width: 28px; height: 40px; padding: 0; border: 0; border-radius: 8px; "
    "background: none; color: var(--st-text-color); cursor: grab; touch-action: none; }\n"
    ".grip button:active { cursor: grabbing; }\n"
    ".grip button:is(:hover, :focus-visible) { "
    "background: var(--st-secondary-background-color); }\n"
    ".grip button:focus-visible { outline: 2px solid var(--st-primary-color); }\n"
    ".grip svg { width: 12px; height: 18px; stroke: currentColor; stroke-width: 2.6; "
    "stroke-linecap: round; }\n"
    ".grip p { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; "
    "clip-path: inset(50%); white-space: nowrap; }",
    js=script("grip.js"),
)
