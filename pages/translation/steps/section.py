"""Where we are in the eight steps of the course: strip, slider, play, and the words."""

from __future__ import annotations

import re

import streamlit as st

from engine.decoding.translation import Trace
from pages.shell import player
from pages.shell.address import fresh
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.state import state
from pages.translation import changes
from pages.translation.steps.words import STEPS, told
from pages.translation.story import BEFORE, Moment, moment, moments

PLAYER = "translation"
SEEN = "translation-seen"  # session key: which translation was shown


def settle_step(trace: Trace) -> bool:
    """Settle the moment outside of the fragment; say whether the translation plays."""
    seen = hash((trace.translation.source_reading, trace.translation.prompt, trace.target))
    wanted = changes.shown_next(moments(len(trace.target)))
    if st.session_state.get(SEEN) not in (None, seen):
        fresh("step")  # the link's was for the translation before
        select("step", wanted)
        player.leave(PLAYER)
    st.session_state[SEEN] = seen
    _step(trace)
    return player.playing(PLAYER)


def translation_strip(trace: Trace, choice: Choice) -> Moment:
    """Draw strip, slider and words; return the moment that is told."""
    last = moments(len(trace.target))
    player.advance(PLAYER, _step(trace), last, _go)
    step = _step(trace)
    at = moment(step, len(trace.target))
    _strip(at, len(trace.target))
    _controls(step, last)
    tower = choice.card.encoder or choice.card.tower
    words = told(trace, at.part, at.now, heads=tower.heads)
    st.markdown(f"**{at.part} {STEPS[at.part - 1]}.** {plain(words, 900)}")
    return at


def _step(trace: Trace) -> int:
    """The step: the link's or the slider's, else the first, or what a change made of the last.

    Not a bound widget: its end moves with every sentence, and Streamlit would then read the
    address again, where the moment of the sentence before still stands.
    """
    last = moments(len(trace.target))
    fits = re.compile(r"[1-9]\d{0,3}")
    value = selection(
        "step", lambda text: bool(fits.fullmatch(text)) and int(text) <= last, name="Step"
    )
    return int(value) if value else last if _wants_the_stage() else 1


def _wants_the_stage() -> bool:
    """Whether something was changed or selected that only a written token shows."""
    return changes.any_made() or bool(state().values.get("pick") or st.query_params.get("pick"))


def _go(step: int) -> None:
    select("step", str(step))


def _strip(at: Moment, n_target: int) -> None:
    """The eight steps as buttons; the one that is told is pressed."""
    st.session_state["translation-part"] = at.part
    firsts = (*range(1, BEFORE + 2), BEFORE + min(2, n_target + 1))

    def go() -> None:
        wanted = st.session_state.get("translation-part") or at.part
        stay = player.echoed(PLAYER, lambda step: moment(step, n_target).part == wanted)
        if stay is None:
            player.stop(PLAYER)
        _go(firsts[wanted - 1] if stay is None else stay)

    st.segmented_control(
        "Stages",
        range(1, 9),
        format_func=lambda k: f"{k} {STEPS[k - 1]}",
        key="translation-part",
        required=True,
        on_change=go,
        label_visibility="collapsed",
    )


def _controls(step: int, last: int) -> None:
    st.session_state[changes.STEP] = step
    left, right = st.columns([1.3, 7], vertical_alignment="bottom")
    with right:
        st.slider("Step", 1, last, 1, key=changes.STEP, on_change=_moved)
    with left:
        player.button(
            PLAYER,
            step,
            1,
            last,
            _go,
            width="stretch",
            help="The space bar plays and pauses; arrow keys move the slider.",
        )


def _moved() -> None:
    value = int(st.session_state[changes.STEP])
    stay = player.echoed(PLAYER, lambda step: step == value)
    _go(value if stay is None else stay)
