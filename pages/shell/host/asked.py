"""A click that is overtaken by the next before its run has begun is not forgotten.

    keep_what_was_asked()      # once, before there are sessions

Streamlit 1.67 starts a thread for each whole run and stops the one before. Where a second run is
asked for before that thread has taken up what it was started for, its clicks are gone: on a busy
server "New seed" and "Options" one after the other changed no seed. They are added to what the
second run is asked for, as Streamlit itself does with two requests to one thread. What a person
stopped stays stopped.
`tests/pages/test_asked.py` fails where Streamlit changes this.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import Any

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequests,
    ScriptRequestType,
)

ASKED, CREATED, MERGED = "request_rerun", "_create_scriptrunner", "_coalesce_widget_states"
BEFORE, LEFT = "_atlas_before", "_atlas_left"  # a session's runner; what a stop left undone


def keep_what_was_asked() -> None:
    """Give the clicks that a stopped run never took up to the run that replaces it."""
    stop, ask, create = (
        ScriptRequests.request_stop,
        getattr(AppSession, ASKED),
        getattr(AppSession, CREATED),
    )
    if getattr(stop, "__wrapped__", None) is not None:
        return

    @wraps(stop)
    def stops(requests: Any) -> None:
        with requests._lock:  # a run that takes them up a moment later would hear them twice
            if requests._state is ScriptRequestType.RERUN:
                setattr(requests, LEFT, requests._rerun_data)
                requests._state = ScriptRequestType.STOP
        stop(requests)

    @wraps(ask)
    def asks(session: Any, *more: Any, **named: Any) -> None:
        before = session._scriptrunner
        getattr(getattr(before, "_requests", None), "__dict__", {}).pop(LEFT, None)
        setattr(session, BEFORE, before)
        try:
            ask(session, *more, **named)
        finally:
            delattr(session, BEFORE)

    @wraps(create)
    def creates(session: Any, data: RerunData) -> None:
        before = session.__dict__.get(BEFORE)
        left = getattr(getattr(before, "_requests", None), LEFT, None)
        if left is not None:
            merged = getattr(script_requests, MERGED)(left.widget_states, data.widget_states)
            data = replace(data, widget_states=merged)
        create(session, data)

    setattr(ScriptRequests, "request_stop", stops)  # noqa: B010
    setattr(AppSession, ASKED, asks)
    setattr(AppSession, CREATED, creates)
