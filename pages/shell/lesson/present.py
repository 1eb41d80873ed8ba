"""A lesson before a class: the picture and the question in large type, and nothing else.

Each step has two faces, which are addresses (`present=question`, `present=answer`): Space, Page
Down or the right arrow goes from the question to its answer and on to the next step, Page Up,
Backspace or the left arrow goes back, Escape leaves, and the lesson's panel stands there again. Of
the page the view's own pictures stay, and the controls that the step points at. Where a model
writes, its picture is the answer: the question then has the text alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st
from streamlit.components.v2 import component

from engine.errors import EngineError
from engine.learn import grading
from engine.learn.asking import Asked
from engine.learn.grading import Posed
from engine.learn.lessons import Lesson
from pages.pictures import palette
from pages.shell.address import plain, selection
from pages.shell.cache import engine
from pages.shell.components import script, styles
from pages.shell.lesson import course, highlights
from pages.shell.lesson.course import PRESENT, Now, query_of
from pages.shell.lesson.words import markdown
from pages.shell.links import embed
from pages.shell.menu import FILES
from pages.shell.state import state

QUESTION, ANSWER = "question", "answer"
FACES = (QUESTION, ANSWER)
KEY, BAR, KEYS = "atlas-present", "atlas-present-bar", "atlas-present-keys"
WRITERS = ("Decoding", "Prompting")  # pages whose pictures are what a model writes
# On Decoding, what a question about the next token is answered by stands below the view.
BARS, LENS = ("decoding-bars",), ("decoding-layers",)
BELOW = {"settles_at": LENS} | dict.fromkeys(
    ("top_token", "top_probability", "likelier", "rank_of", "rank_of_end", "entropy", "kept")
    + ("vocabulary_size", "order_matters", "change_of_top", "survives", "top_fill"),
    BARS,
)
Face = tuple[int, str]  # a step, from 1, and which face of it


def face() -> str | None:
    """Which face is shown, None where nothing is presented; call it once a run, in a lesson."""
    return selection(PRESENT, FACES, name="Presentation")


def query(lesson: Lesson, number: int = 1) -> dict[str, str]:
    """The address of a step as it is presented."""
    return query_of(lesson, number) | {PRESENT: QUESTION}


def onward(lesson: Lesson, at: Face) -> Face | None:
    """The face that follows; None at the end."""
    number, shown = at
    if shown == QUESTION and lesson.steps[number - 1].question is not None:
        return number, ANSWER
    return (number + 1, QUESTION) if number < len(lesson.steps) else None


def backward(lesson: Lesson, at: Face) -> Face | None:
    """The face before; None at the beginning."""
    number, shown = at
    if shown == ANSWER:
        return number, QUESTION
    if number == 1:
        return None
    return number - 1, QUESTION if lesson.steps[number - 2].question is None else ANSWER


def present_button(now: Now) -> None:
    """The way in, beside "Print"."""
    st.button(
        "Present",
        key="lesson-present",
        type="tertiary",
        icon=":material/slideshow:",
        on_click=_show,
        args=(now, (now.number, QUESTION)),
    )


def present(now: Now, shown: str) -> None:
    """Draw a face's frame and keep the place of its question, which `ask` fills."""
    if now.step.page != state().page:
        go = query(now.lesson, now.number) | {PRESENT: shown}
        st.switch_page(FILES[now.step.page], query_params=go)
    here = state()
    here.bare = partial(_bare, now, shown)
    st.html(_style(now))
    with st.container(key=KEY, gap="small"):
        if now.step.question is not None:
            with st.container(key="atlas-present-said"):
                st.markdown(markdown(now.step.text))
        place = st.container(gap="small")
        if shown == QUESTION and now.step.page in WRITERS:
            with st.container(key="atlas-present-text"):
                st.markdown(f"“{plain(here.text)} …”")
        at = f"{now.lesson.id} {now.number} {shown}"
        _keys(key=KEYS, data={"at": at}, on_go_change=_pressed(now, (now.number, shown)))
    _bar(now, (now.number, shown))
    here.lesson_place = (place, shown, now)


def ask(now: Now, shown: str) -> None:
    """Draw the question, and its answer where that is shown; a step without one has its text."""
    if now.step.question is None:
        st.markdown(f"# {markdown(now.step.text)}")
        return
    try:
        posed = grading.pose(
            now.step, Asked(engine(), str(st.session_state["model"]), state().text)
        )
    except EngineError as error:
        st.markdown(f"# {markdown(now.step.question.ask)}")
        st.info(plain(str(error)), icon=":material/info:")
        return
    st.markdown(f"# {markdown(posed.question.ask)}")
    _choices(posed, shown)
    if shown == ANSWER:
        _answer(now, posed)


def _choices(posed: Posed, shown: str) -> None:
    with st.container(key="atlas-present-choices"):
        for place, one in enumerate(posed.choices):
            right = shown == ANSWER and place == posed.right
            with st.container(key=f"present-{'right' if right else 'choice'}-{place}"):
                mark = ":material/check_circle: " if right else ""
                st.markdown(f"{mark}**{chr(65 + place)}**&ensp;{plain(one.text)}")


def _answer(now: Now, posed: Posed) -> None:
    with st.container(key="atlas-present-answer", gap="small"):
        said = [markdown(grading.because(posed)), markdown(grading.revealed(posed))]
        if posed.right < 0:
            said.insert(0, f"**{plain(grading.right_text(posed))}.**")
        if now.last:
            said.append(f"Now you can say: {plain(now.lesson.can_say)}")
        st.markdown(" ".join(part for part in said if part))


def _bar(now: Now, at: Face) -> None:
    """Where one is, and the keys as buttons, for whoever has none."""
    lesson, (number, _) = now.lesson, at
    before, after = backward(lesson, at), onward(lesson, at)
    with st.container(key=BAR, horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(
            f"Lesson {lesson.id}: {plain(lesson.title)} · {number} of {len(lesson.steps)}"
            " · T: text",
            width="stretch",
        )
        _way("Back", now, before)
        _way("Answer" if after and after[0] == number else "Next", now, after)
        _way("Leave", now, None, ends=True)


def _way(label: str, now: Now, to: Face | None, *, ends: bool = False) -> None:
    st.button(
        label,
        key=f"present-{label.lower()}",
        type="tertiary",
        disabled=to is None and not ends,
        on_click=_show,
        args=(now, to),
    )


def _pressed(now: Now, at: Face) -> Callable[[], None]:
    """What a key does: it comes as 1, -1, or 0 to leave."""

    def press() -> None:
        way = dict(st.session_state.get(KEYS) or {}).get("go")
        if way == 0:
            _show(now, None)
        elif way in (1, -1):
            to = onward(now.lesson, at) if way == 1 else backward(now.lesson, at)
            if to is not None:
                _show(now, to)

    return press


def _show(now: Now, to: Face | None) -> None:
    """Turn to a face, or end the presentation where there is none (in a callback)."""
    if to is None:
        state().values[PRESENT] = None
    elif to[0] == now.number:
        state().values[PRESENT] = to[1]
    else:
        course.open_step(now.lesson, to[0], also={PRESENT: to[1]})


def _bare(now: Now, shown: str, pictures: Sequence[str]) -> None:
    """Hide all of the page but its pictures, the controls of the step, and what goes wrong."""
    asked = now.step.question
    seen = pictures
    if now.step.page in WRITERS:
        below = BELOW.get(asked.answer) if asked and now.step.page == "Decoding" else None
        seen = () if shown == QUESTION else below or pictures
    controls = [one.name for one in now.step.highlights if one.means == "control"]
    keys = [f"{before}{name}" for name in controls for before in ("", "set-")]
    embed.leave(seen, also=(KEY, BAR, *keys))


def _style(now: Now) -> str:
    dark = st.context.theme.type == "dark"
    names = {"ground": palette.PAPER, "quiet": palette.MUTED, "line": palette.LINE,
             "right": palette.ACCENT, "highlight": palette.HIGHLIGHT}  # fmt: skip
    colours = {name: palette.hexadecimal(value, dark=dark) for name, value in names.items()}
    values = "".join(f"--present-{name}:{value};" for name, value in colours.items())
    pointed = highlights.controls_pointed_at(now.step, colours["highlight"])
    return f"<style>:root{{{values}}}{styles('present.css')}{pointed}</style>"


_keys = component("atlas_present", html="<span hidden></span>", js=script("present.js"))
