"""Where we are in the eight steps of the course: strip, slider, play, and the words."""

from __future__ import annotations

import re
import time

import streamlit as st

from engine.translation import Trace
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.link import fresh
from pages.views.translation import BEFORE, Moment, moment, moments
from pages.views.translation_words import STEPS, told

EVERY = 1.1  # seconds between two moments while it plays
# Session keys: whether it plays, its last tick, whether play was just pressed, what was shown.
PLAYING, TICK = "translation-playing", "translation-tick"
TURNED, SEEN = "translation-turned", "translation-seen"


def translation_moment(trace: Trace) -> bool:
    """Settle the moment outside of the fragment; say whether the translation plays."""
    seen = hash((trace.translation.source_reading, trace.translation.prompt, trace.target))
    if st.session_state.get(SEEN) not in (None, seen):
        # Another translation is told from its end: the link's moment was for the one before.
        fresh("step")
        select("step", None)
        st.session_state[PLAYING] = False
    st.session_state[SEEN] = seen
    _step(trace)
    return bool(st.session_state.get(PLAYING))


def translation_strip(trace: Trace, choice: Choice) -> Moment:
    """Draw strip, slider and words; return the moment that is told."""
    last = moments(len(trace.target))
    _advance(_step(trace), last)
    step = _step(trace)
    at = moment(step, len(trace.target))
    _strip(at, len(trace.target))
    _controls(step, last)
    tower = choice.card.encoder or choice.card.tower
    words = told(trace, at.part, at.now, heads=tower.heads)
    st.markdown(f"**{at.part} {STEPS[at.part - 1]}.** {plain(words, 900)}")
    return at


def _step(trace: Trace) -> int:
    """The moment: the link's or the slider's, at first the last.

    Not a bound widget: its end moves with every sentence, and Streamlit would then read the
    address again, where the moment of the sentence before still stands.
    """
    last = moments(len(trace.target))
    fits = re.compile(r"[1-9]\d{0,3}")
    value = selection(
        "step", lambda text: bool(fits.fullmatch(text)) and int(text) <= last, name="Moment"
    )
    return int(value) if value else last


def _advance(step: int, last: int) -> None:
    """One moment further while it plays; the fragment runs again by itself."""
    if st.session_state.pop(TURNED, False):
        st.rerun()  # of the whole page: only there the fragment's clock starts or stops
    if not st.session_state.get(PLAYING):
        return
    now = time.monotonic()
    # A run for another reason (a click elsewhere) is no tick of the clock.
    if now - st.session_state.get(TICK, 0.0) < 0.8 * EVERY:
        return
    if step >= last:
        st.session_state[PLAYING] = False
        st.rerun()
    select("step", str(step + 1))
    st.session_state[TICK] = now


def _strip(at: Moment, n_target: int) -> None:
    """The eight steps as buttons; the one that is told is pressed."""
    st.session_state["translation-part"] = at.part
    firsts = (*range(1, BEFORE + 2), BEFORE + min(2, n_target + 1))

    def go() -> None:
        wanted = st.session_state.get("translation-part") or at.part
        select("step", str(firsts[wanted - 1]))
        st.session_state[TURNED] = bool(st.session_state.get(PLAYING))
        st.session_state[PLAYING] = False

    st.segmented_control(
        "Steps of the course",
        range(1, 9),
        format_func=lambda k: f"{k} {STEPS[k - 1]}",
        key="translation-part",
        required=True,
        on_change=go,
        label_visibility="collapsed",
    )


def _controls(step: int, last: int) -> None:
    st.session_state["translation-step"] = step
    playing = bool(st.session_state.get(PLAYING))
    left, right = st.columns([1, 7], vertical_alignment="bottom")
    with right:
        st.slider("Moment", 1, last, key="translation-step", on_change=_moved)
    with left:
        st.button(
            "Pause" if playing else "Play",
            icon=":material/pause:" if playing else ":material/play_arrow:",
            key="translation-play",
            width="stretch",
            on_click=_play,
            args=(not playing, step >= last),
            shortcut="Space",
            help="The space bar plays and pauses; arrow keys move the slider.",
        )


def _moved() -> None:
    select("step", str(st.session_state["translation-step"]))


def _play(on: bool, ended: bool) -> None:
    # What the button said, not a toggle: a click that meets a tick may be handled twice.
    st.session_state[PLAYING] = on
    if on and ended:
        select("step", "1")
    st.session_state[TICK] = time.monotonic()
    st.session_state[TURNED] = True
