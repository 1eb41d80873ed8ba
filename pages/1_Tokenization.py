import streamlit as st

from pages.sections.tokenization_chat import tokenization_chat
from pages.sections.tokenization_chips import tokenization_chips
from pages.sections.tokenization_compare import tokenization_compare
from pages.sections.tokenization_steps import tokenization_steps
from pages.sections.tokenization_vectors import tokenization_vectors
from pages.sections.tokenization_vocabulary import tokenization_vocabulary
from pages.shell.frame import checked, frame, sentences

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
