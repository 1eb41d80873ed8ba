"""Where a figure is from, and words of tables that come from outside.

Links are addresses that a browser may be sent to: https or http, nothing else. What stands in a
cell is anybody's text: it is cut and freed of control characters here, and escaped where it is
drawn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "landscape"
LONGEST = 200  # characters of a cell
_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(?:/[A-Za-z0-9./_#?=&%~+:@!-]*)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
_ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure is from: its name, and its address for whoever clicks."""

    name: str
    link: str


def arxiv(number: str) -> Source:
    """A paper by its number, 1706.03762."""
    return Source(f"arXiv {number}", f"https://arxiv.org/abs/{number}")


def source(data: Mapping[str, Any]) -> Source:
    """A source of a file. Raises `ValueError` where its link is none."""
    link = str(data["link"])
    if not _LINK.fullmatch(link):
        raise ValueError(f"{link[:80]!r} is no address")
    return Source(words(str(data["name"])), link)


def links(cell: str, most: int = 3) -> tuple[Source, ...]:
    """The addresses in a cell, each named by its arXiv id or its host.

    >>> links("https://arxiv.org/abs/1706.03762, javascript:alert(1)")
    (Source(name='arXiv 1706.03762', link='https://arxiv.org/abs/1706.03762'),)
    """
    found = []
    for part in re.split(r"[\s,]+", cell):
        if _LINK.fullmatch(part) and len(part) <= 400:
            paper = _ARXIV.search(part)
            found.append(Source(f"arXiv {paper[1]}" if paper else part.split("/")[2], part))
    return tuple(found[:most])


def words(cell: str) -> str:
    """A cell as one short line of plain text.

    >>> words("  a\\n\\u202eb  ")
    'a b'
    """
    plain = " ".join(_CONTROL.sub(" ", cell).split())
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def number(cell: str) -> float | None:
    """A positive finite number; None for everything else that a cell may hold.

    >>> number("1.5e9"), number("nan"), number("=1+1"), number("-3")
    (1500000000.0, None, None, None)
    """
    try:
        found = float(cell)
    except ValueError:
        return None
    return found if math.isfinite(found) and 0 < found < 1e30 else None
