"""The glossary: terms by group or by a search, each with its sentence, its picture, its lesson."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.learn.glossary import LONGEST, Term, found, terms
from engine.learn.reader import shipped
from pages.shell.address import plain
from pages.shell.frame import sentences
from pages.shell.lesson.course import query_of
from pages.shell.menu import FILES


@st.fragment
def glossary() -> None:
    """Draw it; a search or another group runs this part alone."""
    with sentences():
        st.subheader("Glossary", anchor="glossary")
        search = st.text_input(
            "Search the glossary",
            key="glossary-search",
            max_chars=LONGEST["name"],
            placeholder="softmax",
            type="search",
            live=True,
            width=360,
        )
        groups = list(dict.fromkeys(term.group for term in terms().values()))
        if search.strip():
            _listed(found(search), f"that match “{search.strip()}”")
            return
        group = st.pills("Group", groups, default=groups[0], required=True, key="glossary-group")
        _listed([term for term in terms().values() if term.group == group], f"in “{group}”")


def _listed(chosen: Sequence[Term], where: str) -> None:
    count = f"{len(chosen)} of {len(terms())} terms"
    st.caption(plain(f"{count} {where}." if chosen else f"No terms {where}."))
    for term in chosen:
        lesson = shipped()[term.lesson]
        step = lesson.steps[term.step - 1]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(term.name)}:** {plain(term.says, LONGEST['says'])}", width=620)
            st.page_link(
                FILES[step.page],
                label=f"See {plain(term.name)}",
                icon=":material/image:",
                query_params=dict(step.state),
                width="content",
            )
            st.page_link(
                FILES[step.page],
                label=f"Lesson {term.lesson}",
                icon=":material/school:",
                query_params=query_of(lesson, term.step),
                width="content",
            )
