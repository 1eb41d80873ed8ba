"""The Share panel: a short link, its QR code, the lines that embed it, and what is in it.

Nothing is stored before somebody asks for the link. The panel runs alone, and looks at the page's
values when it is opened, as parts of a page change them without a run of the page.
"""

from __future__ import annotations

import streamlit as st

from engine.errors import EngineError
from engine.links.state import SharedState
from engine.settings import settings
from pages.pictures.svg import esc
from pages.shell import components
from pages.shell.address import plain
from pages.shell.controls import REGISTRY
from pages.shell.lesson.own.adding import add_to_lesson, after_adding
from pages.shell.links import making
from pages.shell.links.qr import qr_code, qr_image
from pages.shell.state import state

KEPT = (
    "The text, the model's name and the controls are stored on this server for whoever has the "
    "link, until nobody has opened it for two years. Results are not: they are computed again."
)
LONG = "The long link needs nothing stored."
LONG_TEXT = "The long link leaves the text out, as it has {count:,} characters."
SAME_SITE = (
    "Other sites cannot show this app in a frame: its host allows them by ATLAS_FRAME_ANCESTORS."
)
TALL, LEAST, MOST = 560, 200, 2000  # pixels


@st.fragment
def share_panel() -> None:
    """The button and, once it is opened, the panel."""
    panel = st.popover("Share", icon=":material/share:", key="share-panel", on_change="rerun")
    if not panel.open:
        after_adding()
        return
    with panel:
        try:
            shared = making.current()
        except EngineError as error:
            st.error(plain(str(error)))
            return
        name = _short_link(shared)
        _long_link(shared)
        if name:
            _embedding(name, shared)
        add_to_lesson()
        with st.expander("What is in this link"):
            st.html(_contents(shared))


def _short_link(shared: SharedState) -> str | None:
    """The short link of what the page shows, or the button that makes it."""
    here = state()
    if here.made is None or here.made[1] != shared:
        st.button("Create short link", type="primary", on_click=making.make, width="stretch")
        if here.made_problem:
            st.error(plain(here.made_problem), icon=":material/info:")
        st.caption(KEPT)
        return None
    name = here.made[0]
    link = making.short(name)
    components.field(link, key="share-short", label="Short link")
    if making.here_only(link):
        st.caption(making.HERE_ONLY)
    st.html(qr_image(link, "QR code of the short link"))
    st.download_button(
        "QR code (SVG)",
        qr_code(link),
        f"link-{name}.svg",
        key="share-qr",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
    )
    return name


def _long_link(shared: SharedState) -> None:
    link = making.long()
    components.field(link, key="share-long", label="Long link")
    st.caption(LONG if "text" in _said(link) else LONG_TEXT.format(count=len(shared.text)))


def _said(link: str) -> set[str]:
    return {part.partition("=")[0] for part in link.partition("?")[2].split("&")}


def _embedding(name: str, shared: SharedState) -> None:
    with st.expander("Embed in a web page"):
        theme = st.segmented_control(
            "Colors", making.THEMES, default="Automatic", required=True, key="share-theme"
        )
        height = int(
            st.number_input("Height in pixels", LEAST, MOST, TALL, step=20, key="share-height")
        )
        title = f"{shared.page} · Transformer Atlas"
        lines = making.snippet(name, theme, height, title)
        components.field(lines, key="share-embed", label="HTML", rows=4)
        allowed = settings().frame_ancestors.split()
        if set(allowed) <= {"'self'", "'none'"}:
            st.caption(SAME_SITE)
        own = making.own_base()
        # The preview is the app in a frame of its own: a browser refuses it where that is not said.
        if {"'self'", "*", making.origin(own)} & set(allowed):
            address = making.embed_address(name, theme, start=own)
            st.iframe(address, height=height, alt="Preview")


def _contents(shared: SharedState) -> str:
    """A table of all that a link says."""
    model = shared.model + (f" ({shared.digest[:10]})" if shared.digest else "")
    count = len(shared.text)
    text = shared.text if count <= 300 else f"{shared.text[:299]}… ({count:,} characters)"
    labels = {name.lower(): control.label for name, control in REGISTRY.items()}
    rows = [("Page", shared.page), ("Model", model), ("Text", text)]
    for key, values in shared.controls.items():
        label = labels.get(f"{shared.page}.{key}".lower(), key)
        rows.append((label, ", ".join(values) or "none"))
    lines = "".join(
        f'<tr><th scope="row">{esc(name)}</th><td>{esc(value)}</td></tr>' for name, value in rows
    )
    return f"""<style>.in-link {{ border-collapse: collapse; width: 100%; font-size: 0.85rem; }}
.in-link th, .in-link td {{ text-align: left; vertical-align: top; padding: 0.25rem 0.4rem;
  border-bottom: 1px solid var(--st-border-color); overflow-wrap: anywhere; font-weight: 400; }}
.in-link th {{ opacity: 0.75; width: 40%; }}</style>
<table class="in-link"><tbody>{lines}</tbody></table>"""
