"""Decoding: one prompt, several ways to choose the next token, side by side."""

import streamlit as st

from pages.decoding.columns.section import decoding_columns, decoding_write
from pages.decoding.fill_mask import decoding_gap
from pages.decoding.logit_lens import decoding_lens
from pages.decoding.next_token.section import decoding_next
from pages.decoding.runs.section import decoding_runs
from pages.decoding.setup import decoding_setup
from pages.decoding.tree.section import decoding_tree
from pages.shell.frame import Choice, frame, sentences


def write(choice: Choice) -> None:
    """Columns or runs on top, the next token below; the sheet is drawn last, when it has text."""
    plan, buttons = decoding_setup(choice)
    columns, live = decoding_write(plan, plan.wanted, buttons)
    sheet = st.container()
    st.divider()
    column = columns[0 if plan.runs else plan.column]
    decoding_lens(plan, decoding_next(plan, column), column)
    with sheet:
        if plan.runs:
            decoding_runs(plan, columns, live)
        else:
            decoding_columns(plan, columns, live)
            decoding_tree(plan, columns, live)


choice = frame("Decoding", families=("decoder", "encoder-decoder", "encoder"), text_label="Prompt")
with sentences():
    if choice.card.family == "encoder":
        plan, gap = decoding_gap(choice)
        decoding_lens(plan, decoding_next(plan, gap), None)
    else:
        write(choice)
