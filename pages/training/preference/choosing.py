"""Pairs of completions and what one chooses of them: by button or key, undone, cleared.

Choices are letters in the session and the link, one a pair. They are about these completions: where
others are drawn they are left behind, which is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from engine.decoding.generated import Generated
from engine.preference.choices import NEITHER, A, B, Pair, decided, pairs, read_choices
from pages.shell import address
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.share import share_menu
from pages.shell.state import state
from pages.shell.tables import read_aloud
from pages.training.preference import recipes
from pages.training.preference.controls import CHOICES
from pages.training.preference.judging import learning, learning_wide
from pages.training.preference.plan import Plan, Told
from pages.training.preference.words import learning_said

OF = "preference-choices-of"
KEY = "preference-learning"


def choices(asked: Plan) -> str:
    """The choices so far, of these very completions; to be called in every run of the page."""
    own, here = (asked.task, asked.lines[0]), state()
    seen = here.seen.get(CHOICES)
    made = address.kept(CHOICES, read_choices, name="Choices") or ""
    by_link = here.seen.get(CHOICES) != seen
    if made and st.session_state.get(OF, own) != own and not by_link:
        address.keep(CHOICES, None)
        address.put(CHOICES, None)
        st.info(
            f"These are other completions: your {len(made)} choices were about those before and "
            "are left behind.",
            icon=":material/info:",
        )
        made = ""
    st.session_state[OF] = own
    return made


def won(texts: Sequence[Generated], made: str) -> tuple[Pair, ...]:
    """Who won (winner, loser), pair by pair."""
    return decided(pairs([text.text for text in texts]), made)[0]


def chooser(asked: Plan, texts: tuple[Generated, ...], made: str) -> None:
    """The next pair with its buttons; what the reward expected of the choices so far."""
    every = pairs([text.text for text in texts])
    if not every:
        st.info(
            f"All {len(texts)} completions are equal pair by pair: there is nothing to choose. Ask "
            "for more new tokens, or a decoding that samples more widely.",
            icon=":material/info:",
        )
        return
    made = made[: len(every)]
    place = len(made)
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        _pair(every, texts, made, place)
        equal = len(texts) // 2 - len(every)
        if equal > 0:
            st.caption(f"{equal} pairs have two equal completions and are left out.")
    with right:
        _learned(asked, texts, made)


def _pair(every: Sequence[Pair], texts: Sequence[Generated], made: str, place: int) -> None:
    if place >= len(every):
        st.markdown(f"**All {len(every)} pairs are decided**")
    else:
        st.markdown(f"**Pair {place + 1} of {len(every)}: which one do you prefer?**")
        sides = st.columns(2)
        for letter, side, at in zip((A, B), sides, every[place], strict=True):
            with side, st.container(border=True):
                st.markdown(f"**{letter.upper()}** &nbsp; {shown(texts[at])}")
    with st.container(horizontal=True, gap="small"):
        for letter, name, key in ((A, "Prefer A", "1"), (B, "Prefer B", "2"),
                                  (NEITHER, "Cannot say", "0")):  # fmt: skip
            st.button(
                name,
                key=f"preference-{letter}",
                shortcut=key,
                type="secondary" if letter == NEITHER else "primary",
                disabled=place >= len(every),
                on_click=_choose,
                args=(made + letter,),
            )
        st.button("Undo", key="preference-undo", icon=":material/undo:", shortcut="u",
                  disabled=not made, on_click=_choose, args=(made[:-1],))  # fmt: skip
        st.button("Clear", key="preference-clear", icon=":material/delete:", disabled=not made,
                  on_click=_choose, args=("",))  # fmt: skip


def shown(text: Generated) -> str:
    """A completion as Markdown that obeys nothing in it; an empty one is said to be."""
    return plain(text.text) if text.text.strip() else "*(empty)*"


def told(asked: Plan, texts: Sequence[Generated], made: str) -> tuple[Told, ...]:
    """What the reward of the choices before gave each choice."""
    task, ids = asked.task, [text.ids for text in texts]
    winners, _ = decided(pairs([text.text for text in texts]), made)
    vectors = engine().representations(task.model, task.ids, ids)
    found = []
    for place, (winner, loser) in enumerate(winners):
        reward = engine().learned_reward(task.model, task.ids, ids, winners[:place])
        doubt = reward.doubt(vectors[winner] - vectors[loser])
        pair = (min(winner, loser), max(winner, loser))
        found.append(Told(pair, (winner, loser), doubt.probability, doubt.low, doubt.high))
    return tuple(found)


def _learned(asked: Plan, texts: Sequence[Generated], made: str) -> None:
    with st.spinner("Learning from your choices"):  # the first time a library is loaded for it
        found = told(asked, texts, made)
    _, sides = decided(pairs([text.text for text in texts]), made)
    said = learning_said(found, sides)
    st.markdown("**What the reward gave your choices**")
    st.caption(plain(said))
    if not found:
        return
    picture(learning(found, said), key=KEY, alt=said)
    table = partial(_table, found, texts)
    share_menu(
        KEY,
        python=partial(recipes.learning, asked.task, asked.lines, [one.won for one in found]),
        svg=lambda: learning_wide(found, said),
        shown=False,
        data=table,
        title="What the reward gave your choices",
    )
    read_aloud(KEY, table)


def _table(found: Sequence[Told], texts: Sequence[Generated]) -> dict[str, list[object]]:
    return {
        "chosen": [texts[one.won[0]].text for one in found],
        "other": [texts[one.won[1]].text for one in found],
        "probability": [one.probability for one in found],
        "low": [one.low for one in found],
        "high": [one.high for one in found],
    }


def _choose(made: str) -> None:
    address.keep(CHOICES, made or None)
