"""Translation: an encoder reads, a decoder writes; shown step by step, aligned, compared."""

from __future__ import annotations

import streamlit as st

from engine.decoding.translation import Trace
from pages.shell import player
from pages.shell.client.aloud import say_aloud
from pages.shell.frame import Choice, frame, sentences
from pages.shell.views import View, choose_view
from pages.translation import controls
from pages.translation.alignment.section import translation_alignment
from pages.translation.compare.section import translation_compare
from pages.translation.hypotheses import hypothesis_list
from pages.translation.language import wrong_language
from pages.translation.setup import translation_result, translation_setup
from pages.translation.stage.section import translation_stage, translation_story
from pages.translation.steps.section import settle_step, translation_strip
from pages.translation.story import so_far
from pages.translation.tensors.section import translation_tensors, translation_towers

SEARCHING = (controls.SEARCH, controls.BEAMS, controls.LENGTH_PENALTY, controls.EARLY)
ATTENTION = (controls.LAYER, controls.HEAD, controls.NO_END)


def step_by_step(trace: Trace, choice: Choice) -> None:
    """One step of the finished translation, and every hypothesis that was finished."""
    plays = settle_step(trace)
    controls.check_attention(trace)
    st.fragment(_step, run_every=player.EVERY if plays else None)(trace, choice)
    hypothesis_list(trace)


def _step(trace: Trace, choice: Choice) -> None:
    """Moving in time runs only this, never the model."""
    with sentences():
        at = translation_strip(trace, choice)
        story = translation_story(trace, at)
        text, done = so_far(trace, at)
        say_aloud(text, key="aloud-written", done=done)
        if at.writing:
            task = len(trace.translation.source_reading.text) - len(choice.text)
            translation_stage(trace, story, choice.card.generation.ends, task=task)
        else:
            translation_tensors(trace, at)
        translation_towers(trace, story, at)


VIEWS = (
    View("Step by step", step_by_step, (*SEARCHING, controls.HYPOTHESIS, *ATTENTION)),
    View("Alignment", translation_alignment, (*SEARCHING, *ATTENTION, controls.WHOLE_WORDS)),
    View("Compare", translation_compare, (*SEARCHING, controls.AGAINST, controls.MODELS)),
)


def page() -> None:
    """Draw the page."""
    choice = frame("Translation", families=("encoder-decoder",), text_label="Text to translate")
    with sentences():
        wrong_language(choice)
        with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
            view = choose_view(VIEWS, choice.card.family, key="show")
            setup = translation_setup(choice)
        translation_result(setup)
        found = setup.trace.translation
        say_aloud(found.texts[setup.trace.place], key="aloud-result")
        view.draw(setup.trace, setup.choice)
