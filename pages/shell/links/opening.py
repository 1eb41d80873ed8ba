"""A short link opened: the page gets from the store what a long address would have said.

`/s/<id>` leads to a page with `?s=<id>`. Before anything on the page is looked at, the values of
the stored state are put into the address, where `address.checked` and all others find them; what
the address says itself goes before. A text that is too long for it stays in the session, and
`text_of=<id>` in the address stands for it while nobody changes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from engine.errors import EngineError
from engine.links.state import Parsed, SharedState
from engine.links.store import links
from engine.models.bundle import identity
from engine.policy import adding
from pages.shell import address
from pages.shell.address import TEXT_IN_LINK
from pages.shell.cache import engine
from pages.shell.client.visitor import visitor
from pages.shell.controls import REGISTRY
from pages.shell.links.route import UNKNOWN
from pages.shell.state import state

LATE = frozenset({"at", "candidate"})
"""Keys that a page looks at only once something is written or chosen."""


def open_link(page: str) -> None:
    """Take what `?s=` or `text_of=` stands for; call it before the text and the model are."""
    query = st.query_params
    name = query.get("s")
    if name is not None:
        del query["s"]
        found = _found(name)
        if found is not None:
            _take(name, found, page)
    elif "text_of" in query and "text" not in query:
        name = query["text_of"]
        if state().stored is None or state().stored[0] != name:  # type: ignore[index]
            found = _found(name)
            if found is not None:
                _set_text(name, found.state.text)


def keep_reference() -> None:
    """Let the address name the stored text while it is the text; call it once that is settled."""
    here = state()
    whole = here.stored is not None and here.stored[1] == here.text
    name = here.stored[0] if here.stored is not None and whole else None
    address.put("text_of", name if len(here.text) > TEXT_IN_LINK else None)


def adopt_reference(query: Mapping[str, Sequence[str]]) -> None:
    """The text that an address stands for to which Back or Forward led."""
    name = query.get("text_of", ("",))[-1]
    if name and "text" not in query and (found := _found(name)) is not None:
        _set_text(name, found.state.text)


def say_left_out() -> None:
    """Say which values of a link this page has no control for, once it has named its own."""
    here = state()
    known = set(here.listed) | LATE | {name.partition(".")[2] for name in REGISTRY}
    strange = sorted(here.from_link - known)
    here.from_link = frozenset()
    if strange:
        _tell(f"This link also says {_names(strange)}, which this page does not know; left out.")


def _found(name: str) -> Parsed | None:
    try:
        found = links().get(name)
    except EngineError as error:
        _tell(str(error))
        return None
    if found is None:
        _tell(UNKNOWN)
    return found


def _take(name: str, found: Parsed, page: str) -> None:
    here, shared = state(), found.state
    if shared.lesson:
        # The lesson's steps say the rest; the id in the address opens it again.
        st.query_params.update({"lesson": f"link-{name}", "lesson_step": "1"})
        return
    said: dict[str, list[str]] = {"model": [shared.model]}
    if shared.page == page:
        said |= {key: list(values) or [""] for key, values in shared.controls.items()}
        here.from_link = frozenset(shared.controls)
    if len(shared.text) <= TEXT_IN_LINK:
        said["text"] = [shared.text]
    elif "text" not in st.query_params:
        _set_text(name, shared.text)
    st.query_params.update({k: v for k, v in said.items() if k not in st.query_params})
    if found.left_out:
        _tell(f"{_names(found.left_out)} of this link cannot be read here; left out.")
    _say_model(shared)


def _set_text(name: str, text: str) -> None:
    state().stored = (name, text)
    address.set_text(text)


def _say_model(shared: SharedState) -> None:
    """Say what is different where the link's model is another one here, or none."""
    try:
        card = engine().card(shared.model)
    except EngineError:
        if shared.source:
            host = "The host of this app can add it" if adding(visitor()) == "no" else "Add it"
            _tell(f"{shared.model} is not installed here. {host} on Home: {shared.source}.")
        return
    if shared.digest and identity(card) != shared.digest:
        _tell(
            f"{shared.model} here is not the same export as the link's, so the numbers may differ "
            "from those that were shared."
        )


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _tell(sentence: str) -> None:
    address.tell(f"link:{len(state().notes)}", sentence, None)
