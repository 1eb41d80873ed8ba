"""Training: what is chosen, and its views.

What one sees: one sentence as the example that a model learns from; what one does: fill what is
hidden before the model does; what one has understood in the end: a model is trained to make the
right token probable, and what it pays where it fails is a number that can be compared with chance.
"""

from __future__ import annotations

import streamlit as st

from pages.shell.frame import frame, sentences
from pages.shell.views import View, choose_view
from pages.training import controls, recipes
from pages.training.moments.section import training_moments
from pages.training.own.section import training_own
from pages.training.preference import controls as preferring
from pages.training.preference import recipes as preferred
from pages.training.preference.section import PROMPT, training_preference
from pages.training.targets.section import training_targets
from pages.training.tuning import controls as tuning
from pages.training.tuning.section import training_tuning

TEXT = (
    "The fox said to the crow that her voice was beautiful. She opened her beak and the cheese "
    "fell to the ground."
)
VIEWS = (
    View(
        "Targets",
        training_targets,
        (
            *(controls.OBJECTIVE, controls.SEED, controls.TRANSLATION, controls.HIDDEN),
            *(controls.GUESS, controls.FOLLOWS, controls.REVEAL),
        ),
        pictures=("targets",),
        recipes=(recipes.example_seen, recipes.example_losses, recipes.example_candidates),
    ),
    View(
        "Moments",
        training_moments,
        (
            *(controls.PART, controls.MOMENT, controls.MOMENT_SETTING, controls.MOMENT_TOKENS),
            *(controls.MOMENT_SEED, controls.MOMENT_HEAD, controls.WORDS),
        ),
        pictures=("moments-",),
        recipes=(
            *(recipes.moments_written, recipes.moments_attention, recipes.moments_places),
            *(recipes.moments_surprise, recipes.training_curve),
        ),
    ),
    View(
        "Tuning",
        training_tuning,
        (
            *(tuning.ADAPTER, tuning.PROMPT, tuning.DRAWS, tuning.MATRIX),
            *(tuning.DATASET, tuning.METHOD, tuning.RANK, tuning.MATRICES, tuning.TUNE_STEPS),
        ),
        pictures=("tuned-",),
        recipes=(
            recipes.tuned_texts,
            recipes.tuned_bits,
            recipes.tuned_curve,
            recipes.tuned_change,
        ),
    ),
    View(
        "Train one yourself",
        training_own,
        (tuning.OWN_TEXT, tuning.OWN_LAYERS, tuning.OWN_WIDTH, tuning.OWN_LENGTH),
        pictures=("own-size",),
        recipes=(recipes.own_size,),
    ),
    View(
        "Preference",
        training_preference,
        preferring.CONTROLS,
        ("decoder",),
        (
            *("preference-distribution", "preference-curve", "preference-judge"),
            "preference-learning",
        ),
        recipes=(
            preferred.distribution,
            preferred.curve,
            preferred.learning,
            preferred.verdicts,
        ),
    ),
)
PROMPTS = {"Preference": PROMPT}
"""What stands in the text box of a view until somebody types, where it is not `TEXT`."""


def page() -> None:
    """Draw the page: its views share the model and the text on top."""
    choice = frame("Training", default_text=_first_text())
    with sentences():
        view = choose_view(VIEWS, choice.card.family)
        view.draw(choice)


def _first_text() -> str:
    """The text of the view that is about to be chosen: before the frame, which has the box."""
    asked = st.session_state.get("view", st.query_params.get("view", ""))
    return PROMPTS.get(str(asked), TEXT)
