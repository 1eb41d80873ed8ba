"""Decoding: one prompt, several ways to choose the next token, side by side."""

import streamlit as st

from pages.sections.decoding_columns import decoding_columns, decoding_write
from pages.sections.decoding_next import decoding_next
from pages.sections.decoding_runs import decoding_runs
from pages.sections.decoding_setup import decoding_setup
from pages.shell.frame import frame, sentences

choice = frame("Decoding", families=("decoder",), text_label="Prompt")
with sentences():
    plan, buttons = decoding_setup(choice)
    columns, live = decoding_write(plan, plan.wanted, buttons)
    sheet = st.container()
    st.divider()
    decoding_next(plan, columns[0 if plan.runs else plan.column])
    with sheet:
        if plan.runs:
            decoding_runs(plan, columns, live)
        else:
            decoding_columns(plan, columns, live)
