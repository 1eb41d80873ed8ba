"""Whether what a model writes are words: the written ones that a list of words has.

In: texts, a vocabulary's tokens. Out: shares. The list are the whole words of a WordPiece
vocabulary, which are those that its corpus has most often: a rare word counts as none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
LETTERS = frozenset({"a", "i", "o"})  # letters that are words
SPELLS = 0.9  # a text of which so many words are words is spelt


def words_of(pieces: Iterable[str]) -> frozenset[str]:
    """The whole words among WordPiece tokens, in small letters.

    >>> sorted(words_of(["fox", "##ing", "[CLS]", "b", "a"]))
    ['a', 'fox']
    """
    found = (piece.lower() for piece in pieces if _WORD.fullmatch(piece))
    return frozenset(word for word in found if len(word) > 1 or word in LETTERS)


def spans(text: str, known: frozenset[str], *, whole: bool = False) -> list[tuple[int, int, bool]]:
    """(start, end, whether it is a word) of everything in a text that is made of letters.

    What stands at the end may go on, so it is left out unless the text is `whole`.
    """
    found = [(one.start(), one.end(), _known(one.group(), known)) for one in _WORD.finditer(text)]
    return found if whole or not found or found[-1][1] < len(text) else found[:-1]


def share(text: str, known: frozenset[str]) -> float:
    """The share of a text's words that are known; 0 where there is none.

    >>> share("the foxie ran ", frozenset({"the", "ran"}))
    0.6666666666666666
    """
    found = spans(text, known)
    return sum(right for _, _, right in found) / len(found) if found else 0.0


def repeated(text: str) -> float:
    """The share of a text's words that are the word before once more.

    >>> repeated("fox fox ran ")
    0.5
    """
    words = [one.group().lower() for one in _WORD.finditer(text)]
    return sum(a == b for a, b in pairwise(words)) / max(1, len(words) - 1)


def _known(word: str, known: frozenset[str]) -> bool:
    plain = word.lower().replace("’", "'")
    # "don't", "fox's": WordPiece keeps what stands before and after the apostrophe.
    return plain in known or all(
        part in known or part in ("s", "t", "d", "m", "ll", "re", "ve") for part in plain.split("'")
    )
