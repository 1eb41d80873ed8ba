"""One place in one column: the next token opened up, and the setting it is chosen with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import streamlit as st

from engine.decoding import sampling
from engine.decoding.continuation import Line
from engine.decoding.generation import banned
from engine.decoding.next_token import Opened, opened
from engine.decoding.sampling import LIMITS, OFF, Sampling
from engine.decoding.writing import Column
from pages.decoding import continuations
from pages.decoding.next_token import bars as view
from pages.decoding.plan import PRESETS, Plan, Spot
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.fragments import Runs, catch_up, fragment, send_now
from pages.shell.frame import plain, select, selection, sentences
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

KEYS = {name: f"set-{name}" for name in OFF}
TOP_K = (0, 1, 2, 3, 5, 10, 20, 40, 80, 160, 320, 1000)


def decoding_next(plan: Plan, seen: Column | Spot) -> Spot:
    """Draw the chosen column's controls, and beside them the bars of the token looked at."""
    spot = _spot(plan, seen) if isinstance(seen, Column) else seen
    # A part of its own: a slider has its new bars before the rest of the page is run again.
    fragment(_opened, None, plan, spot, continuations.asked())
    return spot


def _opened(runs: Runs, plan: Plan, spot: Spot, before: continuations.State) -> None:
    """Controls and bars; run alone after each click here, and then the page where more changes."""
    alone = not runs.first
    now = continuations.moved(plan, before) if alone else plan
    if now is None:
        st.rerun()
    # What a slider moves is made and sent first; the controls beside it follow.
    bars = None
    with sentences():
        bars = _drawn(now, spot)
    left, right = st.columns([4, 7], gap="large")
    with right, sentences():
        if bars:
            _bars(now, spot, bars, hurry=alone)
    with left, sentences():
        if not spot.gap:
            _column(now)
        _sliders(now)
    if alone and now is not plan:
        catch_up()


# --- The columns' settings ----------------------------------------------------------------------


def _column(plan: Plan) -> None:
    """Which column is set, and adding, removing, undoing."""
    st.session_state["decoding-column"] = plan.column
    st.segmented_control(
        "Column",
        range(len(plan.lines)),
        key="decoding-column",
        required=True,
        format_func=lambda number: str(number + 1),
        on_change=lambda: select("at", f"c{st.session_state['decoding-column'] + 1}"),
        help="The column that is set here; clicking a column's name does the same.",
    )
    with st.container(horizontal=True, gap="small"):
        continuations.button(
            "Add", continuations.add, plan, key="decoding-add", icon="add",
            refused=continuations.full(plan),
            help="Another column",
        )  # fmt: skip
        continuations.button(
            "Remove",
            continuations.remove,
            plan,
            key="decoding-remove",
            icon="remove",
            refused="" if len(plan.lines) > 1 else "One column has to stay.",
            help="Take this column away; no other changes.",
        )
        continuations.button(
            "Undo",
            continuations.undo,
            key="decoding-undo-last",
            icon="undo",
            refused="" if continuations.can_undo() else "Nothing was changed so far.",
        )


def _sliders(plan: Plan) -> None:
    """Presets and sliders of the chosen column; they show what its line says."""
    setting = plan.line.sampling
    now = str(replace(plan.line, forced=()))
    options = list(dict.fromkeys([*PRESETS, now]))
    st.session_state["decoding-preset"] = now
    st.selectbox(
        f"Setting of column {plan.column + 1}",
        options,
        key="decoding-preset",
        accept_new_options=True,
        on_change=_typed,
        args=(plan,),
        help="Choose one, or type your own: temperature 0.8, top-p 0.95",
    )
    if problem := st.session_state.pop("decoding-problem", None):
        st.warning(plain(problem))
    if plan.line.beams:
        st.caption(
            f"Beam search draws nothing: it carries the {plan.line.beams} likeliest beginnings on "
            "side by side and takes the likeliest whole text, so it has no sliders. Its text "
            "comes when the search is over."
        )
        return
    for name in OFF:
        st.session_state[KEYS[name]] = getattr(setting, name)
    greedy = "Greedy takes the likeliest token, so this would change nothing."
    _slider(plan, "temperature", 0.0, 2.0, 0.05, "Below 1 sharpens, above 1 flattens; 0 is greedy.")
    warm = {"disabled": setting.greedy}
    _top_k(plan, greedy if setting.greedy else "Keep the k likeliest tokens; 0 is off.", **warm)
    for name, low, high, help_text in (
        ("top_p", 0.01, 1.0, "Keep the likeliest tokens until they hold this much; 1 is off."),
        ("min_p", 0.0, 0.5, "Keep tokens at least this share as likely as the best; 0 is off."),
        ("typical", 0.05, 1.0, "Keep tokens whose surprise is near the expected; 1 is off."),
    ):
        words = greedy if setting.greedy else help_text
        _slider(plan, name, low, high, 0.01, words, **warm)
    if setting.greedy:
        st.caption("Temperature 0 is greedy: no dice, so the filters are greyed.")
    with st.popover("Against repeating", icon=":material/repeat:"):
        _slider(plan, "repetition", 0.8, 2.0, 0.05, "Makes every token seen so far, the prompt's "
                "too, less likely; 1 is off.")  # fmt: skip
        _slider(plan, "frequency", -1.0, 2.0, 0.05, "Subtracted from a token's logit for each "
                "time it was written; 0 is off.")  # fmt: skip
        _slider(plan, "no_repeat", 0, 6, 1, "No sequence of so many tokens comes twice; 0 is off.")


def _slider(
    plan: Plan, name: str, low: float, high: float, step: float, words: str, **options: Any
) -> None:
    value = getattr(plan.line.sampling, name)
    st.slider(
        sampling.label(name).capitalize(),
        min(low, value),
        max(high, value),
        step=step,
        key=KEYS[name],
        help=words,
        on_change=_slid,
        args=(plan, name),
        **options,
    )


def _top_k(plan: Plan, words: str, **options: Any) -> None:
    value = plan.line.sampling.top_k
    steps = sorted({*TOP_K, value})
    st.select_slider(
        "Top-k", steps, key=KEYS["top_k"], help=words, on_change=_slid, args=(plan, "top_k"),
        **options,
    )  # fmt: skip


def _slid(plan: Plan, name: str) -> None:
    limits, value = LIMITS[name], st.session_state[KEYS[name]]
    value = int(value) if limits.whole else round(float(value), 4)
    if name == "temperature" and 0 < value < limits.low:
        value = 0.0
    continuations.change(
        plan, replace(plan.line, sampling=replace(plan.line.sampling, **{name: value}))
    )


def _typed(plan: Plan) -> None:
    text = str(st.session_state["decoding-preset"] or "")[:200]
    try:
        line = Line.parse(text)
        forced = () if line.beams else line.forced or plan.line.forced
        continuations.change(plan, replace(line, forced=forced))
    except ValueError as error:
        st.session_state["decoding-problem"] = f"{error}. The setting stays as it was."


# --- The token that is looked at ----------------------------------------------------------------


def _spot(plan: Plan, column: Column) -> Spot:
    """The place of the plan in a column; its first where it is not written so far."""
    written = column.ids
    place = plan.token if plan.token is not None and plan.token < len(written) else 0
    task, ids = plan.task, (*plan.task.ids, *written[:place])
    return Spot(
        logits=engine().following(task.model, ids, task.source),
        ids=ids,
        start=len(task.ids),
        before=plan.prompt + "".join(column.texts[:place]),
        place=place,
        chosen=written[place] if place < len(written) else None,
    )


class Bars(NamedTuple):
    """The picture of the candidates, what it shows, and what was asked for in it."""

    found: Opened
    svg: str
    words: str
    spell: view.Spell
    candidate: str | None  # the name of the bar that somebody chose
    wanted: int | None  # the id that the formula is about


def _drawn(plan: Plan, spot: Spot) -> Bars:
    """The candidates as bars, before anything of the page is drawn."""
    model = plan.task.model

    def spell(token_id: int) -> str:
        if spot.gap:  # as stored, or `s` and `##s` would look the same
            return engine().piece(model, token_id)
        return engine().texts(model, [token_id], "decoder")[0]

    size = len(spot.logits)
    candidate = selection("candidate", lambda text: _id(text, size) is not None)
    wanted = _id(candidate, size)
    also = [i for i in (spot.chosen, wanted) if i is not None]
    setting: Sampling = plan.line.sampling
    found = opened(
        spot.logits,
        setting,
        spot.ids,
        start=spot.start,
        also=also,
        ban=banned(engine().card(model)),
    )
    svg = view.bars(found, setting, spell, chosen=spot.chosen)
    words = view.sentence(found, setting, spell)
    return Bars(found, svg, words, spell, candidate, spot.chosen if wanted is None else wanted)


def _bars(plan: Plan, spot: Spot, bars: Bars, *, hurry: bool) -> None:
    """The candidates and what there is to say of them; in a `hurry` the picture goes ahead."""
    above = st.container()
    picture(
        bars.svg,
        key="decoding-bars",
        alt=bars.words,
        locked=bars.candidate,
        on_lock=lambda ids: select("candidate", ids),
    )
    if hurry:
        send_now()
    above.markdown(_heading(plan, spot))
    found, spell = bars.found, bars.spell
    save, below = st.columns([1, 6], vertical_alignment="center")
    with save:
        # Made when it is opened: what nobody sees would be sent with every move of a slider.
        share_menu(
            "next-token",
            svg=lambda: bars.svg,
            data=lambda: view.table(found, spell),
            title="Next token",
        )
    below.caption(plain(bars.words))
    _formula(plan, spot, found, spell, bars.wanted)
    read_aloud("next-token", lambda: view.table(found, lambda i: view.visible(spell(i))))


def _heading(plan: Plan, spot: Spot) -> str:
    before = plain(spot.before[-48:])
    if spot.gap:
        return f"**The token in the gap** … {before} **?** {plain(spot.behind[:48])}"
    where = f"column {plan.column + 1}, new token {spot.place + 1}; click a token above for another"
    head = f"**The token after** … {before}" if before else "**The first token**"
    return f"{head}  \n:small[{where}]"


def _id(text: str | None, vocabulary: int) -> int | None:
    """A candidate's id from the name of its bar, `n345`."""
    if not text or text[0] != "n" or not text[1:].isdecimal() or len(text) > 8:
        return None
    return int(text[1:]) if int(text[1:]) < vocabulary else None


def _formula(plan: Plan, spot: Spot, found: Opened, spell: view.Spell, wanted: int | None) -> None:
    """The softmax of one candidate in numbers, and the button that forces it."""
    row = found.ids.tolist().index(wanted) if wanted is not None else 0
    token_id = int(found.ids[row])
    name = view.visible(spell(token_id))
    st.caption(
        plain(f"“{name}” has the logit {found.logits[row]:.2f}.")
        + " The softmax turns logits $z$ into probabilities: $T$ is the temperature, the sum runs "
        + (f"over the {found.kept:,} tokens left." if found.kept > 1 else "over one token.")
    )
    st.latex(view.formula(found, plan.line.sampling, row))
    if plan.line.beams or spot.gap:
        return
    branch = plan.line.branched(spot.place, token_id)
    with st.container(horizontal=True, gap="small"):
        continuations.button(
            f"Force “{plain(name, 20)}” here",
            continuations.force,
            plan,
            branch,
            spot.place,
            key="decoding-force",
            icon="push_pin",
            help="The column goes on from this token; the old text stays as a folded branch.",
            beside=False,
        )
        continuations.button(
            "… in a new column",
            continuations.force,
            plan,
            branch,
            spot.place,
            key="decoding-branch",
            icon="call_split",
            refused=continuations.full(plan),
            help="Both stay side by side.",
            beside=True,
        )
