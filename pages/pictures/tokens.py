"""A text's tokens in words and numbers: counts, faces, what is said of one, a table.

In: `Tokens`. Out: plain values. Tokens that share one visible character (a split emoji, a letter
and its accent) stand in one `Group`. `lines` breaks a window of them as the text breaks, each with
its direction. `chips` and `chips_drawing` make pictures of them. Knows nothing of pages or models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from unicodedata import category

from engine.values import LEFT_OUT, Tokens
from pages.pictures.chips import graphemes
from pages.pictures.names import UNKNOWN
from pages.pictures.remembered import remembered
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
    """What a text costs: tokens (`added`: by the tokenizer), characters (`deleted`), bytes."""

    tokens: int
    added: int
    unknown: int
    characters: int
    deleted: int
    size: int

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
        added=int(((starts == ends) & ~tokens.unknown).sum()),
        unknown=int(tokens.unknown.sum()),
        characters=len(tokens.text),
        deleted=int((tokens.left_out == LEFT_OUT.index("normalizer")).sum()),
        size=len(tokens.text.encode("utf-8", "replace")),
    )


def is_added(tokens: Tokens, index: int) -> bool:
    """Whether the tokenizer put this token there: it covers none of the text."""
    start, end = tokens.spans[index]
    return bool(start == end) and not tokens.unknown[index]


def is_unknown(tokens: Tokens, index: int) -> bool:
    """Whether this token stands for text that the vocabulary cannot write."""
    return bool(tokens.unknown[index])


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


# ---------------------------------------------------------------------------- words for a token


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a token wherever in the text it stands."""

    face: str
    lines: tuple[str, ...]


def face(tokens: Tokens, index: int) -> str:
    """What a chip shows: the token's text with spaces visible, or its bytes inside a character."""
    return _told(tokens, index)[0].face


def _told(tokens: Tokens, index: int) -> tuple[Told, int, int]:
    """What is said of a token, and where it begins and ends."""
    start, end = tokens.spans[index].tolist()
    covered = _held(tokens, start, end) if start < end else None
    kind = "special" if tokens.special[index] else "unknown" if tokens.unknown[index] else "piece"
    return _words(tokens.pieces[index], tokens.data[index], covered, kind), start, end


def _held(tokens: Tokens, start: int, end: int) -> str:
    """A stretch of the text without what the normalizer deleted inside it."""
    text, gone = tokens.text[start:end], tokens.left_out[start:end].tobytes()
    if not any(gone):
        return text
    return "".join(one for one, out in zip(text, gone, strict=True) if not out)


# Words come again, and while somebody types nearly all of them were there before.
@remembered(8192)
def _words(
    piece: str, data: bytes, covered: str | None, kind: Literal["special", "unknown", "piece"]
) -> Told:
    """Of a token as stored, its bytes and what it covers of the text, None for nothing."""
    stored = f"in the vocabulary: {visible(piece)}"
    if kind == "special":
        whose = (
            "added by the tokenizer"
            if covered is None
            else "special token, its name stands in the text"
        )
        return Told(visible(piece), (whose, stored))
    if covered is None:
        # A model wrote the unknown token; or a text begins without a space before it.
        written = "added by the tokenizer: the space before the first word"
        nothing = f"{UNKNOWN}: no text" if kind == "unknown" else written
        return Told(visible(piece), (nothing, stored))
    read = f"bytes {hexadecimal(data)}"
    if kind == "unknown":
        missing = f"{UNKNOWN}: not in the vocabulary, the model reads {visible(piece)}"
        return Told(visible(covered), (read, missing, stored))
    return Told(_face(data, covered), (read, stored))


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


def tip(tokens: Tokens, index: int, roles: Mapping[int, str] | None = None) -> str:
    """All there is to say of a token, a line each; `roles` are those of special tokens, by id."""
    return face_and_tip(tokens, index, roles)[1]


def face_and_tip(
    tokens: Tokens, index: int, roles: Mapping[int, str] | None = None
) -> tuple[str, str]:
    """What `face` and `tip` say, for who draws hundreds of chips."""
    told, start, end = _told(tokens, index)
    lines = [f"token {index + 1}, id {tokens.ids[index]}"]
    if roles and tokens.special[index] and int(tokens.ids[index]) in roles:
        lines.append(roles[int(tokens.ids[index])])
    if start < end:
        plural = "s" if end - start != 1 else ""
        lines.append(f"{end - start} character{plural}, from {start} up to {end}")
    return told.face, "\n".join((*lines, *told.lines))


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
            "unknown": bool(tokens.unknown[index]),
        }
        for index in range(len(tokens))[first:last]
    ]


def columns(
    tokens: Tokens, first: int = 0, last: int | None = None
) -> dict[str, list[str | int | bool]]:
    """That table column by column, of a window."""
    found = rows(tokens, first, last)
    return {name: [row[name] for row in found] for name in found[0]} if found else {}
