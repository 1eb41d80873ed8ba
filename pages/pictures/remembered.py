"""Small drawings that come again and again, remembered as long as they are small.

In: a function of texts and numbers. Out: the same function, which answers from memory when it is
asked the same again. What is long is made anew each time: a piece may cover a whole text, and some
thousand such texts, each from somebody who typed one, would fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def remembered(count: int, *, characters: int = 400) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Remember the last `count` answers to questions of at most so many characters in all."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        kept = lru_cache(maxsize=count)(function)

        @wraps(function)
        def asked(*given: P.args, **named: P.kwargs) -> T:
            small = sum(map(_length, (*given, *named.values()))) <= characters
            return (kept if small else function)(*given, **named)

        asked.cache_info = kept.cache_info  # type: ignore[attr-defined]
        return asked

    return decorate


def _length(part: Any) -> int:
    if isinstance(part, str | bytes):
        return len(part)
    return sum(map(_length, part)) if isinstance(part, tuple) else 0
