"""The vocabulary to look through: by text, bytes or id; sorted by id, length or score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from engine.tokenizers.vocabulary import KINDS, Order, Vocabulary, find, written
from pages.pictures.svg import visible
from pages.shell.address import typed
from pages.shell.cache import engine
from pages.shell.frame import Choice, checked, plain
from pages.shell.share import share_menu
from pages.shell.switch import switch

SHOWN = 2000
ORDERS: dict[str, Order] = {"Id": "id", "Length": "length", "Score": "score"}


def tokenization_vocabulary(choice: Choice) -> None:
    """Draw the table of the vocabulary."""
    whole = engine().vocabulary(choice.model)
    checked("order", list(ORDERS), name="order")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        typed("search")
        query = st.text_input(
            "Search",
            key="search",
            bind="query-params",
            max_chars=60,
            placeholder="cat, 2540 or E2 82",
            width=260,
        )
        order = st.segmented_control(
            "Sorted by",
            list(ORDERS),
            key="order",
            bind="query-params",
            default="Id",
            required=True,
        )
        falling = switch("falling", "Largest first", on=False)
    ids = find(whole, query, order=ORDERS[order or "Id"], falling=falling)
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        if len(ids):
            st.dataframe(_table(whole, ids[:SHOWN]), hide_index=True, height=460)
        else:
            st.caption(plain(f"Nothing in this vocabulary fits “{query}”."))
    with right:
        st.markdown(plain(_told(whole, ids, query, engine().algorithm(choice.model))))
        share_menu("vocabulary", data=lambda: _table(whole, ids))


def _table(whole: Vocabulary, ids: np.ndarray) -> dict[str, Sequence[object]]:
    scores = [None if np.isnan(whole.scores[i]) else float(whole.scores[i]) for i in ids]
    return {
        "id": [int(i) for i in ids],
        "text": [visible(whole.texts[i]) for i in ids],
        "bytes": [written(whole.texts[i]).hex(" ").upper() for i in ids],
        "stored": [whole.stored[i] for i in ids],
        "kind": [KINDS[whole.kinds[i]] for i in ids],
        "length": [int(whole.sizes[i]) for i in ids],
        "score": scores,
    }


def _told(whole: Vocabulary, ids: np.ndarray, query: str, algorithm: str) -> str:
    counts = np.bincount(whole.kinds, minlength=len(KINDS))
    lines = [f"{len(whole):,} pieces: {counts[0]:,} begin a word, {counts[1]:,} go inside one."]
    if query:
        lines.append(f"{len(ids):,} of them fit “{query}”.")
    if len(ids) > SHOWN:
        lines.append(f"The first {SHOWN:,} are in the table; the file has all.")
    own = whole.sizes[whole.kinds < 2]
    lines.append(f"A piece of a word is {own.mean():.1f} characters long on average.")
    meaning = {
        "BPE": "The score is minus the number of the merge that made the piece: 0 came first.",
        "Unigram": "The score is the logarithm of the piece's probability.",
    }
    return " ".join([*lines, meaning.get(algorithm, "WordPiece keeps no scores.")])
