"""Classes as they are kept: opened, joined, led from step to step, ended, forgotten.

    code, key = classes().open("3.1", 1, address="203.0.113.9")     # the teacher's key
    seat = classes().join(code, viewer="...", address="...")        # a pupil's number and key
    room = classes().watch(seat.code, seat.key)                     # at most 0.7 s old

Everything but opening and joining needs a key, the teacher's for what only a teacher does; whose
key it is not gets `NoClass`, whatever the code. Any number of processes share the file. Screens
that follow a class ask `watch`, which reads the file once for all of a process.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from cachetools import LRUCache, TTLCache

from engine import policy
from engine.errors import ClassClosed, NoClass
from engine.learn.classes import codes
from engine.learn.classes.file import (
    LIFE,
    changing,
    delete,
    is_led_by,
    number_of,
    reading,
    row_of,
)
from engine.links.store import Links, links
from engine.settings import settings

Role = Literal["teacher", "pupil"]
FRESH = 0.7  # seconds for which one reading of the file serves all who follow a class
WATCHED = 1000  # classes, and keys of those in them, that a process keeps in mind
TRIES = 20  # codes tried for a new class: of 890 million, one that is taken is rare
LESSON = 60  # characters of a lesson's id
STEPS = 99

GONE = "There is no such class: it has ended, or 24 hours are over."
UNKNOWN = "No class has the code {code}. Look at the code on the teacher's screen."
NO_CODE = "A class code has six signs, letters and digits, such as K7Q2MP."
FULL = "This class has {count:,} pupils, and no more are taken (ATLAS_CLASS_PUPILS)."
CROWDED = "{count:,} classes are open here, and no more are opened (ATLAS_CLASSES_COUNT)."


@dataclass(frozen=True, slots=True)
class Room:
    """A class as everybody in it sees it: where it is, and how many have joined.

    `change` grows with all that pupils' screens follow. `left` are seconds until it is forgotten.
    """

    code: str
    lesson: str
    step: int
    locked: bool
    shown: bool  # whether the answer of this step was revealed
    pupils: int
    change: int
    left: int

    @property
    def patience(self) -> float:
        """Seconds until a pupil's screen asks again: the more follow, the longer."""
        return 1.2 + self.pupils / 60


@dataclass(frozen=True, slots=True)
class Seat:
    """A pupil of a class: their number in it, and the key that their answers are kept under."""

    code: str
    number: int
    key: str = field(repr=False)


class Classes:
    """The classes of one file; safe for threads and processes."""

    def __init__(self, file: Links) -> None:
        """Keep them in the file of these links, made when the first class is opened."""
        self.file = file
        self._fresh: TTLCache[str, Room | None] = TTLCache(WATCHED, FRESH, time.monotonic)
        self._known: LRUCache[tuple[str, bytes], bool] = LRUCache(WATCHED)
        self._lock = threading.Lock()

    # ------------------------------------------------------------------ strangers

    def open(self, lesson: str, step: int, *, address: str) -> tuple[str, str]:
        """A new class at a step; its code, and the key that it is led with.

        Raises `NotAllowed`, `Busy`, `ClassClosed` where too many are open, `ClassesUnavailable`.
        """
        _check_step(lesson, step)
        policy.check_class(address)
        key, most = codes.new_key(), settings().classes_count

        def add(file: sqlite3.Connection, now: int) -> str:
            if (count := file.execute("SELECT count(*) FROM class_rooms").fetchone()[0]) >= most:
                raise ClassClosed(CROWDED.format(count=count))
            row = (codes.digest(key), now, lesson, step)
            for _ in range(TRIES):
                code = codes.new_code()
                query = "INSERT OR IGNORE INTO class_rooms VALUES (?, ?, ?, ?, ?, 0, 1, 0, 0)"
                if file.execute(query, (code, *row)).rowcount:
                    return code
            raise ClassClosed("No code was free. Try again.")

        return changing(self.file, add), key

    def join(self, text: str, *, viewer: str, address: str, nickname: str = "") -> Seat:
        """Join the class of a code, with a nickname where those are allowed.

        Raises `NoClass`, `ClassClosed` for a class that is full, and `Busy` for who has tried too
        many codes.
        """
        policy.check_code(viewer, address)
        code = codes.read_code(text)
        if not code:
            policy.count_wrong_code(viewer, address)
            raise NoClass(NO_CODE)
        # Looked for without writing: who guesses holds up nobody.
        if reading(self.file, lambda file, now: row_of(file, code, now), None) is None:
            policy.count_wrong_code(viewer, address)
            raise NoClass(UNKNOWN.format(code=code))
        key, most = codes.new_key(), settings().class_pupils
        name = codes.nickname(nickname) if settings().nicknames == "yes" else ""

        def add(file: sqlite3.Connection, now: int) -> int:
            row = row_of(file, code, now)
            if row is None:
                raise NoClass(GONE)
            count = _count(file, code)
            if count >= most or row["joined"] >= 4 * most:  # who leaves and joins for ever
                raise ClassClosed(FULL.format(count=count))
            number = row["joined"] + 1
            file.execute("UPDATE class_rooms SET joined = ? WHERE code = ?", (number, code))
            pupil = (code, codes.digest(key), number, name)
            file.execute("INSERT INTO class_pupils VALUES (?, ?, ?, ?, 1)", pupil)
            return number

        number = changing(self.file, add)
        self._forget(code)
        return Seat(code, number, key)

    # ------------------------------------------------------------------ whoever is in it

    def role(self, code: str, key: str) -> Role | None:
        """Whose key it is; None where it is nobody's, or the class is no more."""

        def find(file: sqlite3.Connection, now: int) -> Role | None:
            row = row_of(file, code, now)
            if row is None:
                return None
            if is_led_by(row, key):
                return "teacher"
            return "pupil" if number_of(file, code, key) else None

        return reading(self.file, find, None)

    def watch(self, code: str, key: str) -> Room | None:
        """The class as it was at most `FRESH` seconds ago, for who is in it; None: it is no more.

        Raises `ClassesUnavailable`.
        """
        known = (code, codes.digest(key))
        with self._lock:
            is_known = known in self._known
        if not is_known and self.role(code, key) is None:
            return None
        with self._lock:
            self._known[known] = True
            # One of all threads that ask reads the file; the others wait, and have it for nothing.
            if code not in self._fresh:
                self._fresh[code] = reading(self.file, lambda f, now: _room(f, code, now), None)
            return self._fresh[code]

    def leave(self, code: str, key: str) -> None:
        """A pupil leaves: they count no more, and what they have answered stays."""

        def go(file: sqlite3.Connection, _now: int) -> None:
            query = "UPDATE class_pupils SET here = 0 WHERE code = ? AND pupil = ?"
            file.execute(query, (code, codes.digest(key)))

        changing(self.file, go)
        with self._lock:
            self._known.pop((code, codes.digest(key)), None)
        self._forget(code)

    # ------------------------------------------------------------------ the teacher

    def move(self, code: str, key: str, lesson: str, step: int) -> None:
        """Take the class to a step. Raises `NoClass`, as all that follow."""
        _check_step(lesson, step)
        self._lead(code, key, "lesson = ?, step = ?", lesson, step)

    def lock(self, code: str, key: str, locked: bool) -> None:
        """Hold pupils at the class's step, or let them go where they like."""
        self._lead(code, key, "locked = ?", int(locked))

    def reveal(self, code: str, key: str) -> None:
        """Show the answer of the class's step; from now on it takes none."""

        def show(file: sqlite3.Connection, now: int) -> None:
            row = self._led(file, code, key, now)
            shown = (code, row["lesson"], row["step"])
            file.execute("INSERT OR IGNORE INTO class_shown VALUES (?, ?, ?)", shown)
            file.execute("UPDATE class_rooms SET change = change + 1 WHERE code = ?", (code,))

        changing(self.file, show)
        self._forget(code)

    def end(self, code: str, key: str) -> None:
        """Forget all of a class now."""

        def close(file: sqlite3.Connection, now: int) -> None:
            self._led(file, code, key, now)
            delete(file, code)

        changing(self.file, close)
        self._forget(code)

    def forget(self) -> None:
        """Forget what is too old, where nobody opens, joins or answers."""
        count = reading(
            self.file,
            lambda file, now: file.execute(
                "SELECT count(*) FROM class_rooms WHERE opened <= ?", (now - LIFE,)
            ).fetchone()[0],
            0,
        )
        if count:
            changing(self.file, lambda _file, _now: None)

    def _lead(self, code: str, key: str, what: str, *values: object) -> None:
        def change(file: sqlite3.Connection, now: int) -> None:
            self._led(file, code, key, now)
            query = f"UPDATE class_rooms SET {what}, change = change + 1 WHERE code = ?"
            file.execute(query, (*values, code))

        changing(self.file, change)
        self._forget(code)

    def _led(self, file: sqlite3.Connection, code: str, key: str, now: int) -> sqlite3.Row:
        row = row_of(file, code, now)
        if row is None or not is_led_by(row, key):
            raise NoClass(GONE)
        return row

    def _forget(self, code: str) -> None:
        """What this process has changed, its screens see at once."""
        with self._lock:
            self._fresh.pop(code, None)


def _check_step(lesson: str, step: int) -> None:
    if not 0 < len(lesson) <= LESSON or not 0 < step <= STEPS:
        raise ValueError(f"a class is at a step from 1 to {STEPS} of a lesson, got {lesson} {step}")


def _count(file: sqlite3.Connection, code: str) -> int:
    query = "SELECT count(*) FROM class_pupils WHERE code = ? AND here"
    return file.execute(query, (code,)).fetchone()[0]


def _room(file: sqlite3.Connection, code: str, now: int) -> Room | None:
    row = row_of(file, code, now)
    if row is None:
        return None
    query = "SELECT 1 FROM class_shown WHERE code = ? AND lesson = ? AND step = ?"
    shown = file.execute(query, (code, row["lesson"], row["step"])).fetchone() is not None
    left = row["opened"] + LIFE - now
    return Room(code, row["lesson"], row["step"], bool(row["locked"]), shown, _count(file, code),
                row["change"], left)  # fmt: skip


@cache
def classes() -> Classes:
    """The classes of this process's settings."""
    return Classes(links())
