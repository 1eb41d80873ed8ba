"""Text as it is shown while it grows, and stop texts, which are sought in it.

In: a tokenizer's `Reader`, new ids. Out: what each adds to the text on screen; whether the text
holds one of the stop texts. Decoding the ids at once would not do: some tokenizers drop the space
of the first word, which the screen shows. Knows nothing of models.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence

from engine.tokenizers.reader import Reader

MOST = 4  # stop texts
LONGEST = 40  # characters each
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_PLAIN = {"\\\\": "\\", "\\n": "\n", "\\t": "\t", "\\r": "\r"}


class Speller:
    """Spells a text token by token, so that joined pieces are the text, whatever a token cuts."""

    def __init__(self, reader: Reader) -> None:
        """Begin a text."""
        self._reader = reader
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, token_id: int) -> str:
        """What the next token adds; "" while a character is not whole yet."""
        data = _data(self._reader, token_id)
        if data:
            return self._decoder.decode(data)
        return self._decoder.decode(b"", final=True) + self._reader.piece(token_id)


def stop_test(reader: Reader, stops: Sequence[str]) -> Callable[[Sequence[int]], bool] | None:
    """A test of new ids: whether their text holds a stop text that its last token completed.

    To be asked after every token, as a text that held one before the last token would have ended.
    """
    check(stops)
    if not stops:
        return None
    reach = max(len(stop.encode()) for stop in stops) + 4  # a character may begin before it

    def test(new: Sequence[int]) -> bool:
        size, first = 0, len(new) - 1
        while first > 0 and size < reach:
            first -= 1
            size += len(_data(reader, new[first]) or reader.piece(new[first]))
        speller = Speller(reader)
        text = "".join(speller.add(token_id) for token_id in new[first:])
        return any(stop in text for stop in stops)

    return test


def check(stops: Sequence[str]) -> None:
    """Refuse too many, too long or empty stop texts."""
    if len(stops) > MOST:
        raise ValueError(f"at most {MOST} stop texts, got {len(stops)}")
    if any(not 0 < len(stop) <= LONGEST for stop in stops):
        raise ValueError(f"a stop text must have 1 to {LONGEST} characters")


def escaped(text: str) -> str:
    r"""A stop text as it is typed on one line: a newline is \n, a tab \t, a backslash \\.

    >>> escaped("a" + chr(10))
    'a\\n'
    """
    return "".join(_ESCAPES.get(character, character) for character in text)


def unescaped(text: str) -> str:
    r"""What was typed: \n is a newline, \t a tab, \\ a backslash; all else stands for itself.

    >>> unescaped("a\\n") == "a" + chr(10)
    True
    """
    parts, place = [], 0
    while place < len(text):
        pair = text[place : place + 2]
        parts.append(_PLAIN.get(pair, text[place]))
        place += 2 if pair in _PLAIN else 1
    return "".join(parts)


def _data(reader: Reader, token_id: int) -> bytes:
    """The bytes that a token adds to a text: a WordPiece token that starts a word adds a space."""
    data = reader.data(token_id)
    begins = reader.writing == "wordpiece" and not reader.piece(token_id).startswith(reader.mark)
    return b" " + data if data and begins else data
