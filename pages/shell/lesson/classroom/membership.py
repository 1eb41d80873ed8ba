"""Whose session this is: that of a class's teacher, of a pupil, or of nobody in a class.

The key of who is in a class is kept with the session, and in the browser: a teacher's for all tabs,
so that a class outlives a closed window; a pupil's for its tab, as school computers are shared. It
is in no address and in nobody else's browser. `?class=K7Q2MP` says which class is meant, `?teach=`
brings a teacher's key to another device and is taken out of the address at once. Session keys:
`class-member`, `class-asked` (the code of a link), `class-forget`, `class-said` (why one is out).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st
from streamlit.components.v2 import component

from engine.errors import EngineError
from engine.hosting.rates import counted
from engine.learn.classes.codes import read_code
from engine.learn.classes.rooms import GONE, Role, Room, classes
from pages.shell import address
from pages.shell.components import script
from pages.shell.state import state

MEMBER, ASKED, FORGET, SAID = "class-member", "class-asked", "class-forget", "class-said"
CLASS, TEACH = "class", "teach"  # in addresses
KEY = "class-memory"


@dataclass(frozen=True)
class Member:
    """Who one is in a class; `number` is a pupil's, 0 where it is not known any more."""

    code: str
    role: Role
    key: str = field(repr=False)
    number: int = 0


def member() -> Member | None:
    """Who this session is."""
    return st.session_state.get(MEMBER)


def room(here: Member) -> Room | None:
    """The class of a member, a moment old at most; None where it is no more."""
    return classes().watch(here.code, here.key)


def arrive(title: str) -> None:
    """Take what the address says of a class; call it before the page is drawn."""
    asked = read_code(st.query_params.get(CLASS, ""))
    key = st.query_params.get(TEACH)
    if key is not None:
        address.take_out(TEACH)
        _found(asked, key)
    here = member()
    if title == "Learn" and asked and (here is None or here.code != asked):
        st.session_state[ASKED] = asked
    where = asked if here is None else here.code
    address.put(CLASS, where or None)


def remember(title: str, *, locked: bool = False) -> None:
    """Let the browser keep what this session is, or say what it has kept; draw it once a run."""
    here = member()
    asked = read_code(st.query_params.get(CLASS, ""))
    if here is None and not asked and title != "Learn":
        return
    data: dict[str, object] = {"ask": asked, "forget": st.session_state.pop(FORGET, "")}
    if here is not None:
        data |= {"code": here.code, "role": here.role, "key": here.key, "locked": locked}

    def kept() -> None:
        found = dict(dict(st.session_state.get(KEY) or {}).get("kept") or {})
        if member() is None:
            _found(read_code(str(found.get("code"))), str(found.get("key")))

    _memory(key=KEY, data=data, on_kept_change=kept)


def _found(code: str, key: str) -> None:
    """Become who the key says one is; a key of no class is forgotten."""
    try:
        role = classes().role(code, key) if code else None
    except EngineError as error:
        st.session_state[SAID] = str(error)
        return
    if role is None:
        st.session_state[FORGET] = code
    else:
        _become(Member(code, role, key))


def _become(here: Member) -> None:
    st.session_state[MEMBER] = here
    for key in (ASKED, FORGET, SAID):
        st.session_state.pop(key, None)


def open_class(lesson: str, step: int) -> None:
    """Open a class at a step and lead it (in a callback)."""
    try:
        code, key = classes().open(lesson, step, address=_address())
    except EngineError as error:
        st.session_state[SAID] = str(error)
        return
    _become(Member(code, "teacher", key))


def join(code: str, nickname: str) -> None:
    """Join a class, and leave the one before (in a callback)."""
    before = member()
    try:
        seat = classes().join(code, viewer=state().viewer, address=_address(), nickname=nickname)
        if before is not None and before.role == "pupil":
            classes().leave(before.code, before.key)
    except EngineError as error:
        st.session_state[SAID] = str(error)
        return
    _become(Member(seat.code, "pupil", seat.key, seat.number))


def leave() -> None:
    """A pupil leaves, or a teacher ends the class (in a callback)."""
    here = member()
    if here is None:
        return
    try:
        (classes().end if here.role == "teacher" else classes().leave)(here.code, here.key)
    except EngineError as error:
        st.session_state[SAID] = str(error)
        return
    out("You have ended the class, and all its answers are deleted." if here.role == "teacher"
        else f"You have left class {here.code}.")  # fmt: skip


def out(sentence: str = GONE) -> None:
    """Be in no class any more, and say why."""
    here = st.session_state.pop(MEMBER, None)
    if here is not None:
        st.session_state[FORGET] = here.code
    st.session_state[SAID] = sentence
    address.take_out(CLASS)


def _address() -> str:
    return counted(st.context.ip_address)


_memory = component("atlas_class", html="<span hidden></span>", js=script("class.js"))
