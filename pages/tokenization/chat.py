"""A conversation as a chat model reads it: the template's marks around the turns, as tokens."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.errors import EmptyText
from engine.tokenizers.chat import Turn
from engine.values import Tokens
from pages.pictures import tokens as view
from pages.pictures.chips import chips, chips_drawing
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.share import share_menu
from pages.tokenization import recipes
from pages.tokenization.controls import ANSWER, ROLE, TURN, TURNS


def chat_template(choice: Choice) -> None:
    """Draw what becomes of the turns, then the editor."""
    turns = [Turn(str(ROLE[n].check()), str(TURN[n].check())) for n in range(int(TURNS.check()))]
    answer = bool(ANSWER.check())
    drawn = st.container()
    _editor(len(turns))
    if not any(turn.content for turn in turns):
        raise EmptyText("All turns are empty. Type what one of them says.")
    with drawn:
        _conversation(choice, turns, answer)


def _conversation(choice: Choice, turns: list[Turn], answer: bool) -> None:
    text = engine().conversation(choice.model, tuple(turns), answer)
    tokens = engine().bare(choice.model, text)
    legal = {f"t{i}" for i in range(len(tokens))} | {f"g{i}" for i in range(len(tokens))}
    locked = selection("token", lambda ids: ids in legal, name="token")
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        markup = chips.chips(tokens, last=view.WINDOW, roles=engine().roles(choice.model))
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
            python=partial(recipes.conversation, choice.model, turns, answer),
            svg=partial(chips_drawing.drawing, tokens, last=view.WINDOW),
            shown=False,
            data=lambda: view.columns(tokens),
            title="A conversation as tokens",
        )
    whole = st.expander("Rendered text and template", key="chat-rendered", on_change="rerun")
    if whole.open:
        whole.code(text, language=None, wrap_lines=True)
        whole.code(choice.card.template or "", language="jinja2", wrap_lines=True)


def _editor(count: int) -> None:
    st.caption("This view tokenizes the chat below; the other views use the text above.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        TURNS.draw()
        ANSWER.draw()
    for n in range(count):
        with st.container(horizontal=True, gap="small"):
            ROLE[n].draw()
            TURN[n].draw()


def _told(tokens: Tokens, turns: list[Turn], text: str) -> str:
    special = int(tokens.special.sum())
    said = sum(len(turn.content.strip()) for turn in turns)
    apart = f", {special} of them special" if special else ""
    turned = f"{len(turns)} turn{'' if len(turns) == 1 else 's'}"
    return (
        f"The template turns {turned} of {said:,} characters into a text of {len(text):,}: "
        f"{len(tokens):,} tokens{apart}. It marks who says what; the model was trained on "
        "conversations written in exactly this form."
    )
