"""Translation: one tower reads, the other writes, told step by step."""

import streamlit as st

from engine.decoding.translation import Trace
from pages.shell import player
from pages.shell.frame import Choice, frame, sentences
from pages.translation.alignment.section import translation_alignment
from pages.translation.compare.section import translation_compare
from pages.translation.hypotheses import translation_list
from pages.translation.setup import translation_setup
from pages.translation.stage.section import (
    translation_ribbons,
    translation_stage,
    translation_story,
)
from pages.translation.steps.section import translation_moment, translation_strip
from pages.translation.tensors.section import translation_tensors, translation_towers


def tell(trace: Trace, choice: Choice) -> None:
    """One moment of the finished translation; moving in time runs only this, never the model."""
    with sentences():
        at = translation_strip(trace, choice)
        story = translation_story(trace, at)
        if at.writing:
            task = len(trace.translation.source_reading.text) - len(choice.text)
            translation_stage(trace, story, choice.card.generation.ends, task=task)
        else:
            translation_tensors(trace, at)
        translation_towers(trace, story, at)


choice = frame("Translation", families=("encoder-decoder",), text_label="Text to translate")
with sentences():
    trace, view, choice = translation_setup(choice)
    if view == "Alignment":
        translation_alignment(trace, choice)
    elif view == "Compare":
        translation_compare(trace, choice)
    else:
        plays = translation_moment(trace)
        translation_ribbons(trace)
        st.fragment(tell, run_every=player.EVERY if plays else None)(trace, choice)
        translation_list(trace)
