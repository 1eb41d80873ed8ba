"""What a run of a page draws goes to the server's loop in bundles, and not one by one.

    bundle_what_is_drawn()     # once, before there are sessions

Streamlit 1.67 wakes the loop for each of the sixty to a hundred elements of a page, twice. Each
time the page's thread and the loop hand the interpreter to each other, and where many pages run at
once the loop, which wants it for a moment only, waits for it a hundred times a page. So elements
wait `TOGETHER` for those that follow; a run's beginning and end, and whatever else is said of it,
stand in the same line and are brought at once, with all that is before them. It must be one line:
at a run's beginning a session forgets what was not sent, and what this run draws first, heard
before its beginning, would be forgotten with it.
`tests/pages/test_delivery.py` fails where Streamlit changes this.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from functools import partial, wraps
from typing import Any

from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent

TOGETHER = 0.01  # seconds; Streamlit itself sends no more often
SAID, HANDLER, AWAKE = (
    "_on_scriptrunner_event",
    "_handle_scriptrunner_event_on_event_loop",
    "_enqueued_some_message",
)
WAITING, COMING = "_atlas_waiting", "_atlas_coming"  # events; whether somebody comes for them
_thread = threading.local()


def bundle_what_is_drawn() -> None:
    """Let elements wait for each other, and wake the loop once for all of them."""
    say, wake = getattr(AppSession, SAID), getattr(Runtime, AWAKE)
    if getattr(say, "__wrapped__", None) is not None:
        return

    @wraps(say)
    def says(session: Any, sender: Any, event: ScriptRunnerEvent, *more: Any, **named: Any) -> None:
        _thread.session = session
        session.__dict__.setdefault(WAITING, deque()).append((sender, event, more, named))
        if event is not ScriptRunnerEvent.ENQUEUE_FORWARD_MSG:
            _soon(session)
        elif not session.__dict__.get(COMING):
            setattr(session, COMING, True)
            _soon(session, TOGETHER)

    @wraps(wake)
    def wakes(server: Any) -> None:
        needed = server._get_async_objs()
        if _is_loop(needed.eventloop):
            needed.need_send_data.set()
        else:
            wake(server)

    setattr(AppSession, SAID, says)
    setattr(Runtime, AWAKE, wakes)


def deliver_now() -> None:
    """Let what this run has drawn so far wait no longer."""
    session = getattr(_thread, "session", None)
    if session is not None and session.__dict__.get(WAITING):
        _soon(session)


def _soon(session: Any, seconds: float = 0.0) -> None:
    bring = partial(_bring, session)
    if seconds:
        bring = partial(session._event_loop.call_later, seconds, bring)
    session._call_soon_on_event_loop(bring)


def _bring(session: Any) -> None:
    """Hand over what waits, in the loop. What comes meanwhile calls for somebody again."""
    setattr(session, COMING, False)
    waiting = session.__dict__[WAITING]
    handle = getattr(session, HANDLER)
    try:
        while waiting:
            sender, event, more, named = waiting.popleft()
            handle(sender, event, *more, **named)
    finally:
        if waiting:  # one that failed is the loop's to report; the others come all the same
            _soon(session)


def _is_loop(loop: Any) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
