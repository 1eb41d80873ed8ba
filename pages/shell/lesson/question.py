"""A step's question: asked, answered, graded against the model and the text at hand.

One nudge after a wrong answer, then "Show me"; nothing bars the way on. What was answered is kept
with what it was graded against, in the session alone: `lesson-answers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from engine.errors import EngineError
from engine.learn import grading
from engine.learn.asking import Asked
from engine.learn.grading import Posed, Verdict
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.lesson import course, models, progress
from pages.shell.lesson.course import Now
from pages.shell.lesson.cover import cover
from pages.shell.lesson.words import markdown
from pages.shell.state import state

ANSWERS = "lesson-answers"  # session key
TYPED = 200  # characters of an answer


@dataclass(frozen=True)
class Given:
    """The first answer to a question, and what it was graded against."""

    given: str
    right: bool
    model: str
    text: str
    answer: str


@st.fragment
def question(now: Now) -> None:
    """Ask the step's question; answering runs this alone. The last one ends the lesson."""
    answered = now.step.question is not None and _ask(now)
    if now.last:
        ending(now)
        if answered:
            progress.note_finished(now.lesson)


def _ask(now: Now) -> bool:
    """Ask; whether it was answered right by now, or shown."""
    asked = Asked(engine(), str(st.session_state["model"]), state().text)
    try:
        posed = grading.pose(now.step, asked)
    except EngineError as error:
        no_question(now, asked, str(error))
        return False
    key = key_of(now, asked)
    given = widget(posed, key)
    shown = bool(st.session_state.get(f"{key}-shown"))
    verdict = None if given is None else grading.grade(posed, given)
    guessed = verdict is not None and not verdict.again
    if posed.question.guess_first and not guessed and not shown:
        cover(key)
    if verdict is not None and verdict.again:  # no answer yet: nothing is kept of it
        st.caption(markdown(verdict.sentence))
    elif verdict is not None:
        _keep(now, posed, given, verdict)
        if verdict.right:
            st.success(markdown(verdict.sentence), icon=":material/check_circle:")
            _revealed(posed)
            return True
        st.warning(markdown(verdict.sentence), icon=":material/lightbulb:")
    if shown:
        answer = f"**{plain(grading.right_text(posed))}.** {markdown(grading.because(posed))}"
        st.info(answer, icon=":material/visibility:")
        _revealed(posed)
    elif verdict is not None and not verdict.again:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("Try once more, or", width="content")
            st.button("Show me", key=f"{key}-show", on_click=_show, args=(key,))
    return shown


def ending(now: Now) -> None:
    """What one can say now, and how many of the questions were right at the first answer."""
    found = [
        given
        for (lesson, _), given in st.session_state.get(ANSWERS, {}).items()
        if lesson == now.lesson.id
    ]
    said = f"Now you can say: {plain(now.lesson.can_say)}"
    if found:
        right = sum(one.right for one in found)
        said += f" You predicted {right} of {len(found)} right at once."
    st.markdown(said)


def widget(posed: Posed, key: str) -> str | float | Sequence[str] | None:
    """Draw what is answered with; the answer, None where there is none yet."""
    asked = posed.question
    label = markdown(asked.ask)
    match asked.form:
        case "choice":
            texts = [one.text for one in posed.choices]
            return st.radio(label, texts, index=None, key=key, format_func=plain)
        case "order":
            names = [one.text for one in posed.choices]
            return (
                st.multiselect(
                    label,
                    names,
                    key=key,
                    format_func=plain,
                    placeholder="Choose all, the first first",
                )
                or None
            )
        case "estimate":
            low, high = asked.low, asked.high
            step = 1.0 if high - low >= 20 else (high - low) / 100
            value = st.slider(label, low, high, (low + high) / 2, step, key=key, format="%g")
            done = f"{key}-checked"
            st.button("Check", key=f"{key}-check", on_click=_check, args=(done, key))
            return value if st.session_state.get(done) == value else None
        case _:
            hint = "a number" if asked.form == "number" else "a word"
            return st.text_input(label, key=key, max_chars=TYPED, placeholder=hint) or None


def _revealed(posed: Posed) -> None:
    words = grading.revealed(posed)
    if words:
        st.markdown(markdown(words))


def no_question(now: Now, asked: Asked, why: str) -> None:
    """Say why this text or model gives no question, and offer the lesson's own."""
    if now.step.question is not None:
        st.markdown(markdown(now.step.question.ask))
    st.info(plain(why), icon=":material/info:")
    own_is_here = models.is_here(now.step.model)
    if own_is_here and (asked.model, asked.text) != (now.step.model, now.step.sentence):
        own = partial(course.open_step, now.lesson, now.number, own_text=False)
        if st.button("Use the lesson's own text and model", key="lesson-own", on_click=own):
            st.rerun()  # the page, not the question alone


def key_of(now: Now, asked: Asked) -> str:
    """A question is asked anew for another model or text."""
    about = hashlib.blake2b(f"{asked.model}|{asked.text}".encode(), digest_size=6).hexdigest()
    return f"lesson-{now.lesson.id}-{now.number}-{about}"


def _keep(now: Now, posed: Posed, given: object, verdict: Verdict) -> None:
    answers = st.session_state.setdefault(ANSWERS, {})
    asked = posed.asked
    answers.setdefault(
        (now.lesson.id, now.number),
        Given(str(given)[:TYPED], verdict.right, asked.model, asked.text, posed.answer.shown),
    )


def _check(done: str, key: str) -> None:
    st.session_state[done] = st.session_state[key]


def _show(key: str) -> None:
    st.session_state[f"{key}-shown"] = True
