"""The same tokenizer, always: what a model makes of ids that another model's tokenizer made."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.errors import EmptyText
from pages.pictures.not_as_made import WORDS
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, plain
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud
from pages.tokenization import recipes
from pages.tokenization.controls import MAKER
from pages.tokenization.foreign import picture as view
from pages.tokenization.foreign import words


def foreign_ids(choice: Choice) -> None:
    """Choose whose tokenizer makes the ids; draw what the page's model reads."""
    if not choice.text.strip():
        raise EmptyText("The text is empty. Type a word or choose a sample.")
    makers = tuple(e.name for e in engine().models() if e.ready and e.name != choice.model)
    if not makers:
        st.info("Another model's tokenizer is needed, and this is the only model installed.")
        return
    maker = str(MAKER.check(makers))
    MAKER.draw()
    st.badge(WORDS, icon=":material/warning:", color="red")
    found = engine().foreign(choice.model, maker, choice.text)
    card, other = choice.card, engine().card(maker)
    says = words.said(found, card.title, other.title, card.vocabulary)
    with st.container(key="foreign-said"):  # covered with the picture by a guess
        st.markdown(plain(says))
    made = engine().texts(maker, found.made.ids[: len(found.outside)].tolist())
    picture(view.foreign(found, made), key="foreign", alt=f"Ids of another tokenizer. {says}")
    if note := words.left_out(found):
        st.caption(plain(note))
    with st.container(key="foreign-written"):
        for what, text in words.written(found):
            st.markdown(f"{what}: **{plain(' '.join(text.split()) or '(nothing)')}**")
    share_menu(
        "foreign",
        python=partial(recipes.foreign, choice.model, maker, choice.text),
        svg=lambda: view.drawing(found, made),
        shown=False,
        data=lambda: words.table(found),
        title=f"Ids of {other.title} read by {card.title}",
    )
    read_aloud("foreign", lambda: words.table(found))
