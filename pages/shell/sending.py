"""What a person waits for is sent first, and the rest of the page is made afterwards.

A run of a page and the thread that sends share one interpreter, and the browser draws everything
that comes within ten milliseconds at once. So a run that goes on at full speed keeps back what it
drew first: it must pause for that long.
"""

from __future__ import annotations

import time

import streamlit as st

LATER = 0.4  # seconds from a fragment's new picture to the rest of the page
PAUSE = 0.04  # seconds: collecting takes the browser 10 ms, drawing what came 30


def send_now() -> None:
    """Let the browser have what was drawn so far, in a pass of its own."""
    time.sleep(PAUSE)


def catch_up() -> None:
    """Run the whole page a moment after a fragment.

    Were it run at once, the fragment's picture would wait for it.
    """
    st.fragment(_again, run_every=LATER)([])


def _again(looks: list[None]) -> None:
    if looks:
        st.rerun()
    looks.append(None)
