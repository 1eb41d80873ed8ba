"""Where the keyboard goes on after an act that takes its place away.

In: the key of a widget, and a name for the moment. Out: nothing; when the moment changes while the
page stays open, the browser moves the focus into that widget. What is opened keeps the focus where
the browser has it.
"""

from __future__ import annotations

from streamlit.components.v2 import component

from pages.shell.components import script


def focus_on(target: str, moment: str, *, key: str) -> None:
    """Move the focus to the widget of key `target` when `moment` is another than before."""
    _focus(key=key, data={"target": target, "moment": moment})


_focus = component("atlas_focus", html="<span hidden></span>", js=script("focus.js"))
