"""The field for a model's name on Home, and what the Hub has of that name while one types.

In: what is typed. Out: the name to look at, when Inspect was pressed or a line of the list chosen.
Only this part of the page runs while somebody types; the Hub is asked by a process of its own.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import policy
from engine.errors import EngineError
from engine.jobs.registry import Job
from engine.models import adding
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.client.visitor import visitor
from pages.shell.state import state

LONGEST = 300  # characters of an id or a path
SHOWN = 8  # models of the list
EVERY = 0.3  # seconds between two looks at a search
TYPED, ASKED = "add-source", "add-asked"
PLACEHOLDER = "maker/model, such as openai-community/gpt2"


def asked_for(rule: policy.Rule) -> str:
    """Draw the field, the list and the button; the name that was asked for last."""
    st.fragment(_field)(rule)
    return str(st.session_state.get(ASKED, ""))


def ask(text: str) -> None:
    """Look at a model, as if its name had been typed; raises `EngineError`."""
    st.session_state[ASKED] = text
    adding.look(text, visitor())


def _field(rule: policy.Rule) -> None:
    searches = policy.may_search(visitor())
    folders = ", or a folder or GGUF file on this machine" if rule == "all" else ""
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    text = left.text_input(
        f"Hub id, address{' or part of a name' if searches else ''}{folders}",
        key=TYPED,
        max_chars=LONGEST,
        placeholder=PLACEHOLDER,
        live=searches,
        help="While you type, the Hugging Face Hub is searched for text models that can be shown "
        "here. Paths and addresses are not sent."
        if searches
        else None,
    ).strip()
    right.button(
        "Inspect",
        key="add-look-now",
        icon=":material/search:",
        disabled=not text,
        on_click=_ask,
        args=(text,),
        width="stretch",
        help="Reads its configuration only: what it is, how large, whether it can be shown.",
    )
    if st.session_state.pop(AGAIN, False):
        st.rerun()
    if searches and text and text != st.session_state.get(ASKED):
        _search(text)


AGAIN = "add-asked-now"  # session key: the whole page is to be drawn, with the look
FAILED = "add-refused"  # session key: what a button was refused with


def _ask(text: str) -> None:
    st.session_state[AGAIN] = True
    try:
        ask(text)
    except EngineError as error:
        st.session_state[FAILED] = str(error)


def _choose(name: str) -> None:
    st.session_state[TYPED] = name
    _ask(name)


def _search(text: str) -> None:
    """Begin a search, unless it was made, and show what is known of it."""
    try:
        job = adding.searched(text, visitor())
        if job is None or job.stopped:
            job = adding.search(text, visitor())
    except EngineError as error:
        st.caption(plain(str(error), 300))
        return
    if job is None:
        return
    if job.done:
        _results(text, job)
    else:
        st.fragment(_waiting, run_every=EVERY)(job)


def _waiting(job: Job) -> None:
    if job.done:
        st.rerun()  # of the page: a fragment cannot stop its own clock
    job.watch(state().viewer)
    st.caption(f":material/travel_explore: Searching the Hub… {job.seconds:.0f} s")


def _results(text: str, job: Job) -> None:
    if job.error is not None:
        st.caption(f":material/info: {plain(str(job.error), 300)}")
        st.button("Search again", key="add-search-again", on_click=_again, args=(text,))
        return
    found = job.result["found"][:SHOWN]
    if not found:
        st.caption(
            plain(
                f"The Hub has no text model of a known family with “{text}” in its name"
                + (f" (it has {job.result['of']} others)" if job.result["of"] else "")
                + ". Check the spelling, type less of it, or paste the address of its page.",
                400,
            )
        )
        return
    st.caption("On the Hub, most downloaded first. Choose one to inspect it.")
    here = {entry.source for entry in engine().models() if entry.folder is not None}
    with st.container(key="add-found", gap=None):
        for one in found:
            name = str(one["id"])
            st.button(
                f"**{plain(name, 120)}** · {plain(told(one, name in here), 300)}",
                key=f"add-found-{name}",
                type="tertiary",
                on_click=_choose,
                args=(name,),
            )


def told(one: dict[str, Any], here: bool = False) -> str:
    """What a line of the list says of a model.

    >>> told({"downloads": 1234567, "size": 496e6, "parameters": 124e6, "licence": "mit",
    ...       "family": "decoder", "gated": True})
    'decoder · 124 M parameters · 496 MB · mit · 1.2 M downloads · gated: asks for a consent'
    """
    size, parameters = one["size"], one["parameters"]
    parts = [
        str(one["family"]),
        f"{short(parameters)} parameters" if parameters else "",
        in_bytes(size) if size else "size not stated",
        str(one["licence"] or "license not stated"),
        f"{short(one['downloads'])} downloads",
        "gated: asks for a consent" if one["gated"] else "",
        "installed" if here else "",
    ]
    return " · ".join(part for part in parts if part)


def short(number: float) -> str:
    """A count in at most three digits and a letter: 1234567 is 1.2 M."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            share = number / size
            return f"{share:.1f} {letter}" if share < 10 else f"{share:,.0f} {letter}"
    return f"{number:.0f}"


def in_bytes(size: float) -> str:
    """A size on disk: 36000 is 36 kB."""
    if size >= 1e9:
        return f"{size / 1e9:,.1f} GB"
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"


def _again(text: str) -> None:
    try:
        adding.search(text, visitor())
    except EngineError as error:
        st.session_state[FAILED] = str(error)
