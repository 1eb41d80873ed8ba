"""Activation patching: two sentences, what is restored, the map, and the numbers of a cell."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.jobs.registry import Job
from engine.models.bundle import Card
from engine.patching.contrast import Contrast, Experiment, Part
from engine.patching.restoring import Patched
from engine.values import Side
from pages.attention import interventions, recipes
from pages.attention.controls import PAGE
from pages.attention.patching import picture as view
from pages.attention.patching import words
from pages.attention.patching.pairs import PAIRS, Pair
from pages.attention.patching.words import NAMES, Called
from pages.pictures.names import quoted
from pages.shell.address import set_text
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.controls import Control, built
from pages.shell.fragments import Runs, fragment
from pages.shell.frame import Choice, plain, select, selection, sentences
from pages.shell.share import share_menu
from pages.shell.state import state
from pages.shell.tables import read_aloud

EVERY = 0.3  # seconds between two looks at a patching
SOON = 0.1  # seconds
RESTORED: dict[str, Part] = {name: part for part, name in NAMES.items()}
CORRUPTED_CONTROL = Control(
    "corrupted",
    "Corrupted sentence",
    page=PAGE,
    widget="text",
    longest=600,
    placeholder="The sentence above with a word changed, in as many tokens",
    help="The clean sentence is the text above. Both must have equally many tokens.",
)
PART_CONTROL = Control(
    "restore",
    "Restored",
    tuple(RESTORED),
    page=PAGE,
    help="What of the clean run is put into the corrupted run, one token in one layer at a time.",
)
RIGHT_CONTROL = Control(
    "clean_answer",
    "Answer of the clean run",
    page=PAGE,
    widget="text",
    longest=80,
    width=220,
    placeholder="its most likely token",
    help="The token whose logit counts for the clean run.",
)
WRONG_CONTROL = Control(
    "corrupted_answer",
    "Answer of the corrupted run",
    page=PAGE,
    widget="text",
    longest=80,
    width=220,
    placeholder="its most likely token",
    help="The token whose logit counts against it.",
)
OF_PATCHING = (CORRUPTED_CONTROL, PART_CONTROL, RIGHT_CONTROL, WRONG_CONTROL)
TITLE = "Activation patching"
CAVEAT = (
    "Restoring asks what is enough to bring the answer back; what is needed for it is asked by "
    "ablating (view What if). Another pair of sentences may give another map."
)


def attention_patching(choice: Choice) -> None:
    """Ask for the two sentences; draw the map as it grows, and the numbers of one cell."""
    own = {pair.clean: pair.corrupted for pair in _pairs(choice)}
    corrupted = str(CORRUPTED_CONTROL.check(default=own.get(choice.text.strip(), "")))
    answers = str(RIGHT_CONTROL.check()), str(WRONG_CONTROL.check())
    part = RESTORED[str(PART_CONTROL.check())]
    CORRUPTED_CONTROL.draw()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        PART_CONTROL.draw()
        with st.popover(
            "Answers", icon=":material/compare_arrows:", key="patching-answers", on_change="rerun"
        ) as place:
            if built(place, RIGHT_CONTROL, WRONG_CONTROL):
                RIGHT_CONTROL.draw()
                WRONG_CONTROL.draw()
        with st.popover(
            "Ready pairs",
            icon=":material/format_list_bulleted:",
            key="patching-pairs",
            on_change="rerun",
        ) as place:
            if place.open:
                _ready(choice)
    if not corrupted.strip():
        st.info(
            "Activation patching needs a second sentence: the clean one above with a word "
            "changed. Type it, or choose one of the ready pairs.",
            icon=":material/info:",
        )
        _ready(choice, at="below")
        return
    with sentences():
        asked = Experiment(choice.model, choice.text, corrupted, part, answers)
        _patching(choice.card, asked)


def _patching(card: Card, asked: Experiment) -> None:
    contrast = engine().contrast(asked)
    called = _called(card, asked, contrast)
    job = engine().patching(asked)
    if job is None or (job.stopped and st.session_state.pop("patching-again", False)):
        job = engine().patch(asked, viewer=state().viewer)
        job.wait(SOON)  # what is kept comes whole at once
    live = not job.done
    st.caption(plain(words.runs_said(contrast, called)))
    for note in _notes(asked, contrast):
        st.caption(plain(note))
    fragment(_watch, EVERY if live else None, asked, called)
    # Outside of the fragment: a press must run the page.
    if live:
        st.button(
            "Stop", key="patching-stop", icon=":material/stop:", on_click=partial(_stop, asked)
        )
        return
    if job.error is not None and not job.stopped:
        raise job.error
    if job.stopped:
        st.button(
            "Continue",
            key="patching-continue",
            icon=":material/play_arrow:",
            on_click=partial(st.session_state.__setitem__, "patching-again", True),
        )
    found = _found(job)
    if found is not None and found.rows_done == len(found.differences):
        _files(found, called)
    st.caption(CAVEAT)


def _watch(runs: Runs, asked: Experiment, called: Called) -> None:
    """The map of by now beside the numbers of the cell that is looked at."""
    job = engine().patching(asked)
    if job is None:
        return
    if not job.done:
        job.watch(state().viewer)
    found = _found(job)
    if found is not None:
        _drawn(found, called)
    if not job.done:
        st.progress(job.progress, text=plain(job.stage or "Reading both sentences"))
    elif not runs.first:
        st.rerun()


def _drawn(found: Patched, called: Called) -> None:
    chosen = selection("cell", lambda ids: view.parsed(ids, found) is not None, name="Cell")
    at = view.parsed(chosen, found) or view.best_cell(found)
    title = f"{TITLE}: {NAMES[found.experiment.part].lower()}"
    says = words.said(found, called)
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        svg = view.patching_map(found, called, at=at, title=title)
        picture(
            svg,
            key="patching-map",
            alt=f"{title}. {says}",
            locked=chosen,
            on_lock=lambda ids: select("cell", ids),
        )
    with right:
        st.markdown(plain(says))
        cell = words.cell_said(found, called, *at)
        picture(
            view.cell_bars(found, called, at, title="Logit difference of this cell"),
            key="patching-cell",
            alt=cell,
        )
        st.caption(plain(cell))


def _files(found: Patched, called: Called) -> None:
    chosen = selection("cell", lambda ids: view.parsed(ids, found) is not None)
    at = view.parsed(chosen, found) or view.best_cell(found)
    title = f"{TITLE}: {NAMES[found.experiment.part].lower()}"
    svg = view.patching_map(found, called, at=at, title=title)
    share_menu(
        "patching",
        python=partial(recipes.patching, found.experiment, called.tokens),
        svg=svg,
        data=lambda: words.table(found, called),
        title=title,
    )
    read_aloud("patching", lambda: words.table(found, called))


def _found(job: Job) -> Patched | None:
    return job.result or job.partial


def _stop(asked: Experiment) -> None:
    job = engine().patching(asked)
    if job is not None:
        job.cancel(state().viewer)


def _called(card: Card, asked: Experiment, contrast: Contrast) -> Called:
    side: Side = "decoder" if card.decoder else "encoder"
    every = [*contrast.clean.ids.tolist(), *contrast.corrupted.ids.tolist(), *contrast.answers]
    texts = engine().texts(asked.model, every, side)
    count = len(contrast.clean)
    return Called(
        words.tokens(texts[:count], texts[count : 2 * count]),
        (texts[-2], texts[-1]),
        interventions.where(card),
    )


def _notes(asked: Experiment, contrast: Contrast) -> list[str]:
    """What became of an answer that is several tokens."""
    return [
        f"{quoted(text.strip())} is {count} tokens here: its first one is compared."
        for text, count in zip(asked.answers, contrast.pieces, strict=True)
        if count > 1
    ]


def _pairs(choice: Choice) -> tuple[Pair, ...]:
    """The ready pairs of a model's family, with its own mask in them."""
    card = choice.card
    mask = engine().texts(choice.model, [card.mask])[0] if card.mask is not None else ""
    return tuple(
        Pair(
            pair.name,
            pair.clean.replace("{mask}", mask),
            pair.corrupted.replace("{mask}", mask),
            pair.family,
        )
        for pair in PAIRS
        if pair.family == card.family and (mask or pair.family == "decoder")
    )


def _ready(choice: Choice, *, at: str = "list") -> None:
    """A button for each ready pair; one that this model cuts unequally cannot be pressed."""
    for number, pair in enumerate(_pairs(choice), 1):
        counts = [
            len(engine().tokenized(choice.model, text)) for text in (pair.clean, pair.corrupted)
        ]
        unequal = counts[0] != counts[1]
        st.button(
            plain(f"{pair.name}: “{pair.clean}” / “{pair.corrupted}”"),
            key=f"patching-pair-{at}-{number}",
            disabled=unequal,
            help=f"{counts[0]} and {counts[1]} tokens in this model" if unequal else None,
            on_click=partial(_take, pair),
        )


def _take(pair: Pair) -> None:
    set_text(pair.clean)
    st.session_state[CORRUPTED_CONTROL.key] = pair.corrupted
    for control in (RIGHT_CONTROL, WRONG_CONTROL):
        st.session_state[control.key] = ""
    select("cell", None)
