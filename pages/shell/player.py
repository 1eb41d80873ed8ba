"""Something that is told in steps plays by itself: Back, Play, Next, and the clock.

In: which step is shown, how many there are, how to go to one. Out: three buttons; the space bar
plays, arrow keys step. A page draws what plays with `plays`: while it does, that part alone runs
again with each tick. Knows nothing of what is told.

Session keys, `name` being the player's: `name-playing`, its last tick and what that told, and
whether it just turned.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ParamSpec

import streamlit as st

EVERY = 1.0  # seconds between two steps
TWICE = 0.4  # seconds within which a second press is the first one again
ECHOES = 2  # steps that a slow browser may lie behind
P = ParamSpec("P")


def plays(name: str, draw: Callable[P, None], *given: P.args, **named: P.kwargs) -> None:
    """Draw; while `name` plays, again with every tick. `draw` calls `advance` first."""
    if playing(name):
        st.fragment(draw, run_every=EVERY)(*given, **named)
    else:
        draw(*given, **named)


def playing(name: str) -> bool:
    """Whether it plays."""
    return bool(st.session_state.get(f"{name}-playing"))


def advance(name: str, step: int, last: int, go: Callable[[int], None]) -> None:
    """One step further while it plays and a tick has passed; call it before the step is read."""
    if st.session_state.pop(f"{name}-turned", False):
        st.rerun()  # of the whole page: only there a clock starts or stops
    if not playing(name):
        return
    now = time.monotonic()
    # A run for another reason (a click elsewhere) is no tick of the clock.
    if now - st.session_state.get(f"{name}-tick", 0.0) < 0.8 * EVERY:
        return
    if step >= last:
        st.session_state[f"{name}-playing"] = False
        st.rerun()
    go(step + 1)
    st.session_state[f"{name}-tick"], st.session_state[f"{name}-told"] = now, step + 1


def buttons(name: str, step: int, first: int, last: int, go: Callable[[int], None]) -> None:
    """Back, Play or Pause, Next; `go` is called before the next run with the step to show."""
    st.button(
        "Back",
        icon=":material/chevron_left:",
        key=f"{name}-back",
        on_click=_step,
        args=(name, step - 1, go),
        disabled=step <= first,
        shortcut="Left",
    )
    button(name, step, first, last, go)
    st.button(
        "Next",
        icon=":material/chevron_right:",
        key=f"{name}-next",
        on_click=_step,
        args=(name, step + 1, go),
        disabled=step >= last,
        shortcut="Right",
    )


def button(
    name: str, step: int, first: int, last: int, go: Callable[[int], None], **options: Any
) -> None:
    """Play or Pause alone; `options` are those of `st.button`."""
    on = playing(name)
    st.button(
        "Pause" if on else "Play",
        icon=":material/pause:" if on else ":material/play_arrow:",
        key=f"{name}-play",
        on_click=_play,
        args=(name, not on, first if step >= last else step, go),
        shortcut="Space",
        **options,
    )


def echoed(name: str, is_step: Callable[[int], bool]) -> int | None:
    """The step to stay at, where a control's new value is one that was told just before; else None.

    A run that the clock asked for brings the values that the browser knew by then: on a slow
    machine an older step, which nobody chose.
    """
    told = int(st.session_state.get(f"{name}-told", 0))
    late = playing(name) and any(is_step(told - back) for back in range(1, ECHOES + 1))
    return told if late else None


def chosen(name: str, is_step: Callable[[int], bool], go: Callable[[int], None]) -> None:
    """Somebody chose a step by a control: play no longer, unless that was an echo."""
    stay = echoed(name, is_step)
    if stay is None:
        stop(name)
    else:
        go(stay)


def stop(name: str) -> None:
    """Play no longer: somebody chose a step, or something else is told now."""
    if playing(name):
        st.session_state[f"{name}-playing"], st.session_state[f"{name}-turned"] = False, True


def leave(name: str) -> None:
    """What plays is not on the page now: it shall not go on by itself when it comes back."""
    st.session_state.pop(f"{name}-playing", None)


def _step(name: str, step: int, go: Callable[[int], None]) -> None:
    stop(name)
    go(step)


def _play(name: str, on: bool, step: int, go: Callable[[int], None]) -> None:
    # A click that meets a tick may be handled twice, the second time by what the button says then.
    now = time.monotonic()
    if now - st.session_state.get(f"{name}-pressed", -1.0) < TWICE:
        return
    st.session_state[f"{name}-pressed"] = now
    st.session_state[f"{name}-playing"] = on
    st.session_state[f"{name}-tick"], st.session_state[f"{name}-told"] = now, step
    st.session_state[f"{name}-turned"] = True
    if on:
        go(step)
