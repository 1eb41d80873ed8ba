"""The loop of a player: a line of JSON in, a line of JSON out. Needs nothing but Python."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Work = Callable[..., Any]


def serve(works: dict[str, Work]) -> None:
    """Do what is asked, and time it, until the line closes; libraries' prints go to stderr."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked.pop("do")
        try:
            answer = {"mb": memory_mb()} if name == "memory" else timed(works[name], asked)
        except Exception as error:  # whatever a library raises: the table says so
            answer = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
        print(json.dumps(answer), file=out, flush=True)


def timed(work: Work, options: dict[str, Any]) -> dict[str, Any]:
    """Seconds of one call, and what it returned if that can be written down."""
    gc.collect()
    began = time.perf_counter()
    found = work(**options)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "found": found if isinstance(found, int | str | dict) else None}


def memory_mb() -> float:
    """The most memory that this process has had, in MB (10^6 bytes); 0 where that is not told."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))
