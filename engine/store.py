"""The one store of computed values, bounded by bytes, shared by all sessions.

In: a key of scalars and a function that makes the value. Out: the value, made once however many ask
for it at the same time. The value unused longest goes first. Knows nothing of models or pages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

import numpy as np
from cachetools import LRUCache

from engine.settings import settings
from engine.values import Frozen

T = TypeVar("T")


class Store:
    """Values by key, bounded by bytes, each computed once at a time; safe for threads."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes."""
        self._lock = threading.Lock()
        self._values: LRUCache[Hashable, Any] = LRUCache(limit, getsizeof=size)
        self._running: dict[Hashable, Future[Any]] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made by `make` when it is not there.

        Who asks while another thread makes it waits for that one, and gets its error too.
        """
        with self._lock:
            if key in self._values:
                return self._values[key]
            running = self._running.get(key)
            mine: Future[Any] | None = None
            if running is None:
                mine = running = self._running[key] = Future()
        return self._make(key, make, mine) if mine else running.result()

    def _make(self, key: Hashable, make: Callable[[], T], future: Future[Any]) -> T:
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                del self._running[key]
            future.set_exception(error)
            raise
        with self._lock:
            if size(value) <= self._values.maxsize:
                self._values[key] = value
            del self._running[key]
        future.set_result(value)
        return value

    def peek(self, key: Hashable) -> Any:
        """The value of a key if it is here, else None; nothing is made."""
        with self._lock:
            return self._values.get(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return int(self._values.currsize)


def size(value: object) -> int:
    """Bytes of a value: its arrays and texts, and a little for each object around them."""
    if isinstance(value, Frozen):
        return value.nbytes + 1000
    if isinstance(value, np.ndarray):
        return value.nbytes + 100
    if isinstance(value, str | bytes):
        return len(value) + 100
    if isinstance(value, tuple | list):
        return 100 + sum(size(part) for part in value)
    if isinstance(value, dict):
        return 100 + sum(size(k) + size(v) for k, v in value.items())
    return 100 + sum(size(part) for part in getattr(value, "__dict__", {}).values())


@cache
def store() -> Store:
    """The process's one store."""
    return Store(settings().trace_mb * 10**6)


def cached(key: Hashable, make: Callable[[], T]) -> T:
    """The value of a key of scalars, computed by `make` once; the first part names the function."""
    return store().get(key, make)
