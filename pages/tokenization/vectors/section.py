"""The bridge to the next page: one token's id, its row of the table, its position, the sum."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.errors import EmptyText
from engine.values import Reading
from pages.pictures.chips import chips
from pages.pictures.tokens import face
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.share import share_menu
from pages.tokenization import recipes
from pages.tokenization.vectors import picture as vectors

DRAWN = 60


def token_vectors(choice: Choice) -> None:
    """Draw how the chosen token becomes the vector that enters layer 1."""
    if not choice.text.strip():
        raise EmptyText("The text is empty. Type a word or choose a sample.")
    parts = engine().embedded(Reading(choice.model, choice.text))
    tokens = parts.tokens
    legal = {f"t{i}" for i in range(len(tokens))}
    locked = selection("token", lambda ids: ids in legal, name="token")
    chosen = int(locked[1:]) if locked else min(1, len(tokens) - 1)
    first = max(0, min(chosen - DRAWN // 2, len(tokens) - DRAWN))
    picture(
        chips.chips(tokens, first=first, last=first + DRAWN, source=False),
        key="chips",
        alt=f"{len(tokens)} tokens to choose from",
        locked=f"t{chosen}",
        on_lock=partial(select, "token"),
    )
    row, entering = parts.token[chosen], parts.entering[chosen]
    position = None if parts.position is None else parts.position[chosen]
    token_id = int(tokens.ids[chosen])
    table_row, added = "token embedding", "position embedding"
    svg = vectors.into(
        row,
        position,
        entering,
        name=face(tokens, chosen),
        token_id=token_id,
        place=chosen,
    )
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        picture(
            svg,
            key="into",
            alt=f"Token {chosen + 1}: token embedding, position embedding and their sum",
        )
    with right:
        words = vectors.told(
            row, position, entering, token_id=token_id, vocabulary=choice.card.vocabulary
        )
        st.markdown(plain(words))
        st.page_link(
            "pages/2_Embeddings.py",
            label="Show it in the embedding space",
            icon=":material/scatter_plot:",
        )
        table = {"dimension": list(range(1, len(row) + 1)), table_row: row.tolist()}
        if position is not None:
            table[added] = position.tolist()
        table["enters layer 1"] = entering.tolist()
        share_menu(
            "vectors",
            python=partial(recipes.embedding, Reading(choice.model, choice.text), chosen),
            svg=svg,
            data=table,
            title="Token and position embedding",
        )
    numbers = st.expander("Table", key="vectors-table", on_change="rerun")
    if numbers.open:
        numbers.dataframe(table, hide_index=True, height=320)
