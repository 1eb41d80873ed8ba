"""Parts of a page that run alone, and what is sent to the browser when.

A fragment often must know whether it runs within the page or by itself, later: `fragment` hands it
its `Runs`. And what a person waits for is sent first: a run of a page and the thread that sends
share one interpreter, and the browser draws everything that comes within ten milliseconds at once.
So a run that goes on at full speed keeps back what it drew first: it must pause for that long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

import streamlit as st

from pages.shell.host.delivery import deliver_now

LATER = 0.4  # seconds from a fragment's new picture to the rest of the page
PAUSE = 0.04  # seconds: collecting takes the browser 10 ms, drawing what came 30
P = ParamSpec("P")


@dataclass
class Runs:
    """How often a fragment has run since the page drew it, and what its last run kept."""

    count: int = 0
    kept: Any = None

    @property
    def first(self) -> bool:
        """Whether it runs within the page, where `st.rerun` would lose what was not sent yet."""
        return self.count <= 1


def fragment(
    draw: Callable[Concatenate[Runs, P], None],
    every: float | None,
    *given: P.args,
    **named: P.kwargs,
) -> None:
    """Draw now and, with `every`, again after so many seconds; `draw` gets its `Runs` first."""
    runs = Runs()

    def once() -> None:
        runs.count += 1
        draw(runs, *given, **named)

    st.fragment(once, run_every=every)()


def send_now() -> None:
    """Let the browser have what was drawn so far, in a pass of its own."""
    deliver_now()
    time.sleep(PAUSE)


def catch_up() -> None:
    """Run the whole page a moment after a fragment.

    Were it run at once, the fragment's picture would wait for it.
    """
    fragment(_again, LATER)


def _again(runs: Runs) -> None:
    if not runs.first:
        st.rerun()
