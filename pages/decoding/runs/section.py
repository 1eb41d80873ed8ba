"""Many runs of one setting: what chance makes of it, as a tree of shared beginnings."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.decoding.generated import Generated
from engine.decoding.next_token import banned, opened
from pages.decoding import generate, recipes
from pages.decoding.plan import Plan
from pages.decoding.runs import picture as view
from pages.decoding.words import title
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.fragments import Runs, fragment
from pages.shell.frame import plain
from pages.shell.share import share_menu

EVERY = 0.4  # seconds between two drawings of the tree while it grows


def decoding_runs(plan: Plan, runs: tuple[Generated, ...], live: bool) -> None:
    """Show the tree while it grows, and how often each first token came when it is done."""
    if not plan.write and not any(run.tokens for run in runs):
        setting = plain(title(plan.line, _spell(plan)))
        st.info(f"Press Generate: column {plan.column + 1} ({setting}) is run {len(runs)} times.")
        return
    fragment(_watch, generate.every(EVERY) if live else None, plan, runs, live)
    error = generate.problem(runs)
    if error is not None:
        raise error


def _spell(plan: Plan) -> view.Spell:
    return lambda token_id: engine().texts(plan.task.model, [token_id], "decoder")[0]


def _watch(looks: Runs, plan: Plan, runs: tuple[Generated, ...], live: bool) -> None:
    if live and not looks.first:
        runs = generate.look(plan)
    # Never in the page's own run: `st.rerun` throws away what was not sent yet.
    over = live and not looks.first and not any(run.writing for run in runs)
    if over and generate.problem(runs) is not None:
        generate.give_up()  # or the page would try again at once, for ever
    name = f"{len(runs)} runs of column {plan.column + 1}: {title(plan.line, _spell(plan))}"
    svg = view.tree(runs, name)
    words = view.summary(runs)
    st.markdown(f"**{plain(name)}**")
    picture(svg, key="decoding-tree", alt=words or "Runs being generated")
    st.caption(plain(words))
    if over:
        st.rerun()
    if not live:
        _done(plan, runs, svg, name)


def _done(plan: Plan, runs: tuple[Generated, ...], svg: str, name: str) -> None:
    asked = plan.task, plan.line, len(runs)
    share_menu(
        "runs",
        python=partial(recipes.runs, *asked),
        svg=svg,
        data=lambda: view.table(runs),
        title=name,
    )
    first = list(dict.fromkeys(run.ids[0] for run in runs if run.tokens))
    task = plan.task
    found = opened(
        engine().following(task.model, task.ids, task.source),
        plan.line.sampling,
        task.ids,
        start=len(task.ids),
        also=first,
        ban=banned(engine().card(task.model)),
    )
    st.markdown("**First token: sampled frequency against probability**")
    bars = view.firsts(runs, found, _spell(plan))
    picture(bars, key="decoding-firsts", alt=view.first_words(runs, found))
    st.caption(plain(view.first_words(runs, found)))
    share_menu(
        "first-tokens",
        python=partial(recipes.first_tokens, *asked),
        svg=bars,
        data=lambda: view.first_table(runs, found, _spell(plan)),
        title="First tokens",
    )
