"""Prompting: what is chosen, and its views.

What one sees: the same question after no, one, two, three and five solved examples, each answered
live in a column of its own; what one does: change, add, move, remove an example, or the words
around it; what one has understood in the end: the model learnt nothing, the text before the
question changed; examples say which words are wanted, and how much they help is a number with an
interval, which falls apart where order or labels are dealt anew.
"""

from __future__ import annotations

import streamlit as st

from pages.prompting import controls, recipes
from pages.prompting.accuracy.section import prompting_accuracy
from pages.prompting.answers.section import prompting_answers
from pages.prompting.builder import builder
from pages.prompting.chat import prompting_chat
from pages.prompting.columns import prompting_columns
from pages.prompting.sent import prompt_as_sent
from pages.prompting.setup import first_question, plan, settle, suits, taken
from pages.prompting.sources.section import prompting_sources
from pages.shell.frame import frame, sentences
from pages.shell.views import View, choose_view

BUILT = (
    *(controls.TASK, *controls.TEXTS, controls.RIGHT, controls.SHUFFLE, controls.SEED),
    *(controls.LENGTH, controls.SETTING, controls.STOP),
)
VIEWS = (
    View(
        "Columns",
        prompting_columns,
        BUILT,
        ("decoder",),
        ("prompting-sheet",),
        recipes=(recipes.columns, recipes.window),
    ),
    View(
        "Answers",
        prompting_answers,
        (*BUILT, controls.ORDERS),
        ("decoder",),
        ("prompting-answers", "prompting-curve"),
        recipes=(recipes.answers, recipes.curve, recipes.window),
    ),
    View(
        "Accuracy",
        prompting_accuracy,
        (*BUILT, controls.ITEMS),
        ("decoder",),
        ("accuracy",),
        recipes=(recipes.graded, recipes.window),
    ),
    View(
        "Attention",
        prompting_sources,
        (*BUILT, controls.HEAD),
        ("decoder",),
        ("sources",),
        recipes=(recipes.heads, recipes.sources, recipes.window),
    ),
    View(
        "Chat",
        prompting_chat,
        (
            controls.TASK,
            controls.SYSTEM,
            *controls.SAID,
            controls.SEED,
            controls.SETTING,
            controls.LENGTH,
        ),
        ("decoder",),
        ("chat-",),
        recipes=(recipes.conversation,),
    ),
)


def page() -> None:
    """Draw the page: the picture first, the builder below it, then the prompt as it is sent."""
    choice = frame(
        "Prompting",
        families=("decoder",),
        text_label="Question",
        default_text=first_question(),
    )
    with sentences():
        task = settle()
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            controls.TASK.draw(on_change=taken)
            view = choose_view(VIEWS, choice.card.family)
        if view.draw is prompting_chat:
            prompting_chat(choice)
            return
        asked = plan(choice, task)
        with sentences():
            view.draw(asked)
        suits(choice, task)
        left, right = st.columns([1.15, 1], gap="large")
        with left:
            builder(asked)
        with right, sentences():
            prompt_as_sent(asked)
