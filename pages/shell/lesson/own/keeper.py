"""The browser keeps somebody's own lessons over visits, as it keeps their progress.

It is told each change, and asked once what it has; nothing of it leaves the machine. Where it keeps
nothing (a private window, no room) that is said.
"""

from __future__ import annotations

import json

import streamlit as st
from streamlit.components.v2 import component

from engine.learn.authoring import KEPT, written
from pages.shell.components import script
from pages.shell.lesson.own import shelf

KEY = "own-lessons-kept"
AT_ONCE = 3  # lessons that the browser is told of in one run: those changed last


def keeper(place: str) -> None:
    """Draw the part that cannot be seen; `place` tells it from others of the same run."""
    key = f"{KEY}-{place}"
    here = shelf.own()

    def told() -> None:
        kept = dict(st.session_state.get(key) or {}).get("kept")
        shelf.given_back(parsed(kept if isinstance(kept, str) else ""))

    def failed() -> None:
        here.unkept = True

    _keeper(
        key=key,
        data={
            "known": here.told,
            "put": {name: written(here.drafts[name]) for name in here.changed[-AT_ONCE:]},
            "gone": here.gone,
        },
        on_kept_change=told,
        on_failed_change=failed,
    )


def parsed(text: str) -> list[tuple[str, str]]:
    """What a browser says: ids and files; nothing where it makes no sense."""
    if len(text) > 2 * KEPT:
        return []
    try:
        data = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return []
    pairs = data.items() if isinstance(data, dict) else ()
    return [(name, one) for name, one in pairs if isinstance(one, str)]


_keeper = component("atlas_own_lessons", html="<span hidden></span>", js=script("lessons.js"))
