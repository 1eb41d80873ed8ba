"""The choices of a question while it is written: the answer's own candidates, or the author's."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine.errors import EngineError
from engine.learn import drafts, grading, offers
from engine.learn.answers import Answer
from engine.learn.drafts import TYPED, DraftChoice, DraftQuestion
from engine.learn.reader import LONGEST
from pages.shell.address import plain
from pages.shell.lesson.own import shelf

MOST = 6
RIGHT_WHERE = "The word or the number that the answer then is; also `1 to 10`, or `about 10`."
BECAUSE = "Said to who chooses it wrongly, at most 40 words; {answer} stands for the right one."


def choices(name: str, at: int, own: DraftQuestion, answer: Answer | None) -> None:
    """Draw the choices."""
    if not own.choices:
        offered = [one.name for one in answer.candidates[: grading.MOST]] if answer else []
        if len(offered) >= 2:
            st.caption(f"Offered are the answer's own best: {plain(', '.join(offered))}.")
        _button("Write the choices myself", name, at, "write", partial(_written, answer))
        return
    for place, one in enumerate(own.choices):
        _row(name, at, place, one, answer)
    with st.container(horizontal=True, gap="small"):
        more = (*own.choices, DraftChoice())
        _button("Add a choice", name, at, "more", lambda _: more, off=len(more) > MOST)
        if answer is None or len(answer.candidates) >= 2:
            _button("Offer the answer's own", name, at, "own", lambda _: ())
    wrong = _none_right(own, answer)
    if wrong:
        st.caption(f":material/info: {plain(wrong)}")


def _row(name: str, at: int, place: int, one: DraftChoice, answer: Answer | None) -> None:
    number = answer is not None and not isinstance(answer.value, str)
    number = number or (answer is None and not isinstance(one.value, str))
    with st.container(border=True, gap="xsmall"):
        left, right = st.columns([3, 2], gap="small")
        key = _key(name, at, f"choice-{place}")
        left.text_input(
            f"Choice {place + 1}",
            one.text,
            key=key,
            max_chars=LONGEST["choice"],
            on_change=partial(_change, name, at, place, key, "text", number),
        )
        key = _key(name, at, f"right-{place}")
        right.text_input(
            "Right where",
            offers.right_words(one),
            key=key,
            max_chars=LONGEST["choice"],
            help=RIGHT_WHERE,
            on_change=partial(_change, name, at, place, key, "right", number),
        )
        key = _key(name, at, f"because-{place}")
        st.text_input(
            "Why it is wrong",
            one.because,
            key=key,
            max_chars=TYPED,
            help=BECAUSE,
            on_change=partial(_change, name, at, place, key, "because", number),
        )
        _button(
            f"Delete choice {place + 1}",
            name,
            at,
            f"drop-{place}",
            lambda had: (*had[:place], *had[place + 1 :]),
        )


def _change(name: str, at: int, place: int, key: str, part: str, number: bool) -> None:
    """Put what a field holds into its choice (a callback)."""
    question = shelf.own().drafts[name].steps[at].question
    if question is None or place >= len(question.choices):
        return
    text = str(st.session_state[key])[:TYPED]
    parts: dict[str, Any] = {part: text}
    if part == "right":
        parts = offers.right_of(text, number=number)
    rows = list(question.choices)
    rows[place] = replace(rows[place], **parts)
    _put(name, at, tuple(rows), typed=True)


def _written(answer: Answer | None, _: tuple[DraftChoice, ...]) -> tuple[DraftChoice, ...]:
    """The answer's own candidates as choices that can be changed; two empty ones without."""
    found = [DraftChoice(one.name, one.name) for one in answer.candidates[:4]] if answer else []
    return tuple(found) if len(found) >= 2 else (DraftChoice(), DraftChoice())


def _none_right(own: DraftQuestion, answer: Answer | None) -> str:
    """Say so where no choice is right for the step's own text, or more than one."""
    if answer is None:
        return ""
    try:
        grading.right_place([drafts.as_choice(one) for one in own.choices], answer)
    except EngineError as error:
        return str(error)
    return ""


def _button(label: str, name: str, at: int, part: str, change: Any, *, off: bool = False) -> None:
    def changed() -> None:
        question = shelf.own().drafts[name].steps[at].question
        if question is not None:
            _put(name, at, change(question.choices), typed=False)

    st.button(label, key=f"own-choices-{part}", type="tertiary", on_click=changed, disabled=off)


def _put(name: str, at: int, rows: tuple[DraftChoice, ...], *, typed: bool) -> None:
    draft = shelf.own().drafts[name]
    question = draft.steps[at].question
    if question is not None:
        changed = drafts.changed(draft, at, question=replace(question, choices=rows))
        shelf.keep(name, changed, typed=typed)


def _key(name: str, at: int, part: str) -> str:
    return f"own-{part}-{name}-{at}-{shelf.own().stamp}"
