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
    """Say which pictures a view has; alone or presented, hide all but these.

    Their keys are these, or begin so.
    """
    here = state()
    here.pictures, bare = tuple(pictures), here.bare
    if is_embedded():
        leave(pictures)
    elif bare is not None:
        bare(pictures)


def leave(pictures: Sequence[str], also: Sequence[str] = ()) -> None:
    """Hide all but these pictures, what went wrong, and what else has one of these keys."""
    own = [f'[class*="st-key-{key}"]' for key in pictures] + [f".st-key-{key}" for key in also]
    kept = [*KEPT, *own, *(f"{one} *" for one in own)]
    st.html(_REST.replace("KEPT", ", ".join(kept)))


def way_out() -> None:
    """The link to the whole app, at this very picture."""
    st.link_button(LABEL, making.long(), type="tertiary", icon=":material/open_in_new:")
