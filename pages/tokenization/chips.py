"""The text, its tokens as chips under it, counts, and all there is to say of one token."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.errors import EmptyText, NotOffered
from engine.tokenizers.causes import Split
from engine.values import Tokens
from pages.pictures import tokens as view
from pages.pictures.chips import chips, chips_drawing
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.controls import built
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.share import share_menu
from pages.tokenization import recipes
from pages.tokenization.controls import ADDED, BELOW, NAMES, PART
from pages.tokenization.words import told

SHOWN: dict[str, view.Below] = {
    "ID": "id",
    "Span": "characters",
    "Bytes": "bytes",
    "Vocabulary form": "stored",
}


def token_chips(choice: Choice) -> None:
    """Draw the first view of the page."""
    if not choice.text:
        raise EmptyText("The text is empty. Type a word or choose a sample.")
    named = engine().special_names_in(choice.model, choice.text)
    parsed = NAMES.check() if named else True
    tokens = (engine().tokenized if parsed else engine().spelt)(choice.model, choice.text)
    roles = engine().roles(choice.model)
    below, special = SHOWN[BELOW.check()], bool(ADDED.check())
    first = _window(len(tokens))
    last = first + view.WINDOW
    legal = {f"t{i}" for i in range(len(tokens))} | {f"g{i}" for i in range(len(tokens))}
    locked = selection("token", lambda ids: ids in legal, name="token")
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        markup = chips.chips(
            tokens, first=first, last=last, below=below, special=special, roles=roles
        )
        own = locked if locked and f'data-id="{locked}"' in markup else None
        picture(
            markup,
            key="chips",
            alt=f"The text and its {len(tokens)} tokens as colored chips",
            locked=own,
            on_lock=partial(select, "token"),
        )
        if len(tokens) > view.WINDOW:
            PART.draw(label=_part_label(len(tokens)))
    with right:
        words = told(tokens, choice.card.vocabulary, *_split(choice.model, tokens), roles=roles)
        st.markdown(plain(words, 900))
        _one_token(tokens, locked, roles)
        share_menu(
            "tokens",
            python=partial(recipes.tokens, choice.model, choice.text, parsed=bool(parsed)),
            svg=partial(
                chips_drawing.drawing, tokens, first=first, last=last, below=below, special=special
            ),
            shown=False,
            data=lambda: view.columns(tokens),
            title="Tokens of a text",
        )
    _counts(tokens, choice)
    with st.expander(
        "Options", icon=":material/tune:", key="chips-options", on_change="rerun"
    ) as place:
        if built(place, BELOW, ADDED, *([NAMES] if named else [])):
            with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
                BELOW.draw()
                ADDED.draw()
                if named:
                    NAMES.draw(label=f"Parse {plain(named[0], 30)} as a special token")
    table = st.expander("Table", key="chips-table", on_change="rerun")
    if table.open:
        table.dataframe(view.columns(tokens, first, last), hide_index=True)


def _split(model: str, tokens: Tokens) -> tuple[Split | None, bool]:
    """The word that was split into the most tokens, and whether that is known at all."""
    try:
        return engine().most_split(model, tokens), True
    except NotOffered:
        return None, False


def _counts(tokens: Tokens, choice: Choice) -> None:
    total = view.counts(tokens)
    limit = choice.card.limit
    with st.container(horizontal=True, gap="medium"):
        st.metric("Tokens", f"{total.tokens:,}", width="content")
        st.metric("Characters", f"{total.characters:,}", width="content")
        st.metric("Characters per token", f"{total.per_token:.2f}", width="content")
        st.metric("Bytes", f"{total.size:,}", width="content")
        if limit:
            share = f"{100 * total.tokens / limit:.0f} %"
            st.metric(
                "Context used",
                share,
                width="content",
                help=f"{total.tokens:,} of the {limit:,} positions of {choice.card.title}.",
            )
    if limit and total.tokens > limit:
        st.caption(
            f"The model reads at most {limit:,} tokens: the other pages ask for a shorter text. "
            "Here the whole text is tokenized and counted."
        )


def _window(count: int) -> int:
    """The first token drawn; long texts are drawn in parts."""
    if count <= view.WINDOW:
        return 0
    pages = -(-count // view.WINDOW)
    part = int(PART.check(range(1, pages + 1), default=1))
    return (part - 1) * view.WINDOW


def _part_label(count: int) -> str:
    pages = -(-count // view.WINDOW)
    return f"Part of {pages:,} ({view.WINDOW} tokens each; counts are for the whole text)"


def _one_token(tokens: Tokens, locked: str | None, roles: dict[int, str]) -> None:
    """The pinned token in words."""
    if locked is None:
        st.caption("Point at a token to see where it is in the text; click to pin it.")
        return
    first = int(locked[1:])
    found = [g for g in view.groups(tokens) if g.first <= first < g.last]
    last = found[0].last if found and locked.startswith("g") else first + 1
    for index in range(first, last):
        lines = "  \n".join(plain(line) for line in view.tip(tokens, index, roles).split("\n"))
        st.markdown(f"**{plain(view.face(tokens, index))}**  \n{lines}")
        number = int(tokens.ids[index])
        st.button(
            f"Show ID {number:,} in the vocabulary",
            key=f"jump-{index}",
            on_click=_jump,
            args=(number,),
            type="tertiary",
            icon=":material/menu_book:",
        )


def _jump(number: int) -> None:
    """Open the vocabulary at an id."""
    st.session_state["view"] = "Vocabulary"
    st.session_state["search"] = str(number)
