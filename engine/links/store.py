"""The store of short links: one SQLite file, used by several processes at once.

    links = Links(path)
    name = links.put(state)      # equal states, equal ids
    links.get(name)              # Parsed, or None where nothing of that name is here

Bounded by count and bytes: what nobody opened for two years goes, and where that is not enough a
new link is refused, so that a flood of links takes no older one away. A state that would not come
back whole is refused too. Whatever is wrong with the file is a `LinksUnavailable` with one
sentence; a damaged one is set aside and made anew (`repair`). Every operation opens the file for
itself and holds a gate beside it, which who rebuilds the file holds alone.

Age is counted in days of the store's own calendar, which goes on with the computer's clock, yet by
a month at most from one use to the next: a clock that jumped ahead forgets nothing at once.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from engine.errors import BadLink, LinksUnavailable
from engine.links import repair, state
from engine.links.repair import Row
from engine.links.state import KEYS, LENGTH, MOST, VALUES, WORD, Parsed, SharedState
from engine.settings import settings

T = TypeVar("T")
FORMAT = 1  # of the file; SQLite keeps it as its user_version
WAITS = 4.0  # seconds for another process to finish its writing
FORGOTTEN = 730  # days unopened
LEAP = 31  # days that the store's calendar goes on at most between two uses
DAY = 86_400  # seconds
LOT = 500  # links taken in with one writing

LONG = "The long address works without it."
BUSY = f"The store of short links is busy. Try again in a moment. {LONG}"
FULL_DISK = f"The disk is full, so no short link could be stored. {LONG}"
CLOSED = f"The store of short links cannot be opened or written. {LONG}"
NEWER = f"The store of short links was made by a newer Transformer Atlas. {LONG}"
FULL = "The store of short links is full ({count:,} links, {size:,.0f} MB). " + LONG
PARTLY = (
    f"A short link cannot carry {{names}}: it holds at most {KEYS} settings of {VALUES} values, "
    f"each of at most {WORD:,} characters. {LONG}"
)
REBUILT = f"The store of short links was damaged and could not be made anew. {LONG}"

SCHEMA = """
CREATE TABLE links (id TEXT NOT NULL UNIQUE, state BLOB NOT NULL, opened INTEGER NOT NULL);
CREATE INDEX by_day ON links (opened);
CREATE TABLE totals (links INTEGER NOT NULL, bytes INTEGER NOT NULL, day INTEGER NOT NULL,
                     clock INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0, 0, 0);
CREATE TRIGGER added AFTER INSERT ON links BEGIN
  UPDATE totals SET links = links + 1, bytes = bytes + length(NEW.state); END;
CREATE TRIGGER removed AFTER DELETE ON links BEGIN
  UPDATE totals SET links = links - 1, bytes = bytes - length(OLD.state); END;
"""


class Links:
    """The links of one file. It holds nothing open between two calls."""

    def __init__(self, path: Path, *, count: int = 100_000, megabytes: int = 500) -> None:
        """Use the file at `path`, made when the first link is; `megabytes` bounds the states."""
        self.path, self.count, self.megabytes = path, count, megabytes

    def put(self, shared: SharedState, *, new: Callable[[], None] = lambda: None) -> str:
        """Store a state and return its id; `new` is called before one that was not here is kept.

        Raises `BadLink` for a state no link can carry whole, `LinksUnavailable`, and whatever `new`
        does.
        """
        raw = state.canonical(shared)
        if left_out := state.parse(raw).left_out:
            # Stored, it would come back without them, and say so to whoever opens it.
            raise BadLink(PARTLY.format(names=", ".join(left_out[:6])))

        def store(database: sqlite3.Connection) -> str:
            with writing(database):
                today = _today(database)
                name, known = _name(database, raw)
                if known:
                    database.execute("UPDATE links SET opened = ? WHERE id = ?", (today, name))
                _forget(database, today)
                if not known:
                    self._make_room(database, len(raw))
                    new()  # last: a link that finds no room costs nobody one of theirs
                    database.execute("INSERT INTO links VALUES (?, ?, ?)", (name, raw, today))
                return name

        return self._with(store)

    def get(self, name: str) -> Parsed | None:
        """The state of an id, which counts as opened today; None where it is not here.

        Raises `BadLink` where what is stored cannot be read here (a later version wrote it).
        """
        if not state.ID.fullmatch(name) or not self.path.exists():
            return None

        def find(database: sqlite3.Connection) -> bytes | None:
            query = "SELECT state, opened FROM links WHERE id = ?"
            row = database.execute(query, (name,)).fetchone()
            if row is None or not _is_whole(name, row[0]):
                return None
            # That it was opened is worth a note, yet no link should fail for it.
            with suppress(sqlite3.OperationalError), writing(database):
                today = _today(database)
                if row[1] != today:
                    database.execute("UPDATE links SET opened = ? WHERE id = ?", (today, name))
                _forget(database, today)
            return row[0]

        raw = self._with(find)
        return None if raw is None else state.parse(raw)

    def take_in(self, rows: Iterable[Row]) -> tuple[int, int, int]:
        """Store rows of another store: how many were new, known already, and refused.

        `opened` of a row is its age in days. Others may write between two lots of them.
        """
        new = known = refused = 0
        rows = iter(rows)
        while lot := list(islice(rows, LOT)):
            whole = [row for row in lot if _is_stored_form(row[0], row[1])]
            came = self._with(partial(self._insert, whole))
            new, known = new + came, known + len(whole) - came
            refused += len(lot) - len(whole)
        return new, known, refused

    def _insert(self, rows: list[Row], database: sqlite3.Connection) -> int:
        new = 0
        with writing(database):
            today = _today(database)
            _forget(database, today)
            for name, raw, age in rows:
                if database.execute("SELECT 1 FROM links WHERE id = ?", (name,)).fetchone():
                    continue
                self._make_room(database, len(raw))
                day = today - min(max(age, 0), FORGOTTEN)
                database.execute("INSERT INTO links VALUES (?, ?, ?)", (name, raw, day))
                new += 1
        return new

    def rows(self) -> Iterator[Row]:
        """Every link, the one opened last first; `opened` is its age in days."""
        if not self.path.exists():
            return
        self._with(repair.check)  # all of it is read, so that no damage may be met on the way
        try:
            with self._gate(), closing(self._open(self.path)) as database:
                database.execute("BEGIN")  # one moment's view, whatever others write meanwhile
                clock = database.execute("SELECT clock FROM totals").fetchone()[0]
                query = "SELECT id, state, opened FROM links ORDER BY opened DESC, id"
                for name, raw, opened in database.execute(query):
                    yield name, raw, clock - opened
        except sqlite3.Error as error:
            raise LinksUnavailable(_sentence(error)) from error

    def totals(self) -> tuple[int, int]:
        """Links that are here, and the bytes of their states."""
        if not self.path.exists():
            return 0, 0
        return self._with(lambda found: found.execute("SELECT links, bytes FROM totals").fetchone())

    def was_rebuilt(self) -> bool:
        """Whether a damaged file was once set aside: links from before may be missing."""
        return bool(repair.set_aside(self.path))

    def within(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` finds or does in the file, where classes are kept too (`engine.learn`).

        Raises `LinksUnavailable`. A file that is made anew for damage holds links alone.
        """
        return self._with(work)

    # ------------------------------------------------------------------ the file

    def _with(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` finds in the file; a damaged one is made anew first."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                return self._once(work)
            except sqlite3.DatabaseError as error:
                if not repair.is_damage(error):
                    raise
            with self._gate(alone=True):
                repair.rebuild(self.path, self._make_anew)
            return self._once(work)
        except sqlite3.Error as error:
            raise LinksUnavailable(_sentence(error)) from error
        except OSError as error:
            raise LinksUnavailable(CLOSED) from error

    def _once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._gate(), closing(self._open(self.path)) as database:
            return work(database)

    @contextmanager
    def _gate(self, *, alone: bool = False) -> Iterator[None]:
        # SQLite's own lock on an empty file: it works everywhere and dies with its process.
        with closing(sqlite3.connect(f"{self.path}.gate", timeout=WAITS)) as gate:
            gate.isolation_level = None
            gate.execute("BEGIN EXCLUSIVE" if alone else "BEGIN")
            gate.execute("SELECT count(*) FROM sqlite_master").fetchone()
            yield

    def _open(self, path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, timeout=WAITS, isolation_level=None)
        try:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version > FORMAT:
                raise LinksUnavailable(NEWER)
            if version < FORMAT:
                _create(database)
            # A link that was given out is on the disk, also after a power cut.
            database.execute("PRAGMA synchronous = FULL")
        except BaseException:
            database.close()
            raise
        return database

    def _make_anew(self, path: Path, rows: Iterator[Row]) -> int:
        """Write a new file with the rows that are whole; how many they are."""
        with closing(self._open(path)) as database, writing(database):
            saved, days = 0, []
            for name, raw, opened in rows:
                if _is_stored_form(name, raw):
                    query = "INSERT OR IGNORE INTO links VALUES (?, ?, ?)"
                    saved += database.execute(query, (name, raw, opened)).rowcount
                    days.append(opened)
            # The calendar of the old file: no row of it was opened later than on its last day.
            clock, now = repair.last_day(days, FORGOTTEN), int(time.time()) // DAY
            database.execute("UPDATE totals SET clock = ?, day = ?", (clock, now))
            bounds = (clock - FORGOTTEN, clock)
            database.execute("UPDATE links SET opened = max(?, min(?, opened))", bounds)
        return saved

    def _make_room(self, database: sqlite3.Connection, size: int) -> None:
        count, held = database.execute("SELECT links, bytes FROM totals").fetchone()
        if count + 1 > self.count or held + size > self.megabytes * 10**6:
            raise LinksUnavailable(FULL.format(count=count, size=held / 10**6))


def _create(database: sqlite3.Connection) -> None:
    """Make the tables of a new file, unless another process has just done so."""
    database.execute("PRAGMA journal_mode = WAL")
    with writing(database):
        if database.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _statements(SCHEMA):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {FORMAT}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script: `executescript` would end the transaction that they stand in."""
    part = ""
    for line in script.splitlines():
        part += line + "\n"
        if sqlite3.complete_statement(part):
            yield part
            part = ""


@contextmanager
def writing(database: sqlite3.Connection) -> Iterator[None]:
    """All of a block or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


def _today(database: sqlite3.Connection) -> int:
    """Today in the store's calendar."""
    now = int(time.time()) // DAY
    day, clock = database.execute("SELECT day, clock FROM totals").fetchone()
    if now != day:
        # The first day of a store is day 0; a clock that was put back stands still.
        clock += min(max(now - day, 0), LEAP) if day else 0
        database.execute("UPDATE totals SET day = ?, clock = ?", (now, clock))
    return clock


def _forget(database: sqlite3.Connection, today: int) -> None:
    """Let go what is too old; call it once what is opened now has been marked as opened today."""
    database.execute("DELETE FROM links WHERE opened < ?", (today - FORGOTTEN,))


def _name(database: sqlite3.Connection, raw: bytes) -> tuple[str, bool]:
    """The id of a state and whether it is here; longer where another state has the shorter one."""
    digest = state.digest(raw)
    for length in range(LENGTH, 21):
        query = "SELECT state FROM links WHERE id = ?"
        row = database.execute(query, (digest[:length],)).fetchone()
        if row is None:
            return digest[:length], False
        if row[0] == raw:
            return digest[:length], True
    raise BadLink("This state has the id of another one and cannot be stored.")


def _is_whole(name: str, raw: object) -> bool:
    """Whether an id says what stands under it: else something was changed."""
    return isinstance(raw, bytes) and state.digest(raw).startswith(name)


def _is_stored_form(name: object, raw: object) -> bool:
    """Whether a row is one that `put` would have written."""
    if not isinstance(name, str) or not state.ID.fullmatch(name):
        return False
    if not isinstance(raw, bytes) or len(raw) > MOST or not _is_whole(name, raw):
        return False
    try:
        found = state.parse(raw)
    except BadLink:
        return False
    return not found.left_out and state.canonical(found.state) == raw


def _sentence(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BUSY
    if code == sqlite3.SQLITE_FULL:
        return FULL_DISK
    return REBUILT if repair.is_damage(error) else CLOSED


@cache
def links() -> Links:
    """The store of this process's settings."""
    chosen = settings()
    return Links(chosen.links, count=chosen.links_count, megabytes=chosen.links_mb)
