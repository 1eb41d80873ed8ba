"""Lines of a log for machines: one JSON object each, without texts and addresses.

    set_up()                                          # at the start of the server
    event("job", kind="export", outcome="done", seconds=12.5)

Our own events are a name with numbers and with words of ours. Of what libraries log only the
template is kept, where it has one, never what was filled in; of an exception its type and the lines
of code, never its message: either may hold what somebody typed. In plain mode (ATLAS_LOG) nothing
is changed and events are not shown.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
from types import TracebackType
from typing import Any

from engine.settings import settings

LOGGER = logging.getLogger("atlas")
OTHERS = ("uvicorn", "streamlit")  # libraries that print by themselves
SILENT = "uvicorn.access"  # a line for each request, switched off by Streamlit
EVERY = 1.0  # seconds between two lines of one event: a flood must not fill the disk
FRAMES = 12

_last: dict[tuple[str, str], float] = {}
_left_out: dict[tuple[str, str], int] = {}
_guard = threading.Lock()


class Lines(logging.Formatter):
    """Records as JSON objects."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        ours = record.__dict__.get("atlas")
        if isinstance(ours, dict):
            line |= ours
        else:
            line["at"] = f"{record.module}:{record.lineno}"
            if record.args and isinstance(record.msg, str):
                line["template"] = record.msg
        if record.exc_info and record.exc_info[0] is not None:
            line |= _failure(record.exc_info[0], record.exc_info[2])
        return json.dumps(line)


def event(name: str, **fields: str | float) -> None:
    """Log one of our events; of equal ones within a second the first, and how many followed."""
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    key = (name, str(fields.get("reason", fields.get("kind", ""))))
    now = time.monotonic()
    with _guard:
        if now - _last.get(key, float("-inf")) < EVERY:
            _left_out[key] = _left_out.get(key, 0) + 1
            return
        _last[key] = now
        more = _left_out.pop(key, 0)
    told = {"event": name} | fields | ({"left_out": more} if more else {})
    LOGGER.info("%s", name, extra={"atlas": told})


def set_up() -> None:
    """Write JSON lines to stderr, if that is the setting; else leave all as it is."""
    if settings().log != "json":
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.getLogger().handlers = [handler]
    known = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in OTHERS]
    for name in {*OTHERS, *known} - {SILENT}:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # else two lines for each connection
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    LOGGER.setLevel(logging.INFO)


def _failure(kind: type[BaseException], trace: TracebackType | None) -> dict[str, Any]:
    """What went wrong: the type, and where in the code."""
    frames = traceback.extract_tb(trace)[-FRAMES:]
    return {
        "error": kind.__name__,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
