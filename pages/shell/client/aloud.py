"""What is written on a page is said to who does not see it: one announcement a sentence.

In: the text as far as it is written. Out: a part of the page that cannot be seen, which screen
readers read out as it changes. What stood there at first is not read.
"""

from __future__ import annotations

from streamlit.components.v2 import component

from pages.shell.components import script

LONGEST = 4000  # characters: of a longer text the end is what is new


def say_aloud(text: str, *, key: str, done: bool = True) -> None:
    """Announce what `text` says beyond the last call's: whole sentences, all of it once `done`."""
    _aloud(key=key, data={"text": text[-LONGEST:], "done": done})


_aloud = component(
    "atlas_aloud",
    html='<p class="aloud" aria-live="polite"></p>',
    css=".aloud { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; "
    "clip-path: inset(50%); white-space: nowrap; }",
    js=script("aloud.js"),
)
