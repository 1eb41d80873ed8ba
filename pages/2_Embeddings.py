import streamlit as st

from pages.embeddings.analogies import embeddings_analogies
from pages.embeddings.positions.section import embeddings_positions
from pages.embeddings.through_layers.section import embeddings_text
from pages.embeddings.vocabulary.section import embeddings_vocabulary
from pages.shell.frame import checked, frame, sentences

VIEWS = {
    "Vocabulary": embeddings_vocabulary,
    "Through the layers": embeddings_text,
    "Positions": embeddings_positions,
    "Analogies": embeddings_analogies,
}

choice = frame("Embeddings")
with sentences():
    checked("view", list(VIEWS), name="view")
    view = st.segmented_control(
        "View", list(VIEWS), key="view", bind="query-params", required=True, default="Vocabulary",
        label_visibility="collapsed",
    )  # fmt: skip
    VIEWS[view or "Vocabulary"](choice)
