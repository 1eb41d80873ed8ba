"""The vocabulary to look through: by text, bytes or id; sorted by id, length or score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import streamlit as st

from engine.tokenizers.vocabulary import KINDS, SPECIAL, Order, Vocabulary, find, written
from pages.pictures.names import quoted
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.controls import built
from pages.shell.frame import Choice, plain
from pages.shell.share import share_menu
from pages.tokenization import recipes
from pages.tokenization.controls import FALLING, ORDER, SEARCH

SHOWN = 2000
ORDERS: dict[str, Order] = {"ID": "id", "Length": "length", "Score": "score"}


def vocabulary_table(choice: Choice) -> None:
    """Draw the table of the vocabulary."""
    whole = engine().vocabulary(choice.model)
    query, order, falling = str(SEARCH.check()), ORDER.check(), bool(FALLING.check())
    ids = find(whole, query, order=ORDERS[str(order)], falling=falling)
    SEARCH.draw()
    roles = engine().roles(choice.model)
    left, right = st.columns([3.2, 1], gap="medium")
    with left, st.container(key="vocabulary-table"):
        if len(ids):
            # A token without a score has an empty cell.
            table = _table(whole, ids[:SHOWN], roles)
            st.dataframe(table, hide_index=True, height=460, placeholder="")
        else:
            st.caption(plain(f"No token of this vocabulary matches {quoted(query)}."))
    with right:
        st.markdown(plain(_told(whole, ids, query, engine().algorithm(choice.model))))
        share_menu(
            "vocabulary",
            python=partial(
                recipes.vocabulary, choice.model, query, ORDERS[str(order)], falling=falling
            ),
            data=lambda: _table(whole, ids, roles),
        )
    with st.expander(
        "Options", icon=":material/tune:", key="vocabulary-options", on_change="rerun"
    ) as place:
        if built(place, ORDER, FALLING):
            with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
                ORDER.draw()
                FALLING.draw()


def _table(
    whole: Vocabulary, ids: np.ndarray, roles: Mapping[int, str]
) -> dict[str, Sequence[object]]:
    scores = [None if np.isnan(whole.scores[i]) else float(whole.scores[i]) for i in ids]
    return {
        "id": [int(i) for i in ids],
        "text": [visible(whole.texts[i]) for i in ids],
        "bytes": [_bytes(whole, int(i)) for i in ids],
        "stored": [whole.stored[i] for i in ids],
        "kind": [roles.get(int(i), KINDS[whole.kinds[i]]) for i in ids],
        "length": [int(whole.sizes[i]) for i in ids],
        "score": scores,
    }


def _bytes(whole: Vocabulary, token_id: int) -> str:
    """The bytes that a token writes; a special token writes none."""
    if whole.kinds[token_id] == SPECIAL:
        return ""
    return written(whole.texts[token_id]).hex(" ").upper()


def _told(whole: Vocabulary, ids: np.ndarray, query: str, algorithm: str) -> str:
    counts = np.bincount(whole.kinds, minlength=len(KINDS))
    lines = [f"{len(whole):,} tokens: {counts[0]:,} begin a word, {counts[1]:,} continue one."]
    if query:
        matches = "matches" if len(ids) == 1 else "match"
        lines.append(f"{len(ids):,} of them {matches} {quoted(query)}.")
    if len(ids) > SHOWN:
        lines.append(f"The table shows the first {SHOWN:,}; the saved file has all of them.")
    own = whole.sizes[whole.kinds < 2]
    if len(own):
        lines.append(f"A piece of a word has {own.mean():.1f} characters on average.")
    meaning = {
        "BPE": "The score is minus the rank of the merge that builds the token: 0 was learned "
        "first.",
        "Unigram": "The score is the log-probability of the token.",
    }
    return " ".join([*lines, meaning.get(algorithm, f"{algorithm} has no scores.")])
