"""The engine that the pages ask, and pictures that are slower to draw than to keep."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from engine import store
from engine.doorway import engine as engine

T = TypeVar("T")


def drawn(model: str, what: Hashable, make: Callable[[], T]) -> T:
    """A picture, or a part of one, that was made of a model's numbers; `what` names it."""
    return store.cached(("drawn", engine().digest(model), what), make)
