"""How the text was cut: what happens before the algorithm, then one word, step by step."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.errors import EmptyText
from engine.tokenizers.tokenization_steps import Stages, Word
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.share import share_menu
from pages.tokenization import recipes
from pages.tokenization.controls import STEP
from pages.tokenization.steps import picture as cutting
from pages.tokenization.steps.picture import Readable
from pages.tokenization.steps.stages import before
from pages.tokenization.steps.stages import stages as draw_stages

CHARACTERS = 600
WORD = 60
PACE = 0.9  # seconds a step while playing


def tokenization_steps(choice: Choice) -> None:
    """Draw the stages of the text and the walk of the chosen word."""
    if not choice.text.strip():
        raise EmptyText("The text is empty. Type a word or choose a sample.")
    algorithm = engine().algorithm(choice.model)
    stages = engine().stages(choice.model, choice.text[:CHARACTERS])
    legal = {f"w{n}" for n, word in enumerate(stages.words) if word.added is None}
    chosen = selection("word", lambda ids: ids in legal, name="word")
    writing = engine().piece_writing(choice.model)
    read = cutting.readable(writing)
    number = int(chosen[1:]) if chosen else _interesting(stages, choice.model)
    _before(stages, algorithm, number, read, choice)
    if number is None:
        st.caption("The text has added tokens only, and those are never split.")
        return
    word = stages.words[number].text[:WORD]
    walk = engine().word_steps(choice.model, word)
    total = cutting.steps(walk)
    STEP.check(range(total + 1), default=total)
    st.subheader(f"{algorithm}, step by step")
    if len(stages.words[number].text) > WORD:
        st.caption(f"The first {WORD} of {len(stages.words[number].text):,} characters are shown.")
    _walk(choice.model, word, writing)


def _interesting(stages: Stages, model: str) -> int | None:
    """The word within reason that takes most steps: it has most to show."""
    own = [(n, w) for n, w in enumerate(stages.words) if w.added is None and w.text]
    fitting = [(n, w) for n, w in own if len(w.text) <= 24] or own

    def shows(pair: tuple[int, Word]) -> tuple[int, int]:
        text = pair[1].text[:WORD]
        return cutting.steps(engine().word_steps(model, text)), len(text)

    return max(fitting, key=shows)[0] if fitting else None


def _before(
    stages: Stages, algorithm: str, number: int | None, read: Readable, choice: Choice
) -> None:
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        picture(
            draw_stages(stages, read, algorithm),
            key="stages",
            alt=f"The text as typed, normalized, and split into {len(stages.words)} words",
            locked=None if number is None else f"w{number}",
            on_lock=partial(select, "word"),
        )
    with right:
        st.markdown(plain(before(stages, algorithm), 900))
        st.caption("Click a word to see how it is split.")
        if len(choice.text) > CHARACTERS:
            st.caption(f"The first {CHARACTERS} of {len(choice.text):,} characters are shown.")


def _walk(model: str, word: str, writing: str) -> None:
    playing = st.session_state.get("playing")
    st.fragment(_player, run_every=PACE if playing else None)(model, word, writing)


def _player(model: str, word: str, writing: str) -> None:
    """The walk with its slider; while playing it takes a step each time it runs."""
    walk, read = engine().word_steps(model, word), cutting.readable(writing)
    total = cutting.steps(walk)
    if st.session_state.get("playing") and not _step_on(total):
        st.rerun()
    step = _stepper(total) if total else 0
    left, right = st.columns([3.2, 1], gap="medium")
    svg = cutting.picture(walk, step, read)
    with left:
        picture(svg, key="walk", alt=cutting.sentence(walk, step, read))
    with right:
        st.markdown(plain(cutting.sentence(walk, step, read), 600))
        if step == total:
            st.markdown("Result: " + " ".join(f"`{_code(read(p))}`" for p in walk.pieces))
        share_menu(
            "steps",
            python=partial(recipes.steps, model, word),
            svg=svg,
            data=lambda: _data(model, word, writing),
            title=f"{word}",
        )


def _step_on(total: int) -> bool:
    """Take a step of the play; False when it is over. The first look is at where it begins."""
    if st.session_state["playing"] == "begin":
        st.session_state["playing"] = "on"
    elif st.session_state.get("step", total) < total:
        st.session_state["step"] += 1
    else:
        st.session_state["playing"] = None
    return st.session_state["playing"] is not None


def _stepper(total: int) -> int:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        step = int(STEP.draw())
        st.button(
            "Back", icon=":material/chevron_left:", on_click=_go, args=(-1, total), key="step-back"
        )
        st.button(
            "Next", icon=":material/chevron_right:", on_click=_go, args=(1, total), key="step-next"
        )
        playing = st.session_state.get("playing")
        if st.button(
            "Pause" if playing else "Play",
            icon=":material/pause:" if playing else ":material/play_arrow:",
            on_click=_toggle,
            args=(total,),
            key="step-play",
        ):
            st.rerun()
    return step


def _go(way: int, total: int) -> None:
    st.session_state["playing"] = None
    st.session_state["step"] = min(max(st.session_state.get("step", total) + way, 0), total)


def _toggle(total: int) -> None:
    st.session_state["playing"] = None if st.session_state.get("playing") else "begin"
    if st.session_state["playing"] and st.session_state.get("step", total) >= total:
        st.session_state["step"] = 0


def _code(text: str) -> str:
    return text.replace("`", "'")


def _data(model: str, word: str, writing: str) -> dict[str, list[str | int]]:
    walk, read = engine().word_steps(model, word), cutting.readable(writing)
    numbers = range(cutting.steps(walk) + 1)
    return {
        "step": list(numbers),
        "what happens": [cutting.sentence(walk, step, read) for step in numbers],
    }
