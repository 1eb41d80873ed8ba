"""Characters as people see them: which code points belong together.

A family emoji is five code points and one character on screen, an accented letter one or two. A
token may end inside such a character, which must then be drawn whole. In: a text. Out: places. The
rules are the common ones of Unicode's annex 29 (marks, joiners, variation selectors, skin tones,
flags, Hangul syllables, CR LF); scripts that need a dictionary are not cut further.
"""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"


def boundaries(text: str) -> list[int]:
    """Places where a character as seen begins, and the end of the text.

    >>> boundaries("e\\u0301a")
    [0, 2, 3]
    """
    if text.isascii() and "\r" not in text:
        return [*range(len(text) + 1)]
    places = [0]
    flags = 0
    for place in range(1, len(text)):
        before, here = text[place - 1], text[place]
        flags = flags + 1 if _is_flag(before) else 0
        if not _stays(before, here, flags):
            places.append(place)
    if text:
        places.append(len(text))
    return places


def _stays(before: str, here: str, flags: int) -> bool:
    """Whether two neighbours are one character; `flags` counts the flag letters just before."""
    code = ord(here)
    if before == "\r":
        return here == "\n"
    if code < 0x300 or before == "\n":
        return False
    if unicodedata.category(here) in ("Mn", "Me", "Mc") or here == _JOINER:
        return True
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:
        return True
    if before == _JOINER:
        return unicodedata.category(here) == "So"
    if _is_flag(here):
        return flags % 2 == 1
    return _is_hangul_tail(before, here)


def _is_flag(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def _is_hangul_tail(before: str, here: str) -> bool:
    """Jamo vowels and final consonants after a Hangul syllable or jamo."""
    code = ord(here)
    if not 0x1160 <= code <= 0x11FF:
        return False
    return 0x1100 <= ord(before) <= 0x11FF or 0xAC00 <= ord(before) <= 0xD7A3


def right_to_left(text: str) -> bool | None:
    """Direction of the first character that has one; None for digits, spaces and signs.

    >>> right_to_left("... שלום")
    True
    """
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("R", "AL"):
            return True
        if kind == "L":
            return False
    return None


def joins(before: str, after: str) -> bool:
    """Whether two letters are written as one stroke (Arabic and its kin)."""
    if before.isascii() or after.isascii():
        return False
    return all(
        unicodedata.bidirectional(character) == "AL" and unicodedata.category(character) == "Lo"
        for character in (before, after)
    )
