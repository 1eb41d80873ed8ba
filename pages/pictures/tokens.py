"""A text's tokens in words and numbers: counts, faces, what is said of one, a table.

In: `Tokens`. Out: plain values. Tokens that share one visible character (a split emoji, a letter
and its accent) stand in one `Group`. `lines` breaks a window of them as the text breaks, each with
its direction. `chips` and `chips_drawing` make pictures of them. Knows nothing of pages or models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Literal
from unicodedata import category

import numpy as np

from engine.values import Tokens
from pages.pictures import graphemes
from pages.pictures.svg import visible

Below = Literal["id", "characters", "bytes", "stored"]
WINDOW = 400
"""Tokens drawn at once: what one screen can hold; the counts are always of the whole text."""
BYTES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Group:
    """Tokens `first` to `last` (exclusive) over characters `start` to `end` of the text."""

    first: int
    last: int
    start: int
    end: int

    @property
    def split(self) -> bool:
        """Whether several tokens share the characters."""
        return self.last - self.first > 1


@dataclass(frozen=True, slots=True)
class Counts:
    """What a text costs: tokens (of which `added` by the tokenizer), characters, bytes, words."""

    tokens: int
    added: int
    unknown: int
    characters: int
    size: int
    words: int

    @property
    def per_token(self) -> float:
        """Characters per token of the text; 0 for an empty one."""
        own = self.tokens - self.added
        return self.characters / own if own else 0.0


def counts(tokens: Tokens) -> Counts:
    """Count the whole text, whatever is drawn of it."""
    starts, ends = tokens.spans.T
    return Counts(
        tokens=len(tokens),
        added=int((starts == ends).sum()),
        unknown=sum(is_unknown(tokens, int(i)) for i in tokens.special.nonzero()[0]),
        characters=len(tokens.text),
        size=len(tokens.text.encode("utf-8", "replace")),
        words=len(tokens.text.split()),
    )


def is_added(tokens: Tokens, index: int) -> bool:
    """Whether the tokenizer put this token there; it covers none of the text."""
    start, end = tokens.spans[index]
    return bool(start == end)


def is_unknown(tokens: Tokens, index: int) -> bool:
    """Whether this token stands for text that the vocabulary cannot write."""
    return _told(tokens, index)[0].unknown


def groups(tokens: Tokens, first: int = 0, last: int | None = None) -> list[Group]:
    """Tokens of a window, those that share a visible character together."""
    last = len(tokens) if last is None else min(last, len(tokens))
    # The window may open inside a character: look a little further to both sides.
    spans = tokens.spans[first:last]
    low, high = (int(spans[:, 0].min()), int(spans[:, 1].max())) if len(spans) else (0, 0)
    low, high = max(0, low - 32), min(len(tokens.text), high + 32)
    edges = {low + place for place in graphemes.boundaries(tokens.text[low:high])} | {0}
    found: list[Group] = []
    for index, (start, end) in enumerate(spans.tolist(), first):
        before = found[-1] if found else None
        if before and start < end and _one_character(before, start, edges):
            found[-1] = Group(before.first, index + 1, before.start, max(before.end, end))
        else:
            found.append(Group(index, index + 1, start, end))
    return found


def _one_character(before: Group, start: int, edges: set[int]) -> bool:
    if before.start == before.end:
        return False
    return start < before.end or (start == before.end and start not in edges)


def lines(tokens: Tokens, found: list[Group], *, special: bool) -> Iterator[list[Group]]:
    """Groups line by line, as the text breaks."""
    line: list[Group] = []
    for group in found:
        if not special and is_added(tokens, group.first):
            continue
        line.append(group)
        if "\n" in tokens.text[group.start : group.end]:
            yield line
            line = []
    if line:
        yield line


def rtl(tokens: Tokens, line: list[Group]) -> bool:
    """Whether a line reads from the right."""
    text = tokens.text[min(g.start for g in line) : max(g.end for g in line)]
    return bool(graphemes.right_to_left(text))


def most_cut(tokens: Tokens, *, words: int = 5000) -> tuple[str, int]:
    """The word (between spaces) with the most tokens, and their number; of the first `words`."""
    best, most = "", 0
    own = tokens.spans[tokens.spans[:, 0] < tokens.spans[:, 1]]
    own = own[np.argsort(own[:, 0], kind="stable")]
    for match in islice(re.finditer(r"\S+", tokens.text), words):
        # Tokens that end behind the word's start and begin before its end.
        first = int(np.searchsorted(own[:, 1], match.start(), side="right"))
        last = int(np.searchsorted(own[:, 0], match.end(), side="left"))
        if last - first > most:
            best, most = match[0], last - first
    return best, most


def told(tokens: Tokens, vocabulary: int) -> str:
    """What one sees in this picture, with its own numbers, in plain text."""
    total = counts(tokens)
    own = total.tokens - total.added
    lines = [
        f"{total.characters:,} characters became {own:,} tokens, {total.per_token:.1f} characters "
        f"each; the vocabulary has {vocabulary:,}."
    ]
    word, most = most_cut(tokens)
    if most > 1:
        lines.append(
            f"“{visible(word, limit=24)}” was cut most: {most} tokens, because the vocabulary "
            "does not hold it whole."
        )
    elif word:
        lines.append("Every word is one token: all of them are in the vocabulary.")
    if total.unknown:
        lines.append(f"{total.unknown} cannot be written with it and became “unknown”.")
    if total.added:
        lines.append(f"{total.added} more {'was' if total.added == 1 else 'were'} added.")
    return " ".join(lines)


# ---------------------------------------------------------------------------- words for a token


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a token wherever in the text it stands."""

    face: str
    unknown: bool
    lines: tuple[str, ...]


def face(tokens: Tokens, index: int) -> str:
    """What a chip shows: the token's text with spaces visible, or its bytes inside a character."""
    return _told(tokens, index)[0].face


def _told(tokens: Tokens, index: int) -> tuple[Told, int, int]:
    """What is said of a token, and where it begins and ends."""
    start, end = tokens.spans[index].tolist()
    covered = tokens.text[start:end] if start < end else None
    special = bool(tokens.special[index])
    return _words(tokens.pieces[index], tokens.data[index], covered, special), start, end


# Words come again, and while somebody types nearly all of them were there before.
@lru_cache(maxsize=8192)
def _words(piece: str, data: bytes, covered: str | None, special: bool) -> Told:
    """Of a token as stored, its bytes and what it covers of the text, None for nothing."""
    stored = f"in the vocabulary: {visible(piece)}"
    if covered is None:
        return Told(visible(piece), False, ("added by the tokenizer", stored))
    read = f"bytes {hexadecimal(data)}"
    if special and covered.strip() != piece:
        missing = "not in the vocabulary: the model sees only “unknown”"
        return Told(visible(covered), True, (read, missing, stored))
    return Told(_face(data, covered), False, (read, stored))


def _face(data: bytes, covered: str) -> str:
    try:
        own = data.decode("utf-8")
    except UnicodeDecodeError:
        return hexadecimal(data)
    # A piece that begins with a mark needs something to stand on.
    shown = covered if len(covered) >= len(own) and own else own or covered
    return visible(("◌" if category(shown[0])[0] == "M" else "") + shown)


def hexadecimal(data: bytes, *, limit: int = BYTES_SHOWN) -> str:
    """Bytes for the eye: `hexadecimal(b" c")` is `"20 63"`."""
    shown = data[:limit].hex(" ").upper()
    return shown + (" …" if len(data) > limit else "")


def under(tokens: Tokens, index: int, below: Below) -> str:
    """The small line under a chip."""
    start, end = tokens.spans[index]
    if below == "id":
        return str(tokens.ids[index])
    if below == "stored":
        return visible(tokens.pieces[index])
    if below == "bytes":
        return hexadecimal(tokens.data[index]) or "none"
    return f"{start}–{end}" if start < end else "none"


def tip(tokens: Tokens, index: int) -> str:
    """All there is to say of a token, a line each."""
    told, start, end = _told(tokens, index)
    lines = [f"token {index + 1}, id {tokens.ids[index]}"]
    if start < end:
        plural = "s" if end - start != 1 else ""
        lines.append(f"{end - start} character{plural}, from {start} up to {end}")
    return "\n".join((*lines, *told.lines))


def rows(tokens: Tokens, first: int = 0, last: int | None = None) -> list[dict[str, Any]]:
    """The same as a table, one row a token of a window."""
    return [
        {
            "token": index + 1,
            "text": face(tokens, index),
            "id": int(tokens.ids[index]),
            "start": int(tokens.spans[index][0]),
            "end": int(tokens.spans[index][1]),
            "bytes": tokens.data[index].hex(" ").upper(),
            "stored": tokens.pieces[index],
            "special": bool(tokens.special[index]),
        }
        for index in range(len(tokens))[first:last]
    ]


def columns(
    tokens: Tokens, first: int = 0, last: int | None = None
) -> dict[str, list[str | int | bool]]:
    """That table column by column, of a window."""
    found = rows(tokens, first, last)
    return {name: [row[name] for row in found] for name in found[0]} if found else {}
