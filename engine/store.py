"""The one store of computed values, bounded by bytes, shared by all sessions.

In: a key of scalars and a function that makes the value. Out: the value, made once however many ask
for it at the same time, and frozen, as all of them share it. The value unused longest goes first.
What counts are the bytes that an entry really holds, its key among them. Knows nothing of models or
pages.

Beside it are held, each within a bound of its own: open models (`models.runtime`), texts that are
written (`decoding.writing`), what finished jobs found (`jobs.registry`), and the pages' small
drawings, a few MB in all.
"""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cache
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, TypeVar

import numpy as np
from cachetools import LRUCache

from engine import machine
from engine.errors import EngineError
from engine.hosting import figures
from engine.settings import settings
from engine.values import frozen

T = TypeVar("T")
PLACE = 200  # bytes that the store itself takes for an entry: its place, its turn, its size


class _Entry:
    """A value with the bytes that it and its key hold."""

    __slots__ = ("nbytes", "value")

    def __init__(self, key: Hashable, value: Any) -> None:
        self.value = value
        self.nbytes = size((key, value)) + PLACE


class _Making:
    """A value that a thread is making, for those who wait for it."""

    __slots__ = ("done", "error", "value")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None


class Store:
    """Values by key, bounded by bytes, each computed once at a time; safe for threads."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes."""
        self._lock = threading.Lock()
        self._entries: LRUCache[Hashable, _Entry] = LRUCache(limit, getsizeof=lambda e: e.nbytes)
        self._making: dict[Hashable, _Making] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made by `make` when it is not there.

        Who asks while another thread makes it waits for that one. A refusal is everybody's, each
        with an error of its own; whatever else went wrong there concerns that thread alone (its
        page was left, its memory was full), and the next one tries.
        """
        while True:
            with self._lock:
                if key in self._entries:
                    figures.HITS.inc()
                    return self._entries[key].value
                making = self._making.get(key)
                if making is None:
                    mine = self._making[key] = _Making()
                    break
            making.done.wait()
            if isinstance(making.error, EngineError):
                raise copy.copy(making.error)
            if making.error is None:
                return making.value
        return self._make(key, make, mine)

    def _make(self, key: Hashable, make: Callable[[], T], mine: _Making) -> T:
        figures.MISSES.inc()
        try:
            mine.value = frozen(make())
            entry = _Entry(key, mine.value)
        except BaseException as error:
            # Without the frames that it passed through: they hold what was being computed.
            mine.error = copy.copy(error) if isinstance(error, EngineError) else Exception()
            raise
        else:
            with self._lock:
                if entry.nbytes <= self._entries.maxsize:
                    self._entries[key] = entry
        finally:
            with self._lock:
                del self._making[key]
            mine.done.set()
        return mine.value

    def peek(self, key: Hashable) -> Any:
        """The value of a key if it is here, else None; nothing is made."""
        with self._lock:
            found = self._entries.get(key)
        return None if found is None else found.value

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value in place of what was kept under its key: for what is measured anew."""
        entry = _Entry(key, frozen(value))
        with self._lock:
            if entry.nbytes <= self._entries.maxsize:
                self._entries[key] = entry

    def values(self) -> list[Any]:
        """Everything that is kept now."""
        with self._lock:
            # Of a copy: asking for an entry makes it the one used last.
            return [entry.value for entry in copy.copy(self._entries).values()]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return int(self._entries.currsize)


# What is there anyway, or is nobody's: counting it would blame the wrong one.
SHARED = (type, ModuleType, BuiltinFunctionType, type(None), bool, type(Ellipsis))


def size(value: object) -> int:
    """Bytes that a value holds: all it is made of, each part once however often it is met.

    An array that looks into another counts the whole of that other one, as it keeps it. What is
    mapped from a file counts nothing, what a library keeps outside of Python is not seen.
    """
    total, seen, waiting = 0, set[int](), [value]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, SHARED):
            continue
        seen.add(id(part))
        if isinstance(part, int) and -6 < part < 257:
            continue
        total += sys.getsizeof(part)
        if not isinstance(part, str | bytes | int | float | np.generic):
            waiting.extend(_inside(part))
    return total


def _inside(part: object) -> Iterable[object]:
    """What an object keeps alive."""
    if isinstance(part, np.ndarray):
        return () if part.base is None or isinstance(part, np.memmap) else (part.base,)
    if isinstance(part, Mapping):
        return (*part.keys(), *part.values())
    if isinstance(part, tuple | list | set | frozenset):
        return part
    if isinstance(part, FunctionType):
        return [cell.cell_contents for cell in part.__closure__ or ()]
    if isinstance(part, MethodType):
        return (part.__self__,)
    own = getattr(part, "__dict__", None)
    slots = (name for kind in type(part).__mro__ for name in _names(kind))
    held = [getattr(part, name) for name in slots if hasattr(part, name)]
    return held if own is None else [*held, own]


def _names(kind: type) -> tuple[str, ...]:
    names = kind.__dict__.get("__slots__", ())
    found = (names,) if isinstance(names, str) else tuple(names)
    return tuple(name for name in found if name not in ("__dict__", "__weakref__"))


@cache
def store() -> Store:
    """The process's one store."""
    machine.settle()
    return Store(settings().trace_mb * 10**6)


def cached(key: Hashable, make: Callable[[], T]) -> T:
    """The value of a key of scalars, computed by `make` once; the first part names the function."""
    return store().get(key, make)
