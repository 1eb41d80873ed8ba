"""How far somebody is in the course, kept in the browser alone.

The browser notes each step that is opened, and a lesson as finished when its last question was
answered right or shown, or the lesson left by Finish. It tells the server only on the page that
shows the course, for as long as that page is open; the server keeps it with the session and nowhere
else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st
from streamlit.components.v2 import component

from engine.learn.lessons import Lesson
from pages.shell.components import script
from pages.shell.lesson import collection

KEY, KEPT, FORGET = "lesson-progress", "lesson-progress-kept", "lesson-progress-forget"
ENDED = "lesson-progress-ended"  # the lesson that was just finished
MOST = 200  # entries that are looked at


@dataclass(frozen=True)
class Progress:
    """The step reached in each lesson, the lessons that were finished, and the last one."""

    at: Mapping[str, int] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    last: str = ""


def note(lesson: Lesson, number: int) -> None:
    """Let the browser note that a step was opened."""
    _progress(key=KEY, data={"lesson": lesson.id, "step": number, "done": False})


def note_finished(lesson: Lesson) -> None:
    """Let the browser note that a lesson was finished, on its own last step."""
    _progress(key=f"{KEY}-finished", data=_finished(lesson))


def finished(lesson: Lesson) -> None:
    """Note a lesson as finished on the page that shows the course (in a callback)."""
    st.session_state[ENDED] = lesson.id


def read() -> Progress:
    """What the browser has noted; empty until it has said so, which runs the page once more."""

    def told() -> None:
        kept = dict(st.session_state.get(KEY) or {}).get("progress")
        if isinstance(kept, str) and len(kept) < 10_000:
            st.session_state[KEPT] = kept
            st.session_state.pop(FORGET, None)

    known = str(st.session_state.get(KEPT, ""))
    ended = collection.known().get(str(st.session_state.pop(ENDED, "")))
    _progress(
        key=KEY,
        data={"known": known, "forget": bool(st.session_state.get(FORGET))}
        | (_finished(ended) if ended else {}),
        on_progress_change=told,
    )
    return parsed(known)


def _finished(lesson: Lesson) -> dict[str, object]:
    return {"lesson": lesson.id, "step": len(lesson.steps), "done": True}


def forget() -> None:
    """Forget everything (in a callback)."""
    st.session_state[KEPT] = ""
    st.session_state[FORGET] = True


def parsed(text: str) -> Progress:
    """What a browser says, as far as it makes sense: lessons that exist, steps that they have."""
    try:
        data = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return Progress()
    lessons = collection.known()
    at, done = (data.get(name) if isinstance(data, dict) else None for name in ("at", "done"))
    last = data.get("last") if isinstance(data, dict) else ""
    steps = {
        name: number
        for name, number in list(at.items() if isinstance(at, dict) else ())[:MOST]
        if name in lessons and type(number) is int and 1 <= number <= len(lessons[name].steps)
    }
    ended = [one for one in (done if isinstance(done, list) else ())[:MOST] if isinstance(one, str)]
    known = isinstance(last, str) and last in lessons
    return Progress(steps, frozenset(ended) & set(lessons), str(last) if known else "")


_progress = component("atlas_progress", html="<span hidden></span>", js=script("progress.js"))
