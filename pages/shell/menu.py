"""The pages of the app, in the order of the menu."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One entry of the menu."""

    title: str
    file: str
    icon: str
    sentence: str
    pictures: bool = True  # of a text: samples are offered there, and Home shows a card


PAGES = (
    Page(
        "Home",
        "app.py",
        "home",
        "The path of a text through a model, and the installed models.",
    ),
    Page(
        "Learn",
        "pages/0_Learn.py",
        "school",
        "Short lessons on the pictures themselves: predict, look, understand.",
        pictures=False,
    ),
    Page(
        "Tokenization",
        "pages/1_Tokenization.py",
        "content_cut",
        "A text is split into tokens, and each token has an id.",
    ),
    Page(
        "Embeddings",
        "pages/2_Embeddings.py",
        "scatter_plot",
        "Each token becomes a vector, a point in space that moves from layer to layer.",
    ),
    Page(
        "Attention",
        "pages/3_Attention.py",
        "grid_on",
        "Each token attends to other tokens: every head of every layer.",
    ),
    Page(
        "Translation",
        "pages/4_Translation.py",
        "translate",
        "An encoder reads French, a decoder writes English, step by step.",
    ),
    Page(
        "Decoding",
        "pages/5_Decoding.py",
        "edit_note",
        "From probabilities to text: up to six decoding settings side by side.",
    ),
)

FILES = {page.title: page.file for page in PAGES}
"""The file of each page by its title."""
