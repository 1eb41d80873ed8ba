"""Preference: completions scored by a ready judge or by a reward learnt from choices; best of n."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.preference.choices import Pair
from engine.preference.judges import Judge
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud
from pages.training.preference import choosing, controls, judging, recipes, setup, words
from pages.training.preference import picture as view
from pages.training.preference.plan import Plan, Scored, curve_table, samples_table

PROMPT = '"Good morning," said the king. The boy answered: "'
"""The prompt that the view begins with: its completions end with the speech."""
DISTRIBUTION, CURVE, VERDICTS = (
    "preference-distribution", "preference-curve", "preference-judge",
)  # fmt: skip


def training_preference(choice: Choice) -> None:
    """Draw what is scored, chosen and learnt; words first, then pictures, options below."""
    offered = engine().judges(choice.model)
    legal = tuple(controls.REWARDS) if offered else (controls.LEARNED,)
    kind = str(controls.REWARD.check(legal))
    asked = setup.plan(choice)
    made = choosing.choices(asked)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controls.REWARD.draw()
        controls.SECOND.draw()
    controls.N.draw()
    if not offered:
        st.caption(
            plain(
                f"The ready judge reads the states of tales-gpt alone, and this is "
                f"{choice.card.title}: it can learn from your choices."
            )
        )
    texts = setup.written(asked)
    if texts is not None:
        judge = offered[0] if kind == controls.JUDGE else None
        won: tuple[Pair, ...] = ()
        if judge is None:
            choosing.chooser(asked, texts, made)
            won = choosing.won(texts, made)
        ids = [text.ids for text in texts]
        task = asked.task
        if judge is not None:
            rewards = judge.values(engine().representations(task.model, task.ids, ids))
            axis = f"reward (log-odds of {judge.positive})"
        else:
            reward = engine().learned_reward(task.model, task.ids, ids, won)
            rewards = reward.values(engine().representations(task.model, task.ids, ids))
            axis = "reward (log-odds, your choices)"
        scored = Scored(asked, texts, rewards, axis, judge is not None)
        if judge is not None or won:
            _best_of_n(scored, judge, won)
        else:
            st.caption(plain(words.curve_said(scored)))
        if judge is not None:
            _judge(choice.model, judge)
    setup.draw_options()
    st.caption(words.NOT_PPO)


def _best_of_n(scored: Scored, judge: Judge | None, won: tuple[Pair, ...]) -> None:
    asked: Plan = scored.plan
    st.markdown("**Best of n by this reward**")
    _before_and_after(scored)
    left, right = st.columns(2, gap="small")
    given = (asked.task, asked.lines)
    with left:
        said = words.distribution_said(scored)
        _caption(DISTRIBUTION, said)
        picture(view.distribution(scored, said), key=DISTRIBUTION, alt=said)
        table = partial(samples_table, scored)
        share_menu(
            DISTRIBUTION,
            python=partial(recipes.distribution, *given, asked.n, judge, won),
            svg=lambda: view.distribution_wide(scored, said),
            shown=False,
            data=table,
            title="Rewards of one draw and of the best of n",
        )
        read_aloud(DISTRIBUTION, table)
    with right:
        told = words.curve_said(scored)
        _caption(CURVE, told)
        picture(view.curve(scored, told), key=CURVE, alt=told)
        table = partial(curve_table, scored)
        share_menu(
            CURVE,
            python=partial(recipes.curve, *given, scored.numbers, asked.second.name, judge, won),
            svg=lambda: view.curve_wide(scored, told),
            shown=False,
            data=table,
            title="Reward, second measure and KL against n",
        )
        read_aloud(CURVE, table)


def _before_and_after(scored: Scored) -> None:
    """One draw and the best of the first n, as texts with their figures."""
    n, measure = scored.plan.n, scored.plan.second
    pairs = (("One draw (n = 1)", scored.first()), (f"Best of {n}", scored.kept()))
    with st.container(key=f"{DISTRIBUTION}-texts"):
        sides = st.columns(2, gap="large")
    for side, (name, text) in zip(sides, pairs, strict=True):
        reward = scored.rewards[scored.texts.index(text)]
        with side, st.container(border=True):
            st.markdown(f"**{name}** &nbsp; {choosing.shown(text)}")
            st.caption(
                plain(
                    f"reward {words.number(float(reward))}; {measure.name} "
                    f"{words.number(measure.of(text))} {measure.unit}"
                )
            )


def _caption(picture_key: str, said: str) -> None:
    """The words beside a picture, covered with it where a lesson asks one to guess first."""
    with st.container(key=f"{picture_key}-words"):
        st.caption(plain(said))


def _judge(model: str, judge: Judge) -> None:
    scores = engine().judged(model, judge.name, [one.text for one in judge.tricky]).tolist()
    said = words.judge_said(judge, scores)
    st.markdown("**What the judge gets wrong**")
    _caption(VERDICTS, said)
    picture(judging.verdicts(judge, scores, said), key=VERDICTS, alt=said)

    def table() -> dict[str, list[object]]:
        return {
            "sentence": [one.text for one in judge.tricky],
            "score": scores,
            "positive": [one.positive for one in judge.tricky],
            "right": [(s > 0) == one.positive for s, one in zip(scores, judge.tricky, strict=True)],
            "why": [one.why for one in judge.tricky],
        }

    share_menu(
        VERDICTS,
        python=partial(recipes.verdicts, model, judge.name),
        svg=lambda: judging.verdicts_wide(judge, scores, said),
        shown=False,
        data=table,
        title="What the judge makes of tricky sentences",
    )
    read_aloud(VERDICTS, table)
