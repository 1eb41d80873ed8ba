"""What a run of a page drew last reaches the browser, also where the next run begins at once.

    keep_what_was_drawn()      # once, before there are sessions

Streamlit 1.67 drops it where a part of the page that runs by itself asks in the very moment in
which a run has ended and its last words still wait in the server's loop: it takes them for those of
a run that is of no interest any more. In an empty house that never happens; of a class of sixty,
whose pages all turn at once on two busy cores, one had a page without its question every time. They
are let through until the next run has begun: they come before its first word, in order.
`tests/pages/test_runs.py` fails where Streamlit changes this.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent

HANDLER = "_handle_scriptrunner_event_on_event_loop"
BEGUN = "_atlas_begun"  # of a run's thread: its first word has come


def keep_what_was_drawn() -> None:
    """Let a session hear out the run before the one that is to begin."""
    handle = getattr(AppSession, HANDLER)
    if getattr(handle, "__wrapped__", None) is not None:
        return

    @wraps(handle)
    def hears(
        session: Any, sender: Any, event: ScriptRunnerEvent, *more: Any, **named: Any
    ) -> None:
        current = session._scriptrunner
        if sender is not None and event is ScriptRunnerEvent.SCRIPT_STARTED:
            setattr(sender, BEGUN, True)
        late = sender is not None and current is not None and sender is not current
        if not late or getattr(current, BEGUN, False) or event is ScriptRunnerEvent.SHUTDOWN:
            return handle(session, sender, event, *more, **named)
        session._scriptrunner = sender
        try:
            handle(session, sender, event, *more, **named)
        finally:
            session._scriptrunner = current

    setattr(AppSession, HANDLER, hears)
