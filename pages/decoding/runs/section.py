"""Many runs of one setting: what chance makes of it, as a tree of shared beginnings."""

from __future__ import annotations

import streamlit as st

from engine.decoding import writing
from engine.decoding.generation import banned
from engine.decoding.next_token import opened
from engine.decoding.writing import Column
from pages.decoding.plan import Plan
from pages.decoding.runs import picture as view
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.fragments import Runs, fragment
from pages.shell.frame import plain, select
from pages.shell.share import share_menu
from pages.shell.state import state

EVERY = 0.4  # seconds between two drawings of the tree while it grows


def decoding_runs(plan: Plan, runs: tuple[Column, ...], live: bool) -> None:
    """Show the tree while it grows, and how often each first token came when it is done."""
    if not plan.write and not any(column.tokens for column in runs):
        st.info(f"Press Write: column {plan.column + 1} ({plan.line}) is run {len(runs)} times.")
        return
    fragment(_watch, EVERY if live else None, plan, runs, live)
    error = writing.problem(runs)
    if error is not None:
        raise error


def _watch(looks: Runs, plan: Plan, runs: tuple[Column, ...], live: bool) -> None:
    writing.watch(runs, state().viewer)
    # Never in the page's own run: `st.rerun` throws away what was not sent yet.
    over = live and not looks.first and writing.finished(runs)
    if over and writing.problem(runs) is not None:
        select("write", None)  # or the page would try again at once, for ever
    svg = view.tree(runs, f"{len(runs)} runs of {plan.line}")
    words = view.summary(runs)
    picture(svg, key="decoding-tree", alt=words or "Runs being written")
    st.caption(plain(words))
    if over:
        st.rerun()
    if not live:
        _done(plan, runs, svg)


def _done(plan: Plan, runs: tuple[Column, ...], svg: str) -> None:
    share_menu("runs", svg=svg, data=lambda: view.table(runs), title=f"Runs of {plan.line}")
    first = list(dict.fromkeys(column.ids[0] for column in runs if column.tokens))
    task = plan.task
    logits = engine().following(task.model, task.ids, task.source)
    found = opened(
        logits,
        plan.line.sampling,
        task.ids,
        start=len(task.ids),
        also=first,
        ban=banned(engine().card(task.model)),
    )
    st.markdown("**The first token: chance against its odds**")
    bars = view.firsts(runs, found, lambda i: engine().texts(task.model, [i], "decoder")[0])
    picture(bars, key="decoding-firsts", alt=view.first_words(runs, found))
    st.caption(plain(view.first_words(runs, found)))
    share_menu("first-tokens", svg=bars, title="First tokens")
