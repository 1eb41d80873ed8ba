"""Translation: one tower reads, the other writes, told step by step."""

import streamlit as st

from engine.translation import Trace
from pages.sections.translation_alignment import translation_alignment
from pages.sections.translation_compare import translation_compare
from pages.sections.translation_list import translation_list
from pages.sections.translation_setup import translation_setup
from pages.sections.translation_stage import (
    translation_ribbons,
    translation_stage,
    translation_story,
)
from pages.sections.translation_strip import translation_moment, translation_strip
from pages.sections.translation_tensors import translation_tensors, translation_towers
from pages.shell import playing
from pages.shell.frame import Choice, frame, sentences


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
        st.fragment(tell, run_every=playing.EVERY if plays else None)(trace, choice)
        translation_list(trace)
