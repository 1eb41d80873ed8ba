"""How a lesson leaves: as a file that anybody can open, or as a link to a copy of it.

A link's lesson is stored as the file is, under an id that follows from it: who changes the lesson
afterwards shares another link.
"""

from __future__ import annotations

import streamlit as st

from engine.learn.authoring import file_name, written
from engine.learn.drafts import Draft
from engine.links.state import SharedState
from engine.links.store import links
from pages.shell import components
from pages.shell.address import plain
from pages.shell.lesson.own import acts, shelf
from pages.shell.links import making
from pages.shell.links.qr import qr_image

STORED = (
    "The lesson is stored on this server for whoever has the link, until nobody has opened it for "
    "two years. Changes made later are not in it."
)


def leaving(name: str, draft: Draft, place: str) -> None:
    """What a popover offers; `place` tells its keys from those of other places."""
    lacks = acts.missing(name, draft)
    if lacks:
        st.caption(f"Before it can be saved or shared: {plain(lacks)}")
        return
    text = written(draft)
    st.download_button(
        "Save as a file",
        text,
        file_name(draft.title),
        mime="application/toml",
        key=f"own-save-{place}",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
    )
    shared = shelf.own().shared.get(name)
    if shared is None or shared[1] != text:
        st.button(
            "Share as a link",
            key=f"own-share-{place}",
            icon=":material/link:",
            width="stretch",
            on_click=share,
            args=(name,),
        )
        st.caption(STORED)
        return
    link = making.short(shared[0])
    components.field(link, key=f"own-link-{place}", label="Link to the lesson")
    st.html(qr_image(link, "QR code of the lesson"))
    if making.here_only(link):
        st.caption(making.HERE_ONLY)


@acts.act
def share(name: str) -> None:
    """Store a lesson as it is now (a callback)."""
    here = shelf.own()
    draft = here.drafts[name]
    lesson = shelf.lesson(name, draft)
    text = written(draft)
    first = lesson.steps[0]
    stored = links().put(
        SharedState(first.page, "", first.model, lesson=text), new=making.count_new
    )
    here.shared[name] = (stored, text)


def said() -> None:
    """Draw why the last act was refused."""
    if shelf.own().said:
        st.error(plain(shelf.own().said), icon=":material/info:")
