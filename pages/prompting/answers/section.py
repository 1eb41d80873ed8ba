"""Probability of each admissible answer, and the curve of the right one over the examples."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from engine.errors import NotOffered
from engine.prompting.prompt import shuffled
from pages.prompting import recipes
from pages.prompting.answers import picture as view
from pages.prompting.columns import check
from pages.prompting.controls import ORDERS
from pages.prompting.curve import Series, curve
from pages.prompting.plan import Plan
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

OTHERS = 6  # shuffled orders shown beside
TITLE = "Right answer against number of examples"


def prompting_answers(plan: Plan) -> None:
    """Draw the bars, what is seen in them, and the curve."""
    orders = bool(ORDERS.check())
    check(plan)
    if not plan.answers:
        raise NotOffered("No admissible answer is given. Type some below, separated by |.")
    counts, every = plan.counts, plan.every
    with st.spinner(f"Scoring {len(plan.answers)} answers after {len(counts)} prompts"):
        scores = engine().answer_scores(
            plan.model, [plan.prompt] * len(counts), list(counts), plan.answers
        )
    svg = view.bars(scores, counts, plan.answers, plan.right)
    words = view.said(scores, counts, plan.answers, plan.right)
    picture(svg, key="prompting-answers", alt=words or "Probability of each answer")
    st.caption(plain(words))
    share_menu(
        "answers",
        python=partial(recipes.answers, plan.model, plan.prompt, counts, plan.answers),
        svg=svg,
        data=lambda: view.table(scores, counts, plan.answers),
        title="Probability of each answer",
    )
    read_aloud("answers", lambda: view.table(scores, counts, plan.answers))
    if plan.right is None:
        st.caption("Choose the right answer below to see its curve.")
    else:
        _curve(plan, every, orders=orders)


def _curve(plan: Plan, every: tuple[int, ...], *, orders: bool) -> None:
    place = plan.answers.index(str(plan.right))
    others = [shuffled(plan.listed, "order", plan.seed + k) for k in range(OTHERS * orders)]
    prompts = [plan.prompt, *others]
    with st.spinner(f"Scoring the answers after {len(prompts) * len(every)} prompts"):
        found = engine().answer_scores(
            plan.model,
            [one for one in prompts for _ in every],
            [count for _ in prompts for count in every],
            plan.answers,
        )
    shape = (len(prompts), len(every))
    raw = found.raw[:, place].reshape(shape)
    share = found.normalized[:, place].reshape(shape)
    words = view.half(every, raw[0].tolist(), what="probability")
    if orders and len(every) > 1:
        words += spread(share[1:], every)
    svg = curve(
        every,
        [Series("raw probability", raw[0].tolist()),
         Series("share among the admissible answers", share[0].tolist())],
        up="right answer",
        title=TITLE,
        said=words,
        chance=1 / len(plan.answers),
        faint=share[1:].tolist(),
        fainted=f"share in {OTHERS} other orders",
    )  # fmt: skip
    picture(svg, key="prompting-curve", alt=words)
    st.caption(plain(words))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        ORDERS.draw()
        table = {"examples": list(every), "raw": raw[0], "normalized": share[0]}
        table |= {f"order_{k}": row for k, row in enumerate(share[1:], 1)}
        share_menu(
            "prompting-curve",
            python=partial(recipes.curve, plan.model, prompts, every, plan.answers, place),
            svg=svg,
            data=table,
            title=TITLE,
        )


def spread(shares: np.ndarray, every: tuple[int, ...]) -> str:
    """How far other orders of the same examples lie apart: where they do most."""
    apart = shares.max(axis=0) - shares.min(axis=0)
    worst = int(apart.argmax())
    low, high = 100 * shares[:, worst].min(), 100 * shares[:, worst].max()
    return (
        f" In {len(shares)} other orders its share among the answers with {every[worst]} "
        f"example{'' if every[worst] == 1 else 's'} goes from {low:.0f} % to {high:.0f} %."
    )
