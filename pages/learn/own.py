"""Own lessons on Learn: those that somebody writes, those of a school, those that were shared.

They stand in a chapter of their own and play, print and grade as the course's do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import streamlit as st

from engine.errors import EngineError
from engine.learn.authoring import opened
from engine.learn.drafts import TYPED, Draft
from engine.learn.lessons import Lesson
from engine.learn.reader import LARGEST, decoded
from engine.settings import settings
from pages.shell.address import plain
from pages.shell.lesson import collection
from pages.shell.lesson.course import query_of
from pages.shell.lesson.own import acts, shelf
from pages.shell.lesson.own.checking import check
from pages.shell.lesson.own.leaving import leaving, said
from pages.shell.lesson.progress import Progress
from pages.shell.menu import FILES

EMPTY = (
    "None yet. A lesson is a few views, each with a text and a question of yours. Choose a view on "
    "any page, then **Share** and **Add this view to a lesson**: you write beside it. Or begin "
    "with one of these."
)
OPEN_BESIDE = (
    "“{title}” is open. Go to a page in the menu above, choose what it shows, and add its view."
)
UNREADABLE = "{name}, {error}"


def own_lessons(reached: Progress) -> None:
    """Draw the chapter."""
    here = shelf.own()
    st.subheader("Own lessons", anchor="own-lessons")
    said()
    if not here.drafts:
        st.markdown(EMPTY)
    for name, draft in reversed(here.drafts.items()):
        _draft(name, draft, reached)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button("New lesson", key="own-new", icon=":material/add:", on_click=acts.begin)
        _open_file()
        if here.before:
            st.button("Undo", key="own-undo-learn", type="tertiary", on_click=acts.undo)
    if here.drafts:
        st.caption(
            "This browser keeps nothing: save your lessons as files before you leave."
            if here.unkept
            else "Your lessons are kept in this browser alone, until you save or share them."
        )
    school = collection.schools()
    for problem in school.problems:
        st.warning(plain(problem), icon=":material/description:")
    if school.lessons:
        st.markdown("**From your school**")
        _others(school.lessons.values(), reached)
    shared = list(collection.opened())
    if shared:
        st.markdown("**Shared with you in this visit**")
        _others(shared, reached)


def _draft(name: str, draft: Draft, reached: Progress) -> None:
    lacks, count = acts.missing(name, draft), len(draft.steps)
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{plain(draft.named)}**")
        steps = f"{count} step{'' if count == 1 else 's'}"
        where = "" if lacks else _where(name, count, reached)
        st.caption(f"{steps}{where}." + (f" Not finished: {plain(lacks)}" if lacks else ""))
        if not count and shelf.own().editing == (name, 0):
            st.info(OPEN_BESIDE.format(title=plain(draft.named)), icon=":material/edit:")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            _button("Edit", f"edit-{name}", "edit", partial(acts.edit, name))
            if not lacks:
                _button("Play", f"play-{name}", "play_circle", partial(acts.attempt, name))
            with st.popover("Save, share", icon=":material/share:"):
                leaving(name, draft, name)
            _button("Delete", f"drop-{name}", "delete", partial(acts.drop, name))


def _button(label: str, key: str, icon: str, on_click: Callable[[], None]) -> None:
    st.button(label, key=key, icon=f":material/{icon}:", on_click=on_click)


def _others(lessons: Iterable[Lesson], reached: Progress) -> None:
    for lesson in lessons:
        done = lesson.id in reached.done
        st.page_link(
            FILES[lesson.steps[0].page],
            label=plain(lesson.title),
            icon=f":material/{'check_circle' if done else 'radio_button_unchecked'}:",
            query_params=query_of(lesson, 1),
        )
        where = _where(lesson.id, len(lesson.steps), reached)
        st.caption(
            f"{lesson.minutes} minutes{where}. You can say afterwards: {plain(lesson.can_say)}"
        )
        st.button(
            "Edit a copy",
            key=f"copy-{lesson.id}",
            type="tertiary",
            icon=":material/content_copy:",
            on_click=acts.edit_copy,
            args=(lesson,),
        )


def _where(name: str, count: int, reached: Progress) -> str:
    at = reached.at.get(name, 0)
    return ", finished" if name in reached.done else f", at step {at} of {count}" if at else ""


def _open_file() -> None:
    """A file of a lesson, sent or pasted."""
    here = shelf.own()
    # A file that was opened closes it: another key is another popover.
    opener = st.popover(
        "Open a file",
        icon=":material/upload_file:",
        key=f"own-opener-{here.stamp}",
        on_change="rerun",
    )
    if not opener.open:
        return
    with opener:
        if settings().uploads == "yes":
            given = st.file_uploader(
                f"A lesson's file, .toml, at most {LARGEST // 1000} kB",
                type="toml",
                max_upload_size=1,
                key=f"own-file-{here.stamp}",
            )
            if given is not None and _taken(given.name, given.getvalue()):
                st.rerun()
        text = st.text_area(
            "Or the text of such a file",
            key=f"own-pasted-{here.stamp}",
            max_chars=LARGEST,
            height=120,
        )
        if st.button("Open", key="own-open", disabled=not text.strip()):
            if _taken("The text", text[:LARGEST].encode(errors="replace")):
                st.rerun()


def _taken(name: str, raw: bytes) -> bool:
    """Whether a file became one of the own lessons; says in which line it is wrong where not."""
    try:
        shelf.begin(opened(decoded(raw), check))
    except EngineError as error:
        sentence = UNREADABLE.format(name=name[:80], error=error)
        st.error(plain(sentence, TYPED), icon=":material/info:")
        return False
    return True
