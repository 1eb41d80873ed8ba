"""The names of every tokenizer that a text can be cut by.

A tokenizer from outside was fetched from the Hub or given as
a file by this session (or by a link that names it while its file is here); see
`engine.tokenizers.external_tokenizers`.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine import policy
from pages.shell.cache import engine
from pages.shell.client.visitor import visitor

OWN = "borrowed"
"""The session's key of the names that were added."""


def names(asked: Sequence[str] = ()) -> list[str]:
    """Models' tokenizers, then those added here and those of `asked` whose file is here."""
    models = [entry.name for entry in engine().models() if entry.ready]
    added = [name for name in (*added_here(), *asked) if engine().tokenizer_here(name)]
    return list(dict.fromkeys([*models, *added]))


def added_here() -> list[str]:
    """The tokenizers that this session added."""
    return list(st.session_state.get(OWN, ()))


def add(name: str) -> None:
    """Offer a borrowed tokenizer in this session."""
    st.session_state[OWN] = [*(n for n in added_here() if n != name), name][-8:]


def may_add() -> bool:
    """Whether this person may add tokenizers."""
    return policy.adding(visitor()) != "no"
