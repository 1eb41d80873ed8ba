"""A conversation as a chat model reads it: turns, the template's marks around them, the tokens."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.errors import EmptyText
from engine.tokenizers import chat
from engine.tokenizers.chat import Turn
from engine.values import Tokens
from pages.pictures import chips, chips_drawing
from pages.pictures import tokens as view
from pages.shell.address import typed
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, checked, plain, select, selection
from pages.shell.share import share_menu
from pages.shell.switch import switch

MOST = 6
LENGTH = 300  # characters of a turn
FIRST = (
    Turn("user", "What is the capital of France?"),
    Turn("assistant", "Paris."),
    Turn("user", "And of Italy?"),
)


def tokenization_chat(choice: Choice) -> None:
    """Draw the editor of turns and what becomes of them."""
    st.caption("Here the turns below are cut; the text above is that of the other views.")
    turns, answer = _turns()
    if not any(turn.content for turn in turns):
        raise EmptyText("All turns are empty. Type what one of them says.")
    text = engine().conversation(choice.model, tuple(turns), answer)
    tokens = engine().bare(choice.model, text)
    legal = {f"t{i}" for i in range(len(tokens))} | {f"g{i}" for i in range(len(tokens))}
    locked = selection("token", lambda ids: ids in legal, name="token")
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        markup = chips.chips(tokens, last=view.WINDOW)
        picture(
            markup,
            key="chat",
            alt=f"The conversation as {len(tokens)} tokens; those of the template stand out",
            locked=locked if locked and f'data-id="{locked}"' in markup else None,
            on_lock=partial(select, "token"),
        )
    with right:
        st.markdown(plain(_told(tokens, turns, text)))
        share_menu(
            "conversation",
            svg=partial(chips_drawing.drawing, tokens, last=view.WINDOW),
            shown=False,
            data=lambda: view.columns(tokens),
            title="A conversation as tokens",
        )
    with st.expander("The text that the model reads, and its template"):
        st.code(text, language=None, wrap_lines=True)
        st.code(choice.card.template or "", language="jinja2", wrap_lines=True)


def _turns() -> tuple[list[Turn], bool]:
    checked("turns", range(1, MOST + 1), default=len(FIRST), name="turns")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        count = st.number_input(
            "Turns", 1, MOST, key="turns", bind="query-params", value=len(FIRST), width=140
        )
        answer = switch(
            "answer",
            "Let the model answer",
            on=True,
            help="The template ends with the words after which the model is to write.",
        )
    turns = []
    for number in range(1, int(count) + 1):
        default = FIRST[number - 1] if number <= len(FIRST) else Turn(chat.ROLES[number % 2], "")
        checked(f"role{number}", list(chat.ROLES), default=default.role, name=f"role {number}")
        typed(f"turn{number}", default.content)
        with st.container(horizontal=True, gap="small"):
            role = st.selectbox(
                f"Role {number}",
                chat.ROLES,
                index=chat.ROLES.index(default.role),
                key=f"role{number}",
                bind="query-params",
                label_visibility="collapsed",
                width=140,
            )
            content = st.text_input(
                f"What turn {number} says",
                default.content,
                key=f"turn{number}",
                bind="query-params",
                max_chars=LENGTH,
                label_visibility="collapsed",
            )
        turns.append(Turn(role, content))
    return turns, answer


def _told(tokens: Tokens, turns: list[Turn], text: str) -> str:
    special = int(tokens.special.sum())
    said = sum(len(turn.content.strip()) for turn in turns)
    apart = f", {special} of them special ones, which nobody types" if special else ""
    return (
        f"{len(turns)} turns of {said:,} characters became a text of {len(text):,}: "
        f"{len(tokens):,} tokens{apart}. The template is how the model knows who spoke: it was "
        "trained on conversations written exactly so."
    )
