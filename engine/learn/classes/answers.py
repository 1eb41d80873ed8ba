"""What the pupils of a class answered: the last answer of each, until the step's is revealed.

    hand_in(classes(), code, key, "3.1", 1, "banana", correct=True, own=True)

In: an answer that `engine.learn.grading` graded where the pupil's page is served. An answer to a
step that is not the class's, or whose answer was revealed, is refused. Out: to a pupil their own,
to the teacher all. Texts are bounded; what they say is nobody's markup.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from engine.errors import ClassClosed, NoClass
from engine.learn.classes.file import changing, is_led_by, number_of, reading, row_of
from engine.learn.classes.rooms import GONE, Classes

LONGEST = 200  # characters
MOST = 20_000  # answers of one class

MOVED = "The class is at another step now, so this answer was not counted."
SHOWN = "The answer was revealed, so no more are counted."
ENOUGH = "This class has {count:,} answers, and no more are kept."


@dataclass(frozen=True, slots=True)
class Given:
    """One answer: by whom, to what, whether right; `own`: to the lesson's own text and model.

    `at` are seconds since the class was opened.
    """

    number: int
    nickname: str
    lesson: str
    step: int
    given: str
    correct: bool
    own: bool
    at: int


def hand_in(
    classes: Classes, code: str, key: str, lesson: str, step: int, given: str, *, correct: bool,
    own: bool,
) -> None:  # fmt: skip
    """Keep a pupil's answer in the place of the one before.

    Raises `NoClass`, `ClassClosed`, `ClassesUnavailable`.
    """

    def keep(file: sqlite3.Connection, now: int) -> None:
        row, number = row_of(file, code, now), number_of(file, code, key)
        if row is None or number is None:
            raise NoClass(GONE)
        place = (code, lesson, step)
        if (row["lesson"], row["step"]) != (lesson, step):
            raise ClassClosed(MOVED)
        shown = "SELECT 1 FROM class_shown WHERE code = ? AND lesson = ? AND step = ?"
        if file.execute(shown, place).fetchone():
            raise ClassClosed(SHOWN)
        query = (
            "DELETE FROM class_answers WHERE code = ? AND lesson = ? AND step = ? AND number = ?"
        )
        if not file.execute(query, (*place, number)).rowcount:
            if row["answers"] >= MOST:
                raise ClassClosed(ENOUGH.format(count=MOST))
            counted = "UPDATE class_rooms SET answers = answers + 1 WHERE code = ?"
            file.execute(counted, (code,))
        kept = (number, given[:LONGEST], int(correct), int(own), now - row["opened"])
        file.execute("INSERT INTO class_answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*place, *kept))

    changing(classes.file, keep)


def own_answer(classes: Classes, code: str, key: str, lesson: str, step: int) -> str | None:
    """What a pupil has answered to a step; None where nothing."""

    def find(file: sqlite3.Connection, now: int) -> str | None:
        number = number_of(file, code, key)
        if row_of(file, code, now) is None or number is None:
            return None
        query = """SELECT given FROM class_answers
            WHERE code = ? AND lesson = ? AND step = ? AND number = ?"""
        row = file.execute(query, (code, lesson, step, number)).fetchone()
        return None if row is None else row[0]

    return reading(classes.file, find, None)


def answers(classes: Classes, code: str, key: str) -> tuple[Given, ...]:
    """All answers of a class, for its teacher, in the order in which they came.

    Raises `NoClass`, `ClassesUnavailable`.
    """
    return _answers(classes, code, key, "", ())


def answers_to(
    classes: Classes, code: str, key: str, lesson: str, step: int
) -> tuple[Given, ...]:  # fmt: skip
    """Those to one step."""
    return _answers(classes, code, key, " AND a.lesson = ? AND a.step = ?", (lesson, step))


def _answers(
    classes: Classes, code: str, key: str, only: str, values: tuple[object, ...]
) -> tuple[Given, ...]:
    query = f"""SELECT a.number, coalesce(p.nickname, ''), a.lesson, a.step, a.given, a.correct,
        a.own, a.at FROM class_answers a
        LEFT JOIN class_pupils p ON p.code = a.code AND p.number = a.number
        WHERE a.code = ?{only} ORDER BY a.at, a.number"""

    def find(file: sqlite3.Connection, now: int) -> tuple[Given, ...] | None:
        row = row_of(file, code, now)
        if row is None or not is_led_by(row, key):
            return None
        rows = file.execute(query, (code, *values)).fetchall()
        return tuple(
            Given(number, name, lesson, step, given, bool(correct), bool(own), at)
            for number, name, lesson, step, given, correct, own, at in rows
        )

    found = reading(classes.file, find, None)
    if found is None:
        raise NoClass(GONE)
    return found
