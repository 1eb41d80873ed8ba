"""Source, ribbons, written tokens, candidates and beam tree at one moment; forcing a candidate."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import streamlit as st

from engine.decoding.translation import Trace
from pages.pictures.svg import visible
from pages.shell.components import picture
from pages.shell.frame import plain, select, selection
from pages.shell.share import share_menu
from pages.shell.state import state
from pages.shell.tables import read_aloud
from pages.translation import changes, controls, recipes, tables
from pages.translation.stage.picture import stage
from pages.translation.story import Moment, Story, number, percent, place_of, story_of
from pages.translation.swaps import LONGEST, Swap, clean, word_at
from pages.translation.tensors.picture import softmax_table

_IDS = re.compile(r'data-id="([a-z0-9.]+)"')


def translation_story(trace: Trace, at: Moment) -> Story:
    """What is drawn at a moment, with the ribbons that were chosen."""
    layer, head = str(controls.LAYER.value), str(controls.HEAD.value)
    end_mark = not controls.NO_END.value
    return story_of(trace, at, layer=place_of(layer), head=place_of(head), end_mark=end_mark)


def translation_stage(
    trace: Trace,
    story: Story,
    ends: tuple[int, ...],
    *,
    task: int = 0,
    below: Callable[[], None],
) -> None:
    """Draw the stage with its controls, then the softmax.

    `ends` are the ids that end a text; the first `task` characters of the source say what to do.
    `below` draws what stands right under the picture.
    """
    drawn = stage(story, ends=ends)
    locked = selection("pick", _IDS.findall(drawn), name="Pick")
    picture(
        drawn,
        key="translation-stage",
        alt=f"Source, cross-attention, {story.shown} written tokens, candidates and beam tree",
        locked=locked,
        on_lock=partial(select, "pick"),
        on_act=partial(_act, trace),
    )
    if locked and locked.startswith("s"):
        _replace(trace, int(locked[1:]), task)
    below()
    st.caption(
        "Ribbons: the fewest source tokens that carry 75 % of each token's attention; width = "
        "weight. Attention is not an explanation of the choice. Click a candidate to continue with "
        "it, a source word to replace it. · is a space."
    )
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        for control in (controls.LAYER, controls.HEAD, controls.NO_END):
            control.draw()
        share_menu(
            "translation",
            python=partial(
                recipes.written,
                trace,
                place_of(str(controls.LAYER.value)),
                place_of(str(controls.HEAD.value)),
                end_mark=not controls.NO_END.value,
            ),
            svg=drawn,
            data=partial(tables.written, story),
            title="Translation",
        )
    _softmax(trace, story, len(story.target) - 1 if story.now is None else story.now)


def _act(trace: Trace, target: str, name: str) -> None:
    """Write the candidate `c3.417` and let the model go on from there, or take that back."""
    if name == "undo":
        changes.unforce()
        return
    place, token = (int(part) for part in target[1:].split("."))
    written = trace.translation.written(trace.place)
    changes.change(forced="-".join(map(str, (*written[:place], token))))


def _replace(trace: Trace, place: int, task: int) -> None:
    """A box for another word in the place of a source word."""
    source, reading = trace.translation.source, trace.translation.source_reading
    start, stop = source.spans[place].tolist()
    if start >= stop or start < task or source.text != reading.text:
        st.caption("This token is not part of your text, so it cannot be replaced.")
        return
    start, stop = word_at(reading.text, start, stop)
    word = visible(reading.text[start:stop], limit=24)
    name = f"translation-swap-{start}-{stop}"

    def swap() -> None:
        new = clean(st.session_state[name])
        given = str(state().values.get("swap") or "")
        if new and new != reading.text[start:stop]:
            one = str(Swap(start - task, stop - task, new))
            changes.change(swap="~".join([given, one]) if given else one, forced=None)

    st.text_input(
        f"Replace “{plain(word)}” with",
        key=name,
        max_chars=LONGEST,
        placeholder="a word, then Enter",
        on_change=swap,
        width=320,
    )


def _softmax(trace: Trace, story: Story, t: int) -> None:
    left, right = st.columns([5, 3], gap="large")
    drawn, scored = softmax_table(story, t), story.scored
    with left:
        picture(
            drawn,
            key="translation-softmax",
            alt=f"The most likely tokens at position {t + 1} with logits and probabilities",
        )
    with right:
        st.markdown(f"**The softmax behind token {t + 1}**")
        choices = 2 ** float(scored.entropy[t])
        st.caption(
            plain(
                f"S = {number(float(scored.log_sum[t]))} is the logarithm of the sum of e^logit "
                f"over all tokens. {story.target[t]} gets "
                f"{percent(float(scored.probabilities[t]))} and has rank "
                f"{scored.rank[t]:,}. The entropy, {scored.entropy[t]:.2f} bits, is that of "
                f"{choices:.1f} equally likely tokens."
            )
        )
        share_menu(
            "softmax",
            python=partial(recipes.candidates, trace, t),
            svg=drawn,
            data=partial(tables.candidates, story, t),
            title="Softmax",
        )
    read_aloud("softmax", partial(tables.candidates, story, t))
