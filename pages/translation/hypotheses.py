"""All finished hypotheses of the search with their scores, and the whole tree as a file."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.decoding.translation import Trace
from pages.shell.share import share_menu
from pages.translation import controls, recipes, tables


def hypothesis_list(trace: Trace) -> None:
    """Draw the n-best list."""
    search = trace.translation.search
    st.subheader("Finished hypotheses")
    count = len(trace.translation.found.hypotheses)
    if count > 1:
        controls.HYPOTHESIS.draw()
    st.dataframe(tables.hypotheses(trace), hide_index=True, width="stretch")
    st.caption(
        f"Score = sum of log-probabilities ÷ tokens^{search.length_penalty:g} (the length "
        "penalty); the end token counts, forced tokens do not. “Save” has every node of the search."
    )
    share_menu(
        "beam-tree",
        python=partial(recipes.beam_tree, trace),
        data=partial(tables.nodes, trace),
        title="Beam tree",
    )
