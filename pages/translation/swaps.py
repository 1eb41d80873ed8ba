"""Words of the source replaced by others: how a link writes it, and what the text becomes.

In: a text and swaps like `18-23:verte`, joined by `~`, each counted in the text that the one
before it made. Out: the new text, and which words gave way to which. Knows nothing of Streamlit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST = 6  # swaps at once
LONGEST = 60  # characters of a new word
_SWAP = re.compile(r"(\d{1,6})-(\d{1,6}):([^~\n]{0,60})")
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True, slots=True)
class Swap:
    """Characters `start` to `stop` (not included) that a new word takes the place of."""

    start: int
    stop: int
    word: str

    def __str__(self) -> str:
        """Write it as links do."""
        return f"{self.start}-{self.stop}:{self.word}"


def parse(text: str) -> tuple[Swap, ...]:
    """Swaps as a link has them; `ValueError` where they make no sense.

    >>> parse("3-6:chien")
    (Swap(start=3, stop=6, word='chien'),)
    """
    found = [_SWAP.fullmatch(part) for part in text.split("~")] if text else []
    swaps = tuple(Swap(int(one[1]), int(one[2]), one[3]) for one in found if one)
    if len(swaps) != len(found) or len(swaps) > MOST or any(s.start >= s.stop for s in swaps):
        raise ValueError(f"“{text[:40]}” names no words to replace")
    return swaps


def swapped(text: str, swaps: tuple[Swap, ...]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text after all swaps, and (old, new) of each; `ValueError` where one lies outside.

    >>> swapped("Le chat dort.", parse("3-7:chien"))
    ('Le chien dort.', (('chat', 'chien'),))
    """
    pairs = []
    for swap in swaps:
        if swap.stop > len(text):
            raise ValueError(f"the text ends before character {swap.stop}")
        pairs.append((text[swap.start : swap.stop], swap.word))
        text = text[: swap.start] + swap.word + text[swap.stop :]
    return text, tuple(pairs)


def word_at(text: str, start: int, stop: int) -> tuple[int, int]:
    """The whole word that these characters are a part of, or the characters themselves.

    >>> word_at("Le canapé dort.", 3, 6), word_at("Il dort.", 7, 8)
    ((3, 9), (7, 8))
    """
    while start < stop and text[start].isspace():
        start += 1
    for word in _WORD.finditer(text):
        if word.start() < stop and start < word.end():
            return word.start(), word.end()
    return start, stop


def clean(word: str) -> str:
    """A new word as a link can carry it."""
    return " ".join(word.replace("~", " ").split())[:LONGEST]
