"""Embeddings: what is chosen, and its views."""

from __future__ import annotations

import pandas  # noqa: F401 (plotly looks for it, and meets it half imported in another thread)
import streamlit as st

from pages.embeddings import controls, recipes
from pages.embeddings.analogies import embeddings_analogies
from pages.embeddings.positions.section import embeddings_positions
from pages.embeddings.search.section import embeddings_search
from pages.embeddings.through_layers.section import embeddings_text
from pages.embeddings.vocabulary.section import embeddings_vocabulary
from pages.shell.address import take_out
from pages.shell.frame import frame, sentences
from pages.shell.state import state
from pages.shell.tasks import wrong_language
from pages.shell.views import View, choose_view

SHARED = (controls.MAP, controls.DISTANCE, controls.NORMALIZE, controls.AFTER, controls.COLOR)
SELECTING = (controls.WORST, controls.ISOLATE)
VIEWS = (
    View(
        "Through the layers",
        embeddings_text,
        (*SHARED, *SELECTING, controls.BASIS, controls.TRAJECTORIES, controls.OTHERS),
        pictures=("text-map",),
        recipes=(recipes.through_layers, recipes.crowd_neighbors, recipes.drift),
    ),
    View(
        "Vocabulary",
        embeddings_vocabulary,
        (*SHARED, *SELECTING, controls.LAYOUT, controls.FROM, controls.TO, controls.SEARCH),
        pictures=("vocabulary-map",),
        recipes=(recipes.vocabulary_map, recipes.vocabulary_neighbors, recipes.variance),
    ),
    View(
        "Positions",
        embeddings_positions,
        (controls.MAP,),
        pictures=("position-map",),
        recipes=(
            recipes.position_map,
            recipes.position_neighbors,
            recipes.position_cosines,
            recipes.angles,
        ),
    ),
    View(
        "Analogies",
        embeddings_analogies,
        (*controls.WORD, controls.EXCLUDE),
        pictures=("analogy",),
        recipes=(recipes.analogy,),
    ),
    View(
        "Search",
        embeddings_search,
        (
            controls.PASSAGES,
            controls.QUERY,
            controls.LEFT_OUT,
            controls.POOLING,
            controls.AFTER,
            controls.OWN,
        ),
        families=("encoder", "encoder-decoder"),
        pictures=("search-ranks",),
        recipes=(recipes.search,),
    ),
)
OF_THE_VOCABULARY = ("point", "camera", "layout", "search", "minus", "plus")


def page() -> None:
    """Draw the page."""
    choice = frame("Embeddings")
    with sentences():
        _old_link()
        wrong_language(choice)
        view = choose_view(VIEWS, choice.card.family)
        if view.draw is not embeddings_vocabulary:
            _leave_vocabulary()
        view.draw(choice)


def _old_link() -> None:
    """The vocabulary was once the first view, which links leave out."""
    query = st.query_params
    if state().turned and "view" not in query and any(key in query for key in OF_THE_VOCABULARY):
        query["view"] = "Vocabulary"


def _leave_vocabulary() -> None:
    """What another view leaves in the address would open the vocabulary when it is read again."""
    for key in OF_THE_VOCABULARY:
        take_out(key)
