"""All at once: how long many tokens take, read and written, and what keys and values cost.

Measured when somebody asks for it, in one job for all who look; what was found is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from engine.timing.measuring import Timings, powers
from pages.decoding import recipes
from pages.decoding.at_once import picture as view
from pages.decoding.at_once import words
from pages.decoding.controls import TIMED
from pages.decoding.figure import figure
from pages.pictures import curves
from pages.pictures.curves import Axes, Line
from pages.shell.cache import engine
from pages.shell.fragments import Runs, fragment
from pages.shell.frame import Choice, plain
from pages.shell.share import Table
from pages.shell.state import state

READING, CACHE, BYTES = "timing-reading", "timing-cache", "timing-bytes"
ASKED = "timing-asked"
EVERY = 0.4  # seconds between two looks at a measurement
USUAL = 256  # tokens


def decoding_at_once(choice: Choice) -> None:
    """Draw what was measured, or what would be; the buttons that begin and stop."""
    lengths = engine().lengths_timed(choice.model)
    usual = max((one for one in lengths if one <= USUAL), default=lengths[0])
    longest = int(TIMED.check(lengths, default=usual))
    recurrent = next(one for one in engine().standings(choice.model) if one.kind == "recurrent")
    if st.session_state.pop(ASKED, False):
        engine().measure(choice.model, longest, viewer=state().viewer)
    job = engine().measuring(choice.model, longest)
    live = job is not None and not job.done
    found = engine().timed(choice.model, longest)
    _buttons(choice.model, longest, live=live, measured=found is not None)
    if live:
        fragment(_watch, EVERY, choice.model, longest)
    elif found is None:
        st.info(words.before(longest, not recurrent.missing), icon=":material/timer:")
    if found is not None:
        _times(choice, longest, found)
    _bytes(choice, longest, found)
    if recurrent.missing:
        st.caption(plain(recurrent.missing))
    if job is not None and job.error is not None and not job.stopped:
        raise job.error


def _buttons(model: str, longest: int, *, live: bool, measured: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        TIMED.draw(disabled=live)
        st.button(
            "Measure again" if measured else "Measure",
            key="timing-begin",
            type="secondary" if live or measured else "primary",
            icon=":material/timer:",
            disabled=live,
            on_click=_begin,
        )
        st.button(
            "Stop",
            key="timing-stop",
            icon=":material/stop:",
            disabled=not live,
            on_click=partial(_stop, model, longest),
        )


def _begin() -> None:
    # Begun in the page's run, where a refusal is a sentence.
    st.session_state[ASKED] = True


def _stop(model: str, longest: int) -> None:
    job = engine().measuring(model, longest)
    if job is not None:
        job.cancel(state().viewer)


def _watch(runs: Runs, model: str, longest: int) -> None:
    job = engine().measuring(model, longest)
    if job is not None and not job.done:
        job.watch(state().viewer)
        st.progress(job.progress, text=plain(job.stage or "Opening the model"))
    elif not runs.first:
        st.rerun()


def _times(choice: Choice, longest: int, found: Timings) -> None:
    st.markdown("**Reading at once, reading step by step, writing**")
    _drawn(
        READING,
        words.reading_said(found),
        view.reading(found),
        lambda: words.reading_table(found),
        partial(recipes.reading_times, choice.model, longest),
        "All at once",
    )
    st.caption(
        f"Lines: the fastest of {len(found.read)} turns, measured on this machine "
        f"({plain(engine().device(choice.model).title)}); the bands reach to the slowest. Each way "
        "ends with the scores of the next token." + _short(found)
    )
    st.markdown("**The next token: keys and values kept, or computed anew**")
    _drawn(
        CACHE,
        words.cache_said(found),
        view.cache(found),
        lambda: words.cache_table(found),
        partial(recipes.cache_times, choice.model, longest),
        "Keys and values kept or computed anew",
    )


def _short(found: Timings) -> str:
    last = int(found.counts[-1])
    if last >= found.wanted:
        return ""
    return f" More than {last:,} tokens take too long on this machine to be measured."


def _bytes(choice: Choice, longest: int, found: Timings | None) -> None:
    shape = engine().cache_size(choice.model)
    counts = powers(longest) if found is None else found.counts.tolist()
    st.markdown("**Memory of keys and values**")
    _drawn(
        BYTES,
        words.bytes_said(shape, counts[-1], found),
        view.held(shape, counts, found),
        lambda: words.bytes_table(shape, counts, found),
        partial(recipes.cache_bytes, choice.model, longest, counts, measured=found is not None),
        "Memory of keys and values",
    )


def _drawn(
    key: str,
    said: str,
    drawn: tuple[list[Line], Axes],
    table: Callable[[], Table],
    python: Callable[[], str],
    title: str,
) -> None:
    """A figure of curves."""
    svg = curves.curves(*drawn, title, said)
    figure(key, said, svg, partial(curves.wide, *drawn, title, said), table, python, title)
