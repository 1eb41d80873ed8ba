"""All finished hypotheses of the search with their scores, and the whole tree as a file."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.decoding.translation import Trace
from pages.shell.share import share_menu
from pages.translation import tables


def translation_list(trace: Trace) -> None:
    """Draw the n-best list."""
    search = trace.translation.search
    st.subheader("Finished hypotheses")
    count = len(trace.translation.found.hypotheses)
    if count > 1:
        st.segmented_control(
            "Tell the story of",
            range(1, count + 1),
            format_func=str,
            key="place",
            required=True,
            bind="query-params",
        )
    st.dataframe(tables.hypotheses(trace), hide_index=True, width="stretch")
    st.caption(
        f"Score = sum of log-probabilities ÷ tokens^{search.length_penalty:g} (the length "
        "penalty); the end mark counts, forced tokens do not. Save holds every node weighed."
    )
    share_menu("beam-tree", data=partial(tables.nodes, trace), title="Beam tree")
