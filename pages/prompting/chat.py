"""A conversation through the model's own template, turn by turn, and the same words as plain text.

The answers are written anew from the messages, which a link carries: greedy, or by the seed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine import policy
from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.errors import TextTooLong
from engine.models.catalog import SUGGESTIONS
from engine.tokenizers.chat import Turn
from engine.values import Reading
from pages.prompting import recipes
from pages.prompting.columns import (
    RARELY,
    Asked,
    buttons,
    end_of_writing,
    refuse,
    wanted,
    written,
)
from pages.prompting.controls import LENGTH, LONGEST, SAID, SEED, SETTING, SYSTEM, line
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.fragments import Runs, fragment
from pages.shell.frame import Choice, sentences
from pages.shell.share import share_menu
from pages.shell.state import state

EVERY = 0.15  # seconds between two looks at an answer that grows
FIRST = 48  # new tokens at first
Last = tuple[Asked, tuple[Generated, ...], str]
"""What was asked last, its two texts, and the conversation as it was rendered."""


def prompting_chat(choice: Choice) -> None:
    """Draw the messages with the model's answers, or say why there are none."""
    system = str(SYSTEM.check())
    messages = [choice.text.strip(), *(str(control.check()).strip() for control in SAID)]
    told = list(_until_empty(messages))
    setting = line(str(SETTING.check()))
    most = policy.tokens_each(2, LONGEST)
    limit = int(LENGTH.check(range(1, most + 1), default=min(FIRST, most)))
    seed = int(SEED.check())
    if choice.card.template is None:
        _no_template(choice)
    else:
        with sentences():
            talk = _Talk(choice, system, setting, seed, limit)
            turns, last = talk.turns(told)
            live = last is not None and any(text.writing for text in last[1])
            fragment(_watch, _every() if live else None, told, turns, last, live)
            if last is not None:
                _below(talk, turns, last, live=live)
                refuse(last[1])
    _controls(told)


def _until_empty(messages: list[str]) -> list[str]:
    empty = next((k for k, one in enumerate(messages) if not one), len(messages))
    return messages[:empty]


def _every() -> float:
    return min(EVERY * max(1, engine().texts_under_way()), RARELY)


class _Talk:
    """What stays the same of a conversation while it goes on."""

    def __init__(self, choice: Choice, system: str, setting: Line, seed: int, limit: int) -> None:
        self.choice, self.system, self.setting = choice, system, setting
        self.seed, self.limit = seed, limit
        self.write = wanted()

    def turns(self, told: list[str]) -> tuple[list[Turn], Last | None]:
        """The turns with the answers that are whole, and the answer being written, if one is."""
        turns = [Turn("system", self.system)] if self.system.strip() else []
        last = None
        for message in told:
            turns.append(Turn("user", message))
            asked, rendered = self.asked(turns, message)
            texts = written(*asked, write=self.write)
            last = (asked, texts, rendered)
            if any(text.writing for text in texts) or not texts[0].end:
                break
            turns.append(Turn("assistant", texts[0].text.strip()))
        return turns, last

    def asked(self, turns: list[Turn], message: str) -> tuple[Asked, str]:
        """The conversation's end and the bare message, both to be continued in one batch."""
        model = self.choice.model
        rendered = engine().conversation(model, tuple(turns), True)
        ids = tuple(engine().bare(model, rendered).ids.tolist())
        plain_ids = tuple(engine().tokens(Reading(model, message)).ids.tolist())
        window, size = engine().window(model), max(len(ids), len(plain_ids))
        if size >= window:
            raise TextTooLong(
                f"The conversation has {size:,} tokens and the context window {window:,} "
                "positions, which leaves no room for an answer. Remove a message."
            )
        room = window - size
        task = Task(model, ids, seed=self.seed, limit=min(self.limit, room))
        return (task, (self.setting, replace(self.setting, prompt=plain_ids))), rendered


def _watch(
    runs: Runs,
    told: list[str],
    turns: list[Turn],
    last: Last | None,
    live: bool,
) -> None:
    texts: tuple[Generated, ...] = ()
    if last is not None:
        (task, lines), texts, _ = last
        if live and not runs.first:
            texts = engine().look(task, lines, viewer=state().viewer)
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        st.markdown("**As a conversation**")
        for turn in turns:
            _bubble(turn.role, turn.content)
        if texts and turns[-1].role == "user":
            _bubble("assistant", texts[0].text.strip() + (" …" if texts[0].writing else ""))
        if not told:
            st.caption("No message yet: the question above is the first one.")
    with right:
        st.markdown("**The last message as plain text**")
        if texts:
            st.code(told[_reached(turns) - 1] + texts[1].text, language=None, wrap_lines=True)
    if live and not runs.first:
        end_of_writing(texts)


def _reached(turns: list[Turn]) -> int:
    return sum(turn.role == "user" for turn in turns)


def _bubble(role: str, content: str) -> None:
    icons = {"user": ":material/person:", "assistant": ":material/smart_toy:"}
    with st.chat_message(role, avatar=icons.get(role, ":material/tune:")):
        st.text(content or "…")


def _below(talk: _Talk, turns: list[Turn], last: Last, *, live: bool) -> None:
    asked, texts, rendered = last
    with st.container(horizontal=True, gap="small"):
        buttons(asked, texts, live=live)
    if live:
        return
    st.caption(plain(said(talk, rendered, texts)))
    as_read = st.expander(
        "The conversation as the model reads it", key="chat-as-read", on_change="rerun"
    )
    if as_read.open:
        as_read.code(rendered, language=None, wrap_lines=True)
    share_menu(
        "chat",
        python=partial(recipes.conversation, turns, asked),
        data=lambda: table(turns),
        title="A conversation",
    )


def said(talk: _Talk, rendered: str, texts: tuple[Generated, ...]) -> str:
    """How much of the window the conversation takes, and how the two answers ended."""
    tokens = len(engine().bare(talk.choice.model, rendered))
    used = f"{tokens:,} of {engine().window(talk.choice.model):,} positions"
    ends = {
        "end": "ended by itself",
        "limit": "was cut at the limit",
        "window": "filled the window",
    }
    first, second = (ends.get(text.end, "was stopped") for text in texts)
    return (
        f"The conversation takes {used}. The answer {first} after {len(texts[0].tokens)} tokens; "
        f"the plain text {second} after {len(texts[1].tokens)}."
    )


def table(turns: list[Turn]) -> dict[str, list[Any]]:
    """The conversation, one row a turn."""
    return {
        "turn": list(range(1, len(turns) + 1)),
        "role": [turn.role for turn in turns],
        "text": [turn.content for turn in turns],
    }


def _controls(told: list[str]) -> None:
    SYSTEM.draw()
    for control in SAID[: max(1, len(told))]:
        control.draw()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        SETTING.draw()
        LENGTH.draw()
        SEED.draw()


def _no_template(choice: Choice) -> None:
    real = next(one for one in SUGGESTIONS if "Instruct" in one.title)
    st.info(
        plain(
            f"{choice.card.title} has no chat template: it was not trained on conversations, so "
            f"that no marks tell it who speaks. Add a model that was, such as {real.title} "
            f"({real.name}), and choose it above; the other views work with any model."
        ),
        icon=":material/forum:",
    )
    st.page_link("app.py", label="Add a model on Home", icon=":material/add:")
