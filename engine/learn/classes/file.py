"""The tables of classes, in the file of short links, and the clock that they are forgotten by.

    with_file(links(), lambda file: file.execute("SELECT ..."))

In: work on an open file. Out: what it finds, or `ClassesUnavailable` with one sentence. The clock
counts seconds and only goes forward: one that was put back lets nothing live longer than the time
it takes to be used again, one that jumped ahead forgets early. No clock but the server's counts.
"""

from __future__ import annotations

import hmac
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from engine.errors import ClassesUnavailable, LinksUnavailable
from engine.learn.classes import codes
from engine.links import store
from engine.links.store import Links, writing

T = TypeVar("T")
LIFE = 24 * 3600  # seconds

SCHEMA = (
    """CREATE TABLE class_rooms (code TEXT NOT NULL PRIMARY KEY, teacher BLOB NOT NULL,
    opened INTEGER NOT NULL, lesson TEXT NOT NULL, step INTEGER NOT NULL, locked INTEGER NOT NULL,
    change INTEGER NOT NULL, joined INTEGER NOT NULL, answers INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE class_pupils (code TEXT NOT NULL, pupil BLOB NOT NULL, number INTEGER NOT NULL,
    nickname TEXT NOT NULL, here INTEGER NOT NULL, PRIMARY KEY (code, pupil)) WITHOUT ROWID""",
    """CREATE TABLE class_shown (code TEXT NOT NULL, lesson TEXT NOT NULL, step INTEGER NOT NULL,
    PRIMARY KEY (code, lesson, step)) WITHOUT ROWID""",
    """CREATE TABLE class_answers (code TEXT NOT NULL, lesson TEXT NOT NULL, step INTEGER NOT NULL,
    number INTEGER NOT NULL, given TEXT NOT NULL, correct INTEGER NOT NULL, own INTEGER NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (code, lesson, step, number)) WITHOUT ROWID""",
    "CREATE TABLE class_clock (wall INTEGER NOT NULL, age INTEGER NOT NULL)",
)
TABLES = ("class_rooms", "class_pupils", "class_shown", "class_answers")
SAID = {
    store.BUSY: "The store of classes is busy. Try again in a moment.",
    store.FULL_DISK: "The disk is full, so the class could not be written.",
    store.CLOSED: "The store of classes cannot be opened or written.",
    store.NEWER: "The store of classes was made by a newer Transformer Atlas.",
    store.REBUILT: "The store of classes was damaged and could not be made anew.",
}


def with_file(links: Links, work: Callable[[sqlite3.Connection], T]) -> T:
    """What `work` finds in the file. Raises `ClassesUnavailable`."""
    try:
        return links.within(work)
    except LinksUnavailable as error:
        raise ClassesUnavailable(SAID.get(str(error), SAID[store.CLOSED])) from error


def reading(links: Links, work: Callable[[sqlite3.Connection, int], T], nothing: T) -> T:
    """What `work(file, now)` finds; `nothing` where no class was ever kept. Makes no file."""

    def look(file: sqlite3.Connection) -> T:
        return work(file, _now(file)) if _is_there(file) else nothing

    return with_file(links, look) if links.path.exists() else nothing


def changing(links: Links, work: Callable[[sqlite3.Connection, int], T]) -> T:
    """What `work(file, now)` does, all of it or nothing; what is too old is forgotten first."""

    def change(file: sqlite3.Connection) -> T:
        # An answer may be lost with the power: a class of a hundred need not wait for the disk.
        file.execute("PRAGMA synchronous = NORMAL")
        file.execute("PRAGMA secure_delete = ON")
        with writing(file):
            _make(file)
            now = _now(file)
            file.execute("UPDATE class_clock SET wall = ?, age = ?", (int(time.time()), now))
            for code in file.execute("SELECT code FROM class_rooms WHERE opened <= ?",
                                     (now - LIFE,)).fetchall():  # fmt: skip
                delete(file, *code)
            return work(file, now)

    return with_file(links, change)


def delete(file: sqlite3.Connection, code: str) -> None:
    """Forget all of a class."""
    for table in TABLES:
        file.execute(f"DELETE FROM {table} WHERE code = ?", (code,))


def row_of(file: sqlite3.Connection, code: str, now: int) -> sqlite3.Row | None:
    """The row of a class that is not forgotten yet."""
    cursor = file.cursor()
    cursor.row_factory = sqlite3.Row
    query = "SELECT * FROM class_rooms WHERE code = ? AND opened > ?"
    return cursor.execute(query, (code, now - LIFE)).fetchone()


def is_led_by(row: sqlite3.Row, key: str) -> bool:
    """Whether a key is that of the class's teacher."""
    return hmac.compare_digest(row["teacher"], codes.digest(key))


def number_of(file: sqlite3.Connection, code: str, key: str) -> int | None:
    """A pupil's number by their key; None where it is no pupil's of this class."""
    query = "SELECT number FROM class_pupils WHERE code = ? AND pupil = ?"
    found = file.execute(query, (code, codes.digest(key))).fetchone()
    return None if found is None else found[0]


def _is_there(file: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE name = 'class_clock'"
    return file.execute(query).fetchone() is not None


def _make(file: sqlite3.Connection) -> None:
    if not _is_there(file):
        for statement in SCHEMA:
            file.execute(statement)
        file.execute("INSERT INTO class_clock VALUES (?, 0)", (int(time.time()),))


def _now(file: sqlite3.Connection) -> int:
    wall, age = file.execute("SELECT wall, age FROM class_clock").fetchone()
    return age + max(0, int(time.time()) - wall)
