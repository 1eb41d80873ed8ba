"""What things of a text are called, one name on every page.

In: pieces, characters, ids with their roles. Out: words for a sentence, plain text. On a chip, an
axis or a bar a piece is drawn by `svg.visible` (`·cat`, `⏎`); in a sentence it is named here:
“·cat”, newline (⏎), end mark </s>.

    start mark, end mark, separator, padding, mask, language mark    nobody writes them as words
    unknown word                                                     the text's own, not in the
                                                                     vocabulary
    newline, space, tab                                              never an empty pair of quotes
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping

from pages.pictures.svg import visible

UNKNOWN = "unknown word"
_BLANKS = {" ": "space", "\n": "newline", "\t": "tab", "\r": "carriage return"}


def quoted(piece: str, *, limit: int = 24) -> str:
    """A piece of text inside a sentence.

    >>> quoted(" cat"), quoted("\\n"), quoted("  "), quoted("")
    ('“·cat”', 'newline (⏎)', '2 spaces (··)', 'no text')
    """
    if not piece:
        return "no text"
    if piece[0] in _BLANKS and piece == piece[0] * len(piece):
        name = _BLANKS[piece[0]]
        count = "" if len(piece) == 1 else f"{len(piece)} "
        return f"{count}{name}{'s' if count else ''} ({visible(piece, limit=limit)})"
    return f"“{visible(piece, limit=limit)}”"


def token(piece: str, token_id: int, roles: Mapping[int, str], *, limit: int = 24) -> str:
    """A token inside a sentence, with what it is for where it is no piece of text.

    >>> token("</s>", 0, {0: "end mark"}), token(" the", 7, {0: "end mark"})
    ('end mark </s>', '“·the”')
    """
    role = roles.get(token_id)
    return quoted(piece, limit=limit) if role is None else f"{role} {visible(piece, limit=limit)}"


def character(one: str) -> str:
    """One character inside a sentence: itself, or its number where nothing is to be seen of it.

    >>> character("é"), character("\\x10"), character("\\u0301"), character(" ")
    ('é', 'U+0010', 'U+0301', 'space')
    """
    if one in _BLANKS:
        return _BLANKS[one]
    hidden = unicodedata.category(one)[0] in "CMZ" or not one.isprintable()
    return f"U+{ord(one):04X}" if hidden else one


def characters(text: str, *, most: int = 5) -> str:
    """The characters of a text, each once, with how many there are of it.

    >>> characters("\\x10\\x10\\u200b")
    'U+0010 (2 times), U+200B'
    """
    found = Counter(text).most_common()
    named = [character(one) + (f" ({n} times)" if n > 1 else "") for one, n in found[:most]]
    return ", ".join(named) + (f" and {len(found) - most} more" if len(found) > most else "")
