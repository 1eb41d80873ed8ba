"""A text field that follows while somebody types: `st.text_area` reports only when it is left.

In: the text as the server knows it. Out: what was typed, through a callback, after a pause of 150
milliseconds. The browser keeps what was typed after that, whatever an older run sends back.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.components.v2 import component

from pages.shell.components import script, styles


def textbox(
    text: str,
    *,
    key: str,
    label: str,
    limit: int,
    on_text: Callable[[str], None],
    placeholder: str = "",
    height: int = 84,
) -> None:
    """Draw the field; `on_text(typed)` is called before the run that follows each pause.

    `limit` is the most characters taken, `height` in pixels.
    """

    def typing() -> None:
        typed = _typed(key).get("text")
        if isinstance(typed, str):
            on_text(typed[:limit])

    seq = _typed(key).get("seq")
    _textbox(
        key=key,
        data={
            "text": text,
            "seq": seq if isinstance(seq, int) else 0,
            "label": label,
            "placeholder": placeholder,
            "height": height,
            "limit": limit,
        },
        on_typed_change=typing,
    )


def _typed(key: str) -> dict[str, object]:
    """What the field last reported: `{"text": .., "seq": ..}` or nothing."""
    typed = dict(st.session_state.get(key) or {}).get("typed")
    return typed if isinstance(typed, dict) else {}


_textbox = component(
    "atlas_textbox",
    html='<div class="textbox"><label for="field"></label>\n'
    '<textarea id="field" dir="auto" spellcheck="false"></textarea></div>',
    css=styles("textbox.css"),
    js=script("textbox.js"),
)
