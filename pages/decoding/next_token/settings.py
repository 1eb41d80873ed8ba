"""The setting of the chosen column: presets and a slider for each filter and penalty.

What the sliders are (label, range, help) stands in the registry of filters. A slider changes the
column's value in the session; the link's words follow.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine.decoding.continuation import PENALTY, Line
from engine.decoding.filters import FILTERS, Filter
from engine.decoding.sampling import LAST, LAST_LABEL, Sampling
from pages.decoding import continuations
from pages.decoding.next_token import words as say
from pages.decoding.plan import PRESETS, Plan
from pages.shell import controls
from pages.shell.frame import plain, select

TYPED = "decoding-typed"  # the filters before a setting was chosen or typed, and since when
GREEDY = "No effect: greedy decoding keeps the likeliest token anyway."


def column_controls(plan: Plan) -> None:
    """Which column is set, and adding, removing, undoing."""
    # Of another number of columns it is another control: a browser that has not heard of it yet
    # would report the column before as somebody's choice.
    key = f"decoding-column-{len(plan.lines)}"
    st.session_state[key] = plan.column
    st.segmented_control(
        "Column",
        range(len(plan.lines)),
        key=key,
        required=True,
        format_func=lambda number: str(number + 1),
        on_change=partial(_choose, key),
        help="The column whose setting is shown; clicking a column's title does the same.",
    )
    with st.container(horizontal=True, gap="small"):
        continuations.button(
            "Add", continuations.add, plan, key="decoding-add", icon="add",
            refused=continuations.full(plan),
            help="Add a column",
        )  # fmt: skip
        continuations.button(
            "Remove",
            continuations.remove,
            plan,
            key="decoding-remove",
            icon="remove",
            refused="" if len(plan.lines) > 1 else "One column has to stay.",
            help="Remove column",
        )
        continuations.button(
            "Undo",
            continuations.undo,
            key="decoding-undo-last",
            icon="undo",
            refused="" if continuations.can_undo() else "There is nothing to undo.",
        )


def _choose(key: str) -> None:
    """Look at another column; where it is looked at already, its token stays.

    What a browser showed before it heard of a new column comes as somebody's choice, once; so does
    what stands in a control that a replaced run has drawn.
    """
    column = st.session_state[key]
    _, _, (now, _), _ = continuations.asked()
    if column == now:
        return
    before, since = st.session_state.pop(continuations.MOVED, (None, 0.0))
    if column != before or not _on_its_way(since):
        select("at", f"c{column + 1}")


def _on_its_way(since: float) -> bool:
    """Whether a browser may not have heard yet of what was given then."""
    return time.monotonic() - since < controls.ON_ITS_WAY


def setting_controls(plan: Plan, name: str) -> None:
    """Presets and sliders of the chosen column; they show what its line says."""
    setting, greedy = plan.line.sampling, plan.line.sampling.greedy
    _preset(plan, name)
    if plan.line.beams:
        _beam_controls(plan)
        return
    for one in FILTERS:
        if one.kind == "filter":
            idle = greedy and one.name != "temperature"
            _slider(plan, one, help=GREEDY if idle else one.help, disabled=idle)
    if greedy:
        st.caption(
            "Temperature 0 is greedy decoding: nothing is sampled, so filters have no effect."
        )
    _penalties(plan)
    if order := say.order(setting):
        st.caption(plain(order))
    others = [
        one for one, _ in setting.stages if one.kind == "filter" and one.name != "temperature"
    ]
    if setting.temperature_last or (others and setting.temperature != 1 and not greedy):
        _temperature_last(plan)


def _preset(plan: Plan, name: str) -> None:
    now = plan.line.setting
    options = list(dict.fromkeys([*PRESETS, now]))
    st.session_state["decoding-preset"] = now
    st.selectbox(
        name,
        options,
        key="decoding-preset",
        accept_new_options=True,
        on_change=_typed,
        args=(plan,),
        help="Choose a preset, or type a setting: temperature 0.8, top-p 0.95",
    )
    if problem := st.session_state.pop("decoding-problem", None):
        st.warning(plain(problem))


def _beam_controls(plan: Plan) -> None:
    line = plan.line
    st.caption(
        f"Beam search samples nothing: it keeps the {line.beams} likeliest beginnings at each step "
        "and returns the best whole text, so no filter applies. Its text comes at the end."
        if line.beams > 1
        else "Beam search of width 1 is greedy decoding."
    )
    now = st.session_state["set-length"] = float(line.length_penalty)
    st.slider(
        "Length penalty",
        *PENALTY,
        now,
        0.1,
        key="set-length",
        on_change=_length_slid,
        args=(plan,),
        help="Score = log-probability ÷ length ^ penalty: a higher penalty favors longer texts.",
    )
    _penalties(plan)


def _penalties(plan: Plan) -> None:
    place = st.popover(
        "Repetition controls", icon=":material/repeat:", key="repetition", on_change="rerun"
    )
    if not place.open:
        return
    with place:
        for one in FILTERS:
            if one.kind == "penalty":
                _slider(plan, one, help=one.help)


def _slider(plan: Plan, one: Filter, **options: Any) -> None:
    value = getattr(plan.line.sampling, one.name)
    key, low, high = f"set-{one.name}", one.slider.low, one.slider.high
    st.session_state[key] = value
    given = {"key": key, "on_change": _slid, "args": (plan, one), **options}
    label = one.label[:1].upper() + one.label[1:]
    if one.slider.values:
        st.select_slider(label, sorted({*one.slider.values, value}), **given)
    else:
        kind = int if one.range.whole else float
        now = st.session_state[key] = kind(value)
        # A slider that is given no value looks for one in a copy of the whole session.
        st.slider(label, min(kind(low), now), max(kind(high), now), now, one.slider.step, **given)


def _temperature_last(plan: Plan) -> None:
    st.session_state[f"set-{LAST}"] = plan.line.sampling.temperature_last
    st.toggle(
        LAST_LABEL[:1].upper() + LAST_LABEL[1:],
        key=f"set-{LAST}",
        on_change=_last_switched,
        args=(plan,),
        help="Filter the model's distribution first and apply the temperature to what is kept.",
    )


def _slid(plan: Plan, one: Filter) -> None:
    value = st.session_state[f"set-{one.name}"]
    value = int(value) if one.range.whole else round(float(value), 4)
    before, since = st.session_state.get(TYPED, (None, 0.0))
    if _on_its_way(since) and value == getattr(before, one.name, None):
        return  # it shows what it showed before a whole setting was given
    if not one.range.holds(value) and one.range.also is not None:
        value = one.range.also  # a temperature below the lowest is greedy
    _set(plan, plan.line.sampling.changed(**{one.name: value}))


def _last_switched(plan: Plan) -> None:
    _set(plan, plan.line.sampling.changed(temperature_last=st.session_state[f"set-{LAST}"]))


def _length_slid(plan: Plan) -> None:
    value = round(float(st.session_state["set-length"]), 4)
    continuations.change(plan, replace(plan.line, length_penalty=value))


def _set(plan: Plan, setting: Sampling) -> None:
    continuations.change(plan, replace(plan.line, sampling=setting))


def _typed(plan: Plan) -> None:
    text = str(st.session_state["decoding-preset"] or "")[:200]
    try:
        line = Line.parse(text)
        st.session_state[TYPED] = (plan.line.sampling, time.monotonic())
        forced = () if line.beams else line.forced or plan.line.forced
        continuations.change(plan, replace(line, forced=forced))
    except ValueError as error:
        st.session_state["decoding-problem"] = f"{error}. The setting stays as it was."
