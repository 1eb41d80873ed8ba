"""What the lesson's panel asks about a class: its line, and whose question is drawn.

A pupil's and a teacher's parts meet here, so that the panel knows neither.
"""

from __future__ import annotations

from pages.shell.lesson.classroom import following, leading
from pages.shell.lesson.classroom.answering import class_question
from pages.shell.lesson.classroom.membership import member
from pages.shell.lesson.course import Now
from pages.shell.state import state


def head(now: Now) -> None:
    """The class's line at the top of the panel; a teacher who goes on takes the class along."""
    if now.step.page == state().page:
        leading.bring(now)
    following.line(now)


def present(now: Now, *, answer: bool) -> None:
    """Take the class along with what is presented; an answer on the wall is revealed to all."""
    if now.step.page != state().page:
        return
    leading.bring(now)
    if answer:
        leading.show(now)


def took_over(now: Now) -> bool:
    """Ask the step's question as a class is asked, or show a teacher the answers; whether so."""
    here = member()
    if here is None:
        return False
    if here.role == "teacher":
        leading.lead(now, here)
    else:
        class_question(now, here)
    return True
