"""A school's own lessons: a folder of files (ATLAS_LESSONS), read again when one of them changes.

    shelf = school()
    shelf.lessons["school-week-3-f309"]      # by an id that no lesson of the course can have
    shelf.problems                           # "Week 4.toml, line 12: ..." for each file refused

A wrong file is named with line and reason, and the others are shown all the same. Only plain files
that lie in the folder itself are read: what leads out of it, is no file or is too large is
refused by name. An id is looked up and never made into a path.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from engine.learn.lessons import Lesson
from engine.learn.reader import LARGEST, Check, LessonError, decoded, read
from engine.settings import settings
from engine.values import FrozenDict

MOST = 200  # files of a folder that are read
EVERY = 1.0  # seconds between two looks at the folder
NAME = 80  # characters of a file's name
UNREADABLE = "The folder of ATLAS_LESSONS cannot be read: {why}."
TOO_MANY = "The folder of ATLAS_LESSONS has {count:,} lessons; the first {most} are shown."
_DASHES = re.compile(r"[^a-z0-9]+")
Seen = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Lessons by id, in the order of their files, and what was wrong with others."""

    lessons: Mapping[str, Lesson] = field(default_factory=FrozenDict)
    problems: tuple[str, ...] = ()


class Folder:
    """One folder; safe for threads. What was read is kept until a file changes."""

    def __init__(self, path: Path) -> None:
        """Look at nothing yet."""
        self.path = path
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._seen: Seen | None = None
        self._shelf = Shelf()

    def shelf(self, check: Check | None = None, *, every: float = EVERY) -> Shelf:
        """What is in it now, looked at again after `every` seconds."""
        with self._lock:
            if time.monotonic() - self._looked < every:
                return self._shelf
            try:
                seen = _seen(self.path)
            except OSError as error:
                self._seen = None
                why = error.strerror or type(error).__name__
                self._shelf = Shelf(problems=(UNREADABLE.format(why=why),))
            else:
                if seen != self._seen:
                    self._seen, self._shelf = seen, _read(self.path, seen, check)
            self._looked = time.monotonic()
            return self._shelf


def school(check: Check | None = None) -> Shelf:
    """The lessons of ATLAS_LESSONS; none where it is not set. `check` is always the same one."""
    path = settings().lessons
    return _folder(path).shelf(check) if path else Shelf()


@cache
def _folder(path: Path) -> Folder:
    return Folder(path)


def lesson_id(name: str) -> str:
    """The id of a file's lesson: readable, and one for each name.

    >>> lesson_id("Week 3.toml")
    'school-week-3-f309'
    """
    told = _DASHES.sub("-", Path(name).stem.casefold()).strip("-")[:40].strip("-") or "lesson"
    mark = hashlib.blake2b(name.encode(errors="replace"), digest_size=2).hexdigest()
    return f"school-{told}-{mark}"


def _seen(path: Path) -> Seen:
    """Each file of the folder as it is now: name, kind, time of change, size."""
    found = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not entry.name.endswith(".toml"):
                continue
            try:
                now = entry.stat()
            except OSError:
                found.append((entry.name, 0, 0, 0))  # a link that leads nowhere
            else:
                found.append((entry.name, now.st_mode, now.st_mtime_ns, now.st_size))
    return tuple(sorted(found, key=lambda one: (_in_order(one[0]), one[0])))


def _in_order(name: str) -> list[tuple[int, str]]:
    """Names with numbers in them, in the order that people expect: 2 before 10."""
    parts = re.split(r"(\d{1,9})", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _read(path: Path, seen: Seen, check: Check | None) -> Shelf:
    lessons: dict[str, Lesson] = {}
    problems = []
    if len(seen) > MOST:
        problems.append(TOO_MANY.format(count=len(seen), most=MOST))
    home = path.resolve()
    for name, mode, _, size in seen[:MOST]:
        try:
            text = decoded(_bytes(home, name, mode, size))
            lesson = read(lesson_id(name), text, check=check)
        except LessonError as error:
            problems.append(f"{_shown(name)}, {error}")
        except OSError as error:
            why = error.strerror or type(error).__name__
            problems.append(f"{_shown(name)}, line 1: the file cannot be read: {why}.")
        else:
            lessons[lesson.id] = lesson
    return Shelf(FrozenDict(lessons), tuple(problems))


def _bytes(home: Path, name: str, mode: int, size: int) -> bytes:
    """A plain file of this very folder; one that grows while it is read is cut off."""
    file = (home / name).resolve()
    if not file.is_relative_to(home):
        raise LessonError("line 1: the file is a link that leads out of the folder.")
    if not stat.S_ISREG(mode):
        raise LessonError("line 1: this is no file.")
    if size > LARGEST:
        raise LessonError(f"line 1: the file is larger than {LARGEST:,} bytes.")
    # Not to wait for ever where a pipe took the file's place meanwhile.
    with os.fdopen(os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as found:
        return found.read(LARGEST + 1)


def _shown(name: str) -> str:
    """A file's name as it can be shown: strange bytes as question marks, long ones cut."""
    told = name.encode(errors="replace").decode()
    told = "".join(c if c.isprintable() else "?" for c in told)
    return told if len(told) <= NAME else told[: NAME - 1] + "…"
