"""Tokenization: what is chosen, and its views."""

from __future__ import annotations

from pages.shell.frame import frame, sentences
from pages.shell.views import View, choose_view
from pages.tokenization import controls, recipes
from pages.tokenization.chat import chat_template
from pages.tokenization.chips import token_chips
from pages.tokenization.compare.section import tokenizer_comparison
from pages.tokenization.foreign.section import foreign_ids
from pages.tokenization.steps.section import tokenization_steps
from pages.tokenization.vectors.section import token_vectors
from pages.tokenization.vocabulary import vocabulary_table

VIEWS = (
    View(
        "Tokens",
        token_chips,
        (controls.BELOW, controls.ADDED, controls.NAMES, controls.PART),
        pictures=("chips",),
        recipes=(recipes.tokens,),
    ),
    View(
        "Step by step",
        tokenization_steps,
        (controls.STEP,),
        pictures=("walk",),
        recipes=(recipes.steps,),
    ),
    View(
        "Compare tokenizers",
        tokenizer_comparison,
        pictures=("aligned",),
        recipes=(recipes.several, recipes.languages),
    ),
    View(
        "Wrong tokenizer",
        foreign_ids,
        (controls.MAKER,),
        pictures=("foreign",),
        recipes=(recipes.foreign,),
    ),
    View(
        "Vocabulary",
        vocabulary_table,
        (controls.SEARCH, controls.ORDER, controls.FALLING),
        pictures=("vocabulary-table",),
        recipes=(recipes.vocabulary,),
    ),
    View(
        "Token + position embeddings",
        token_vectors,
        pictures=("chips", "into"),
        recipes=(recipes.embedding,),
    ),
    View(
        "Chat template",
        chat_template,
        (controls.TURNS, controls.ANSWER, *controls.ROLE, *controls.TURN),
        pictures=("chat",),
        recipes=(recipes.conversation,),
    ),
)
FORMERLY = {"Into vectors": "Token + position embeddings", "Chat": "Chat template"}


def page() -> None:
    """Draw the page."""
    choice = frame("Tokenization", live=True)
    with sentences():
        # Only a model that was trained on conversations has a template for them.
        offered = [view for view in VIEWS if view.draw is not chat_template or choice.card.template]
        view = choose_view(offered, choice.card.family, formerly=FORMERLY)
        view.draw(choice)
