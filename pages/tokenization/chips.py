"""The text, its tokens as chips under it, counts, and all there is to say of one token."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.errors import EmptyText, NotOffered
from engine.tokenizers.causes import Split
from engine.values import Tokens
from pages.pictures import chips, chips_drawing
from pages.pictures import tokens as view
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, checked, plain, select, selection
from pages.shell.share import share_menu
from pages.shell.switch import switch
from pages.tokenization.words import told

BELOW: dict[str, view.Below] = {
    "Id": "id",
    "Characters": "characters",
    "Bytes": "bytes",
    "As stored": "stored",
}


def tokenization_chips(choice: Choice) -> None:
    """Draw the first view of the page."""
    if not choice.text:
        raise EmptyText("The text is empty. Type a word or choose a sample.")
    tokens = _cut(choice)
    counts = st.container()
    below, special, first = _controls(tokens)
    last = first + view.WINDOW
    legal = {f"t{i}" for i in range(len(tokens))} | {f"g{i}" for i in range(len(tokens))}
    locked = selection("token", lambda ids: ids in legal, name="token")
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        markup = chips.chips(tokens, first=first, last=last, below=below, special=special)
        own = locked if locked and f'data-id="{locked}"' in markup else None
        picture(
            markup,
            key="chips",
            alt=f"The text and its {len(tokens)} tokens as coloured chips",
            locked=own,
            on_lock=partial(select, "token"),
        )
    # What follows the typing hand goes first, what is read afterwards after it.
    with counts:
        _counts(tokens, choice)
    with right:
        st.markdown(plain(told(tokens, choice.card.vocabulary, _split(choice.model, tokens)), 900))
        _one_token(tokens, locked)
        share_menu(
            "tokens",
            svg=partial(
                chips_drawing.drawing, tokens, first=first, last=last, below=below, special=special
            ),
            shown=False,
            data=lambda: view.columns(tokens),
            title="Tokens of a text",
        )
    with st.expander("The same as a table"):
        st.dataframe(view.columns(tokens, first, last), hide_index=True)


def _cut(choice: Choice) -> Tokens:
    """The text cut; names of special tokens in it count as such unless they are to be plain."""
    found = engine().special_names_in(choice.model, choice.text)
    if not found:
        return engine().tokenized(choice.model, choice.text)
    special = switch(
        "names",
        f"Read {plain(found[0], 30)} as a special token",
        on=True,
        help="Off: its letters are cut like any other text, as an app does with what people type.",
    )
    return (engine().tokenized if special else engine().spelt)(choice.model, choice.text)


def _split(model: str, tokens: Tokens) -> Split | None:
    """The word that was split most; None where none was, or where nobody can say why."""
    try:
        return engine().most_split(model, tokens)
    except NotOffered:
        return None


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
                "Of the model's context",
                share,
                width="content",
                help=f"{total.tokens:,} of the {limit:,} positions that {choice.card.title} has.",
            )
    if limit and total.tokens > limit:
        st.caption(
            f"The model itself reads {limit:,} tokens at most: the other pages ask for a shorter "
            "text. Here all of it is cut and counted."
        )


def _controls(tokens: Tokens) -> tuple[view.Below, bool, int]:
    """What stands under a token, whether added tokens show, and where the window begins."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        checked("below", list(BELOW), name="under each token")
        below = st.segmented_control(
            "Under each token",
            list(BELOW),
            key="below",
            bind="query-params",
            default="Id",
            required=True,
        )
        special = True
        if view.counts(tokens).added:
            special = switch(
                "special",
                "Added tokens",
                on=True,
                help="Tokens that the tokenizer adds: where a text begins and ends.",
            )
        first = _window(len(tokens))
    return BELOW[below or "Id"], special, first


def _window(count: int) -> int:
    """The first token drawn; a slider appears where there are more than fit."""
    if count <= view.WINDOW:
        return 0
    pages = -(-count // view.WINDOW)
    checked("part", range(1, pages + 1), default=1, name="part")
    part = st.slider(
        f"Part of {pages:,} ({view.WINDOW} tokens each; the counts are of the whole text)",
        1,
        pages,
        key="part",
        bind="query-params",
        width=420,
    )
    return (part - 1) * view.WINDOW


def _one_token(tokens: Tokens, locked: str | None) -> None:
    """The locked token in words."""
    if locked is None:
        st.caption("Point at a token to see where it is in the text; click to keep it.")
        return
    first = int(locked[1:])
    found = [g for g in view.groups(tokens) if g.first <= first < g.last]
    last = found[0].last if found and locked.startswith("g") else first + 1
    for index in range(first, last):
        st.markdown(f"**{plain(view.face(tokens, index))}**  \n" + plain_lines(tokens, index))
        number = int(tokens.ids[index])
        st.button(
            f"Show id {number:,} in the vocabulary",
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


def plain_lines(tokens: Tokens, index: int) -> str:
    """A token's facts, a line each."""
    return "  \n".join(plain(line) for line in view.tip(tokens, index).split("\n"))
