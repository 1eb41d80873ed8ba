"""Ready passages with a query and which one answers it; and a person's own, a line each.

In: assets/passages.toml, typed text. Out: `PassageSet`. Knows nothing of models.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.space.retrieval import LONGEST, MOST

FILE = Path(__file__).resolve().parents[2] / "assets" / "passages.toml"


@dataclass(frozen=True, slots=True)
class PassageSet:
    """`answers` is the passage (0-based) that answers the query, None where nobody said."""

    name: str
    query: str
    passages: tuple[str, ...]
    answers: int | None = None


@cache
def ready() -> tuple[PassageSet, ...]:
    """The sets that come with the app."""
    text = FILE.read_text(encoding="utf-8")
    return tuple(
        PassageSet(one["name"], one["query"], tuple(one["passages"]), one["answers"] - 1)
        for one in tomllib.loads(text)["set"]
    )


def own(lines: str) -> tuple[tuple[str, ...], int]:
    """The passages of somebody's own, a line each, and how many lines were left out.

    >>> own(" One.\\n\\nTwo. ")
    (('One.', 'Two.'), 0)
    """
    found = [line.strip()[:LONGEST] for line in lines.splitlines() if line.strip()]
    return tuple(found[:MOST]), max(0, len(found) - MOST)
