"""A picture alone, for a page of somebody else's: `?embed=true`.

The page runs as it always does; a style sheet leaves of it the pictures of its view, what went
wrong, a title and the way to the whole app. Streamlit itself hides its own parts and follows
`embed_options=light_theme` or `dark_theme`. Which sites may show the app in a frame is the host's
to say (ATLAS_FRAME_ANCESTORS).
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shell.links import making
from pages.shell.state import state

LABEL = "Open in Transformer Atlas"
KEPT = (
    ".st-key-embed-head",
    ".st-key-embed-head *",
    "[data-testid=stAlert]",
    "[data-testid=stSpinner]",
)
_MAIN = "[data-testid=stMainBlockContainer]"
_HEAD = f"""<style>
[data-testid=stHeader], .st-key-atlas-top, .st-key-atlas-line, .st-key-atlas-about {{
  display: none; }}
{_MAIN} {{ padding: 0.6rem 0.8rem !important; }}
{_MAIN} [data-testid=stVerticalBlock] {{ gap: 0.4rem; }}
.st-key-embed-head {{ align-items: baseline; column-gap: 1rem; row-gap: 0; }}
.st-key-embed-head h1 {{ font-size: 1.2rem; padding: 0; }}
</style>"""
_REST = f"""<style>
{_MAIN} :is([data-testid=stElementContainer], [data-testid=stLayoutWrapper],
  [data-testid=stColumn]):not(:is(KEPT)):not(:has(KEPT)) {{ display: none; }}
{_MAIN} [data-testid=stColumn] {{ flex: 1 1 100% !important; width: 100% !important; }}
</style>"""


def is_embedded() -> bool:
    """Whether this page is shown in a page of somebody else's."""
    return bool(st.context.is_embedded)


def head(title: str) -> None:
    """Draw the title, leave the place of the way out, and hide the top of the page."""
    st.html(_HEAD)
    with st.container(horizontal=True, key="embed-head", horizontal_alignment="distribute"):
        st.title(title, width="content", anchor=False)
        state().link_place = st.empty()


def show(pictures: Sequence[str]) -> None:
    """Hide all but the pictures with these keys, or with keys that begin so."""
    if is_embedded():
        kept = [*KEPT, *(f'[class*="st-key-{key}"]' for key in pictures)]
        st.html(_REST.replace("KEPT", ", ".join(kept)))


def way_out() -> None:
    """The link to the whole app, at this very picture."""
    st.link_button(LABEL, making.long(), type="tertiary", icon=":material/open_in_new:")
