"""One place in one column: the next token opened, beside the setting it is chosen with."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import streamlit as st

from engine.decoding.generated import Generated
from engine.decoding.next_token import Opened, banned, opened
from engine.decoding.sampling import Sampling
from pages.decoding import continuations, recipes
from pages.decoding.next_token import bars as view
from pages.decoding.next_token import words as say
from pages.decoding.next_token.settings import column_controls, setting_controls
from pages.decoding.plan import Plan, Spot
from pages.decoding.words import Spell, shown
from pages.pictures.columns.sheet import tail
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.fragments import Runs, catch_up, fragment, send_now
from pages.shell.frame import plain, select, selection, sentences
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud


def decoding_next(plan: Plan, column: Generated | Spot) -> Spot:
    """Draw the chosen column's controls, and beside them the bars of the token looked at."""
    spot = _spot(plan, column) if isinstance(column, Generated) else column
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
            column_controls(now)
        setting_controls(now, "Preset" if spot.gap else f"Preset of column {now.column + 1}")
    if alone and now is not plan:
        catch_up()


def _spot(plan: Plan, column: Generated) -> Spot:
    """The place of the plan in a column; its first where it is not written so far."""
    written = column.ids
    place = plan.token if plan.token is not None and plan.token < len(written) else 0
    task, ids = plan.task, (*plan.task.ids, *written[:place])
    there = place < len(written)
    return Spot(
        logits=engine().following(task.model, ids, task.source),
        ids=ids,
        start=len(task.ids),
        before=plan.prompt + "".join(column.texts[:place]),
        place=place,
        chosen=written[place] if there else None,
        forced=there and column.tokens[place].forced,
    )


class Bars(NamedTuple):
    """The picture of the candidates, what it shows, and what was asked for in it."""

    found: Opened
    setting: Sampling
    svg: str
    words: str
    spell: Spell
    candidate: str | None  # the name of the bar that somebody chose
    wanted: int | None  # the id that the formula is about
    also: list[int]  # ids that are listed besides the likeliest


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
    # A beam search adds up log-probabilities; what the model predicts is what it starts from.
    setting = Sampling() if plan.line.beams else plan.line.sampling
    found = opened(
        spot.logits,
        setting,
        spot.ids,
        start=spot.start,
        also=also,
        ban=banned(engine().card(model)),
    )
    how = "forced" if spot.forced else "sampled" if plan.line.samples else "selected"
    acts = partial(_acts, plan, spot)
    svg = view.bars(found, setting, spell, chosen=spot.chosen, how=how, acts=acts)
    words = say.sentence(found, setting, spell)
    wanted = spot.chosen if wanted is None else wanted
    return Bars(found, setting, svg, words, spell, candidate, wanted, also)


def _bars(plan: Plan, spot: Spot, bars: Bars, *, hurry: bool) -> None:
    """The candidates and what there is to say of them; in a `hurry` the picture goes ahead."""
    above = st.container()
    picture(
        bars.svg,
        key="decoding-bars",
        alt=bars.words,
        locked=bars.candidate,
        on_lock=lambda ids: select("candidate", ids),
        on_act=partial(_act, plan, spot),
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
            python=partial(recipes.next_token, plan, spot, bars.setting, bars.also),
            svg=lambda: bars.svg,
            data=lambda: say.table(found, spell),
            title="Next token",
        )
    below.caption(plain(bars.words))
    _formula(bars)
    read_aloud("next-token", lambda: say.table(found, lambda i: shown(i, spell, limit=64)))


def _heading(plan: Plan, spot: Spot) -> str:
    before = plain(tail(spot.before))
    if spot.gap:
        return f"**The masked token** in: {before} **?** {plain(spot.behind[:48])}"
    where = f"column {plan.column + 1}, new token {spot.place + 1}; click a token above for another"
    head = f"**Next token after** {before}" if before else "**The first token**"
    return f"{head}  \n:small[{where}]"


def _id(text: str | None, vocabulary: int) -> int | None:
    """A candidate's id from the name of its bar, `n345`."""
    if not text or text[0] != "n" or not text[1:].isdecimal() or len(text) > 8:
        return None
    return int(text[1:]) if int(text[1:]) < vocabulary else None


def _candidate(bars: Bars) -> int:
    """The row of the candidate that is asked about: the chosen bar, the text's token, the first."""
    return bars.found.ids.tolist().index(bars.wanted) if bars.wanted is not None else 0


def _formula(bars: Bars) -> None:
    """How one candidate's probability comes about."""
    row = _candidate(bars)
    name = shown(int(bars.found.ids[row]), bars.spell, limit=64)
    st.caption(say.explanation(bars.found, bars.setting, row, plain(name)))
    st.latex(say.formula(bars.found, bars.setting, row))


def _acts(plan: Plan, spot: Spot, token_id: int, name: str) -> str | None:
    """What can be done with a candidate: the text goes on from it, here or in a new column."""
    if plan.line.beams or spot.gap:
        return None
    if token_id == spot.chosen:
        return "undo Undo" if spot.forced else None
    beside = "" if continuations.full(plan) else "\nbeside Continue in a new column"
    return f"force Continue with “{name}”{beside}"


def _act(plan: Plan, spot: Spot, target: str, name: str) -> None:
    token_id = _id(target, len(spot.logits))
    if name == "undo":
        continuations.unforce(plan, spot.place)
    elif token_id is not None:
        branch = plan.line.branched(spot.place, token_id)
        continuations.force(plan, branch, spot.place, beside=name == "beside")
