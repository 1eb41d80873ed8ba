"""Tokens as chips, beside the text they came from.

In: `Tokens` and a window of them. Out: a picture in HTML (`chips`, it wraps to any width), the same
as an SVG for files (`drawing`), and rows for a table (`rows`). Token i has the id `t<i>` in the
grammar of pictures; tokens that share one visible character (a split emoji, a letter and its
accent) stand in one group `g<i>`: the character whole, its bytes apart. Chips keep the text's own
order, its line breaks and its direction. Knows nothing of pages or models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal
from unicodedata import category

import numpy as np

from engine.values import Tokens
from pages.views import graphemes, palette
from pages.views.svg import document, esc, label, tag, text_width, visible

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
    added = sum(is_added(tokens, i) for i in range(len(tokens)))
    return Counts(
        tokens=len(tokens),
        added=added,
        unknown=sum(is_unknown(tokens, i) for i in range(len(tokens))),
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
    start, end = tokens.spans[index]
    if start == end or not tokens.special[index]:
        return False
    return tokens.text[start:end].strip() != tokens.pieces[index]


def groups(tokens: Tokens, first: int = 0, last: int | None = None) -> list[Group]:
    """Tokens of a window, those that share a visible character together."""
    last = len(tokens) if last is None else min(last, len(tokens))
    # The window may open inside a character: look a little further to both sides.
    spans = tokens.spans[first:last]
    low, high = (int(spans[:, 0].min()), int(spans[:, 1].max())) if len(spans) else (0, 0)
    low, high = max(0, low - 32), min(len(tokens.text), high + 32)
    edges = {low + place for place in graphemes.boundaries(tokens.text[low:high])} | {0}
    found: list[Group] = []
    for index in range(first, last):
        start, end = (int(place) for place in tokens.spans[index])
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


def face(tokens: Tokens, index: int) -> str:
    """What a chip shows: the token's text with spaces visible, or its bytes inside a character."""
    if is_added(tokens, index):
        return visible(tokens.pieces[index])
    start, end = tokens.spans[index]
    covered = tokens.text[start:end]
    if is_unknown(tokens, index):
        return visible(covered)
    try:
        own = tokens.data[index].decode("utf-8")
    except UnicodeDecodeError:
        return hexadecimal(tokens.data[index])
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
    start, end = tokens.spans[index]
    lines = [f"token {index + 1}, id {tokens.ids[index]}"]
    if is_added(tokens, index):
        lines.append("added by the tokenizer")
    else:
        plural = "s" if end - start != 1 else ""
        lines.append(f"{end - start} character{plural}, from {start} up to {end}")
        lines.append(f"bytes {hexadecimal(tokens.data[index])}")
    if is_unknown(tokens, index):
        lines.append("not in the vocabulary: the model sees only “unknown”")
    lines.append(f"in the vocabulary: {visible(tokens.pieces[index])}")
    return "\n".join(lines)


def rows(tokens: Tokens) -> list[dict[str, Any]]:
    """The same as a table, one row a token."""
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
        for index in range(len(tokens))
    ]


# ---------------------------------------------------------------------------- the picture

STYLE = f"""
.tokens {{ color:{palette.INK}; font-family:{palette.SANS}; }}
.tokens .source {{ font-size:17px; line-height:1.9; white-space:pre-wrap; overflow-wrap:anywhere;
  margin:0 0 18px; padding:14px 18px; border:1px solid {palette.LINE}; border-radius:10px;
  max-height:16em; overflow-y:auto; }}
.tokens .source [data-id] {{ border-radius:3px; padding:2px 0; cursor:pointer; }}
.tokens .line {{ margin:0 0 6px; line-height:1; }}
.tokens .tok, .tokens .group {{ display:inline-block; vertical-align:top; text-align:center;
  margin:0 3px 9px 0; border-radius:7px; cursor:pointer; unicode-bidi:isolate;
  border:1.5px solid transparent; max-width:100%; }}
.tokens .tok b {{ display:block; font:500 16px/1.35 {palette.MONO}; padding:5px 7px 1px;
  min-width:1ch; overflow-wrap:anywhere; white-space:pre-wrap; }}
.tokens .tok i {{ display:block; font:400 11.5px/1.3 {palette.MONO}; padding:0 7px 5px;
  color:{palette.INK}; opacity:.72; direction:ltr; }}
.tokens .special {{ border-color:{palette.KEPT}; }}
.tokens .unknown {{ border:1.5px dashed {palette.WRONG}; }}
.tokens .group {{ border:1.5px dashed {palette.FAINT}; padding:3px 3px 0; }}
.tokens .group > b {{ display:block; font:500 20px/1.5 {palette.MONO}; }}
.tokens .group .tok {{ margin:0 3px 3px 0; }}
.tokens .group .tok b {{ font-size:13px; }}
.tokens [data-id].locked {{ outline:2.5px solid {palette.ACCENT}; outline-offset:1px; }}
.tokens u {{ text-decoration:none; color:{palette.FAINT}; }}
"""


def chips(
    tokens: Tokens,
    *,
    first: int = 0,
    last: int | None = None,
    below: Below = "id",
    special: bool = True,
    source: bool = True,
) -> str:
    """The text and its chips under it; `special=False` leaves out what the tokenizer added.

    Without `source` the chips alone are a menu: none is dimmed when one is locked.
    """
    found = groups(tokens, first, last)
    text = tag("div", _source(tokens, found), class_="source", dir="auto") if source else ""
    lines = [
        tag(
            "div",
            _runs(tokens, line, below),
            class_="line",
            dir="rtl" if _rtl(tokens, line) else "ltr",
        )
        for line in _lines(tokens, found, special=special)
    ]
    if not source:
        lines = [line.replace(" data-id=", ' data-keep="" data-id=') for line in lines]
    body = tag("div", tag("style", STYLE) + text + "".join(lines), class_="tokens")
    return body.replace("<div", '<div xmlns="http://www.w3.org/1999/xhtml"', 1)


def _lines(tokens: Tokens, found: list[Group], *, special: bool) -> Iterator[list[Group]]:
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


def _rtl(tokens: Tokens, line: list[Group]) -> bool:
    text = tokens.text[min(g.start for g in line) : max(g.end for g in line)]
    return bool(graphemes.right_to_left(text))


def _runs(tokens: Tokens, line: list[Group], below: Below) -> str:
    """A line's chips; a run that reads the other way is set apart so that it is laid out so."""
    base, parts, run, way = _rtl(tokens, line), list[str](), list[str](), None
    for group in line:
        own = graphemes.right_to_left(tokens.text[group.start : group.end])
        direction = base if own is None else own
        if direction != way and run:
            parts.append(_run(run, way, base))
            run = []
        way = direction
        run.append(_group(tokens, group, below))
    return "".join([*parts, _run(run, way, base)])


def _run(run: list[str], way: bool | None, base: bool) -> str:
    return "".join(run) if way == base else tag("bdi", run, dir="rtl" if way else "ltr")


def _group(tokens: Tokens, group: Group, below: Below) -> str:
    if not group.split:
        return _chip(tokens, group.first, below)
    # Joiners stay, or a family would fall into its members.
    joined = tokens.text[group.start : group.end].split("\u200d")
    whole = tag("b", esc("\u200d".join(visible(part) for part in joined)), dir="auto")
    inner = [_chip(tokens, i, below, group.first) for i in range(group.first, group.last)]
    return tag("span", [whole, *inner], class_="group", data_on=f"g{group.first}")


def _chip(tokens: Tokens, index: int, below: Below, group: int | None = None) -> str:
    kind, ground = "tok", palette.chip(index)
    if is_unknown(tokens, index):
        kind = "tok unknown"
    elif tokens.special[index]:
        kind, ground = "tok special", palette.SPECIAL
    return tag(
        "span",
        tag("b", _marked(_joined_face(tokens, index)), dir="auto")
        + tag("i", esc(under(tokens, index, below))),
        class_=kind,
        style=f"background:{ground}",
        data_id=f"t{index}",
        data_name=face(tokens, index),
        data_on=None if group is None else f"g{group}",
        data_tip=tip(tokens, index),
    )


def _joined_face(tokens: Tokens, index: int) -> str:
    """A chip's face; a cut through joined writing keeps the letters' joined forms."""
    shown = face(tokens, index)
    start, end = tokens.spans[index]
    if 0 < start < end and graphemes.joins(tokens.text[start - 1], shown[0]):
        shown = "\u200d" + shown
    if start < end < len(tokens.text) and graphemes.joins(shown[-1], tokens.text[end]):
        shown += "\u200d"
    return shown


def _marked(shown: str) -> str:
    """Escaped text with the marks of spaces and line ends in grey."""
    return "".join(f"<u>{c}</u>" if c in "·⏎→␍" else esc(c) for c in shown)


def _source(tokens: Tokens, found: list[Group]) -> str:
    """The text as typed, each token's stretch lit with its chip."""
    parts: list[str] = []
    at = next((g.start for g in found if g.start < g.end), 0)
    for group in found:
        if group.start >= group.end:
            continue
        parts.append(esc(tokens.text[at : group.start]))
        inside = " ".join(f"t{i}" for i in range(group.first, group.last))
        parts.append(
            tag(
                "span",
                esc(tokens.text[max(at, group.start) : group.end]),
                data_id=f"g{group.first}" if group.split else inside,
                data_on=inside if group.split else None,
                data_tip="\n".join([f"{group.last - group.first} tokens for one character"])
                if group.split
                else tip(tokens, group.first),
                style=f"background:{palette.chip(group.first)}",
            )
        )
        at = group.end
    return "".join(parts)


# ---------------------------------------------------------------------------- the file

ROW, PAD, GAP = 46.0, 14.0, 4.0


def drawing(
    tokens: Tokens,
    *,
    first: int = 0,
    last: int | None = None,
    below: Below = "id",
    special: bool = True,
    width: float = 960,
) -> str:
    """The chips as an SVG, wrapped at `width`, for files and slides."""
    parts: list[str] = []
    x, y = PAD, PAD
    for line in _lines(tokens, groups(tokens, first, last), special=special):
        rtl = _rtl(tokens, line)
        for group in line:
            names = [face(tokens, i) for i in range(group.first, group.last)]
            smalls = [under(tokens, i, below) for i in range(group.first, group.last)]
            sizes = [
                max(text_width(name, 15), text_width(small, 11)) + 12
                for name, small in zip(names, smalls, strict=True)
            ]
            if x + sum(sizes) > width - PAD and x > PAD:
                x, y = PAD, y + ROW
            for offset, size in enumerate(sizes):
                left = width - x - size if rtl else x
                index = group.first + offset
                parts.append(_box(tokens, index, left, y, size, names[offset], smalls[offset]))
                x += size + GAP
        x, y = PAD, y + ROW
    total = counts(tokens)
    title = f"{total.tokens} tokens for {total.characters} characters"
    return document(width, y + PAD, parts, title)


def _box(
    tokens: Tokens, index: int, x: float, y: float, width: float, name: str, small: str
) -> str:
    marked = bool(tokens.special[index])
    ground = palette.SPECIAL if marked else palette.chip(index)
    box = tag(
        "rect", x=x, y=y, width=width, height=40.0, rx=6, fill=ground,
        stroke=palette.KEPT if marked else None,
    )  # fmt: skip
    middle = {"text_anchor": "middle"}
    return tag(
        "g",
        box
        + label(name, x + width / 2, y + 19, size=15, mono=True, **middle)
        + label(small, x + width / 2, y + 34, size=11, mono=True, fill=palette.MUTED, **middle),
        data_id=f"t{index}",
        data_tip=tip(tokens, index),
    )
