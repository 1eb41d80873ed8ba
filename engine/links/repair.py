"""A damaged file of links: set aside, and what can still be read of it goes into a new one.

Every link says by its id what it holds, so that whatever a damaged file still gives is either
whole or known to be false. The damaged file stays beside the new one, for whoever wants to look.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

Row = tuple[str, bytes, int]  # id, state as it is written, day it was last opened
DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
log = logging.getLogger(__name__)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file itself is no longer a database."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE


def check(file: sqlite3.Connection) -> None:
    """Raise the error of a damaged file where any part of it is damaged."""
    if file.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        error = sqlite3.DatabaseError("a part of the file is damaged")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def set_aside(path: Path) -> list[Path]:
    """The damaged files that lie beside a store, oldest first."""
    return sorted(path.parent.glob(f"{path.name}.damaged-[0-9][0-9][0-9]"))


def rebuild(path: Path, make: Callable[[Path, Iterator[Row]], int]) -> None:
    """Put a new file in the place of a damaged one; the caller holds the gate alone.

    `make(file, rows)` writes a new store with those of the rows that are whole, and returns how
    many those were.
    """
    if _is_whole(path):
        return  # another process was here first
    aside = path.with_name(f"{path.name}.damaged-{len(set_aside(path)):03}")
    new = path.with_name(f"{path.name}.new")
    _remove(new)
    saved = make(new, _readable(path))
    for end in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.replace(f"{path}{end}", f"{aside}{end}")
    os.replace(path, aside)
    os.replace(new, path)
    log.warning("The store of short links was damaged: %d links were saved from it.", saved)


def last_day(days: Sequence[int], span: int) -> int:
    """The last day of a store's calendar, from the days of its links; 0 without any.

    An id says nothing of the day its link was opened, so that damage may have changed some. All
    that a store keeps was opened within `span` days: those `span` days that hold the most links are
    the true ones. `last_day([3, 5, 10**9], 730)` is 5.
    """
    ordered, most, found, first = sorted(days), 0, 0, 0
    for last, day in enumerate(ordered):
        while day - ordered[first] > span:
            first += 1
        if last - first + 1 >= most:
            most, found = last - first + 1, day
    return found


def _is_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=5)) as found:
            check(found)
    except sqlite3.DatabaseError:
        return False
    return True


def _readable(path: Path) -> Iterator[Row]:
    """Rows that a damaged file still gives, one by one, as the next may be the damaged one."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=5)) as found:
        last = 0
        while True:
            query = "SELECT rowid, id, state, opened FROM links WHERE rowid > ? ORDER BY rowid"
            try:
                row = found.execute(f"{query} LIMIT 1", (last,)).fetchone()
            except sqlite3.DatabaseError:
                last += 1  # the page of this row is gone; the one after may lie on another
                if last > _beyond(found, last):
                    return
                continue
            if row is None:
                return
            last = row[0]
            if isinstance(row[1], str) and isinstance(row[2], bytes) and isinstance(row[3], int):
                yield row[1], row[2], row[3]


def _beyond(found: sqlite3.Connection, last: int) -> int:
    """The highest row that may be there; `last` where even that cannot be read."""
    try:
        return int(found.execute("SELECT max(rowid) FROM links").fetchone()[0] or 0)
    except (sqlite3.DatabaseError, TypeError, ValueError):
        return last - 1


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            os.remove(f"{path}{end}")
