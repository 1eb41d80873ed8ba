"""Translation: an encoder reads, a decoder writes; shown step by step, aligned, compared."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.shell import player
from pages.shell.client.aloud import say_aloud
from pages.shell.frame import frame, sentences
from pages.shell.tasks import wrong_language
from pages.shell.views import View, choose_view
from pages.translation import changes, controls, recipes
from pages.translation.alignment.section import translation_alignment
from pages.translation.compare.section import translation_compare
from pages.translation.hypotheses import hypothesis_list
from pages.translation.setup import (
    Setup,
    translation_change,
    translation_result,
    translation_setup,
)
from pages.translation.stage.section import translation_stage, translation_story
from pages.translation.steps.section import settle_step, translation_strip
from pages.translation.story import so_far
from pages.translation.tensors.section import translation_tensors, translation_towers

SEARCHING = (controls.SEARCH, controls.BEAMS, controls.LENGTH_PENALTY, controls.EARLY)
ATTENTION = (controls.LAYER, controls.HEAD, controls.NO_END)


def step_by_step(setup: Setup) -> None:
    """One step of the finished translation, and every hypothesis that was finished."""
    plays = settle_step(setup.trace)
    controls.check_attention(setup.trace)
    st.fragment(_step, run_every=player.EVERY if plays else None)(setup)
    hypothesis_list(setup.trace)


def _step(setup: Setup) -> None:
    """Moving in time runs only this, never the model."""
    if changes.turned():
        st.rerun()  # of the whole page: this is another translation
    trace, choice = setup.trace, setup.choice
    with sentences():
        at = translation_strip(trace, choice)
        story = translation_story(trace, at)
        text, done = so_far(trace, at)
        say_aloud(text, key="aloud-written", done=done)
        # Under the picture in which one clicks: above it, it would push the picture away.
        below = partial(translation_change, setup)
        if at.writing:
            task = len(trace.translation.source_reading.text) - len(choice.text)
            ends = choice.card.generation.ends
            translation_stage(trace, story, ends, task=task, below=below)
        else:
            translation_tensors(trace, at)
            below()
        translation_towers(trace, story, at)


def alignment(setup: Setup) -> None:
    """Which source words each target word attends to."""
    translation_change(setup)
    translation_alignment(setup.trace, setup.choice)


def compare(setup: Setup) -> None:
    """The translation beside others."""
    translation_change(setup)
    translation_compare(setup.trace, setup.choice)


VIEWS = (
    View(
        "Step by step",
        step_by_step,
        (*SEARCHING, controls.HYPOTHESIS, *ATTENTION),
        pictures=("translation-stage", "translation-part-"),
        recipes=(
            recipes.step,
            recipes.written,
            recipes.candidates,
            recipes.representation,
            recipes.beam_tree,
        ),
    ),
    View(
        "Alignment",
        alignment,
        (*SEARCHING, *ATTENTION, controls.WHOLE_WORDS),
        pictures=("translation-alignment",),
        recipes=(recipes.aligned,),
    ),
    View(
        "Compare",
        compare,
        (*SEARCHING, controls.AGAINST, controls.MODELS),
        pictures=("translation-compared",),
        recipes=(recipes.compared,),
    ),
)


def page() -> None:
    """Draw the page."""
    choice = frame("Translation", families=("encoder-decoder",), text_label="Text to translate")
    with sentences():
        wrong_language(choice)
        with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
            view = choose_view(VIEWS, choice.card.family, key="show")
            setup = translation_setup(choice)
        with st.container():
            translation_result(setup)
        found = setup.trace.translation
        say_aloud(found.texts[setup.trace.place], key="aloud-result")
        view.draw(setup)
