import streamlit as st

from pages.shell.frame import checked, frame, sentences
from pages.tokenization.chat import tokenization_chat
from pages.tokenization.chips import tokenization_chips
from pages.tokenization.compare.section import tokenization_compare
from pages.tokenization.steps.section import tokenization_steps
from pages.tokenization.vectors.section import tokenization_vectors
from pages.tokenization.vocabulary import tokenization_vocabulary

VIEWS = {
    "Tokens": tokenization_chips,
    "Step by step": tokenization_steps,
    "Compare tokenizers": tokenization_compare,
    "Vocabulary": tokenization_vocabulary,
    "Into vectors": tokenization_vectors,
    "Chat": tokenization_chat,
}

choice = frame("Tokenization", live=True)
with sentences():
    # Only a model that was trained on conversations has a template for them.
    names = [name for name in VIEWS if name != "Chat" or choice.card.template]
    checked("view", names, name="view")
    view = st.segmented_control(
        "View", names, key="view", bind="query-params", required=True, default="Tokens",
        label_visibility="collapsed",
    )  # fmt: skip
    VIEWS[view or "Tokens"](choice)
