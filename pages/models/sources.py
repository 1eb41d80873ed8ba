"""Where the figures of a view are from, as links that are drawn when somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.landscape.sources import Source
from pages.shell.address import plain


def sources(name: str, found: Sequence[tuple[str, Sequence[Source]]]) -> None:
    """A folded list: what each figure is about, and the papers it is from; `name` is unique."""
    place = st.expander("Sources", on_change="rerun", key=f"sources-{name}")
    if place.open:
        with place:
            st.markdown(
                "\n".join(f"- {plain(about)}: {linked(own)}" for about, own in found if own)
            )


def linked(found: Sequence[Source]) -> str:
    """Sources as links, each under its own name: `[arXiv 1810.04805](https://...)`."""
    # A link was checked where it was read: it has no bracket, blank or quote.
    return ", ".join(f"[{plain(one.name)}]({one.link})" for one in found)
