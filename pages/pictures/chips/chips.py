"""Tokens as chips, beside the text they came from: a picture in HTML, as it wraps to any width.

In: `Tokens` and a window of them. Out: HTML in the grammar of pictures: token i has the id `t<i>`,
tokens that share one visible character stand in one group `g<i>`, the character whole, its bytes
apart. Chips keep the text's own order, its line breaks and its direction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import category

from engine.values import LEFT_OUT, Tokens
from pages.pictures import palette
from pages.pictures.chips import graphemes
from pages.pictures.names import character
from pages.pictures.remembered import remembered
from pages.pictures.svg import esc, tag, visible
from pages.pictures.tokens import Below, Group, face_and_tip, groups, is_unknown, lines, rtl, under

_MARKS = re.compile("[·⏎→␍]")
KEEP = ' data-keep=""'
NORMALIZER = LEFT_OUT.index("normalizer")
STYLE = f"""
.tokens {{ color:{palette.INK}; font-family:{palette.SANS}; }}
.tokens.menu {{ padding:34px 3px 0; }}
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
.tokens .tok i {{ display:block; font:400 12px/1.3 {palette.MONO}; padding:0 7px 5px;
  color:{palette.INK}; direction:ltr; }}
.tokens .special {{ background:{palette.SPECIAL}; border-color:{palette.KEPT}; }}
.tokens .unknown {{ border:1.5px dashed {palette.WRONG}; }}
.tokens .group {{ border:1.5px dashed {palette.FAINT}; padding:3px 3px 0; }}
.tokens .group > b {{ display:block; font:500 20px/1.5 {palette.MONO}; }}
.tokens .group .tok {{ margin:0 3px 3px 0; }}
.tokens .group .tok b {{ font-size:13px; }}
.tokens [data-id].locked {{ outline:2.5px solid {palette.ACCENT}; outline-offset:1px; }}
.tokens .gone {{ text-decoration-color:{palette.WRONG}; }}
.tokens u {{ text-decoration:none; color:{palette.FAINT}; }}
""" + "".join(
    f".tokens .c{i} {{ background:{ground}; }}\n" for i, ground in enumerate(palette.CHIPS)
)


def chips(
    tokens: Tokens,
    *,
    first: int = 0,
    last: int | None = None,
    below: Below = "id",
    special: bool = True,
    source: bool = True,
    roles: Mapping[int, str] | None = None,
) -> str:
    """The text and its chips under it; `special=False` leaves out what the tokenizer added.

    `roles` says what special tokens are for, by id: their tooltips tell it.
    Without `source` the chips alone are a menu: none is dimmed when one is locked.
    """
    found = groups(tokens, first, last)
    text = tag("div", _source(tokens, found), class_="source", dir="auto") if source else ""
    drawn = [
        tag(
            "div",
            _runs(tokens, line, _Look(below, not source, roles)),
            class_="line",
            dir="rtl" if rtl(tokens, line) else "ltr",
        )
        for line in lines(tokens, found, special=special)
    ]
    body = tag(
        "div",
        tag("style", STYLE) + text + "".join(drawn),
        class_="tokens" if source else "tokens menu",
    )
    return body.replace("<div", '<div xmlns="http://www.w3.org/1999/xhtml"', 1)


@dataclass(frozen=True, eq=False)
class _Look:
    """What is the same of all chips of a picture; `keep`: none is ever dimmed."""

    below: Below
    keep: bool
    roles: Mapping[int, str] | None


def _runs(tokens: Tokens, line: list[Group], look: _Look) -> str:
    """A line's chips; a run that reads the other way is set apart so that it is laid out so."""
    base, parts, run, way = rtl(tokens, line), list[str](), list[str](), None
    for group in line:
        own = graphemes.right_to_left(tokens.text[group.start : group.end])
        direction = base if own is None else own
        if direction != way and run:
            parts.append(_run(run, way, base))
            run = []
        way = direction
        run.append(_group(tokens, group, look))
    return "".join([*parts, _run(run, way, base)])


def _run(run: list[str], way: bool | None, base: bool) -> str:
    return "".join(run) if way == base else tag("bdi", run, dir="rtl" if way else "ltr")


def _group(tokens: Tokens, group: Group, look: _Look) -> str:
    if not group.split:
        return _chip(tokens, group.first, look)
    # Joiners stay, or a family would fall into its members.
    joined = tokens.text[group.start : group.end].split("\u200d")
    whole = tag("b", esc("\u200d".join(visible(part) for part in joined)), dir="auto")
    named = f"g{group.first}"
    inner = [_chip(tokens, i, look, group=named) for i in range(group.first, group.last)]
    return tag("span", [whole, *inner], class_="group", keep=look.keep, data_on=named)


def _chip(tokens: Tokens, index: int, look: _Look, *, group: str | None = None) -> str:
    # Written out, not by `tag`: there are hundreds of them, drawn anew while somebody types.
    kind = _ground(index)
    if is_unknown(tokens, index):
        kind += " unknown"
    elif tokens.special[index]:
        kind = "special"
    shown, said = face_and_tip(tokens, index, look.roles)
    on = f' data-on="{group}"' if group else ""
    way = "" if tokens.text.isascii() else ' dir="auto"'
    return (
        f'<span class="tok {kind}" data-id="t{index}" '
        f'data-name="{_quoted(shown)}"{on} '
        f'data-tip="{_lines(said)}"{KEEP if look.keep else ""}>'
        f"<b{way}>{_marked(_joined(tokens, index, shown))}</b>"
        f"<i>{esc(under(tokens, index, look.below))}</i></span>"
    )


def _ground(index: int) -> str:
    """The class of a chip's colour: a style written out for each costs the browser more."""
    return f"c{index % len(palette.CHIPS)}"


def _lines(text: str) -> str:
    """A text in an attribute, where a bare line break would be read as a space."""
    return esc(text).replace("\n", "&#10;")


_quoted = remembered(4096)(_lines)  # faces come again


def _joined(tokens: Tokens, index: int, shown: str) -> str:
    """A chip's face; a cut through joined writing keeps the letters' joined forms."""
    if tokens.text.isascii():
        return shown
    start, end = tokens.spans[index]
    if 0 < start < end and graphemes.joins(tokens.text[start - 1], shown[0]):
        shown = "\u200d" + shown
    if start < end < len(tokens.text) and graphemes.joins(shown[-1], tokens.text[end]):
        shown += "\u200d"
    return shown


@remembered(4096)
def _marked(shown: str) -> str:
    """Escaped text with the marks of spaces and line ends in grey."""
    return _MARKS.sub(r"<u>\g<0></u>", esc(shown))


def _source(tokens: Tokens, found: list[Group]) -> str:
    """The text as typed, each token's stretch lit with its chip, what was deleted marked."""
    parts: list[str] = []
    at = next((g.start for g in found if g.start < g.end), 0)
    for group in found:
        if group.start >= group.end:
            continue
        parts.append(_typed(tokens, at, group.start))
        inside = " ".join(f"t{i}" for i in range(group.first, group.last))
        # A whole token's chip has what there is to say: one of an id tells for all.
        own, told = inside, ""
        if group.split:
            own, words = f"g{group.first}", f"{group.last - group.first} tokens for one character"
            told = f' data-on="{inside}" data-tip="{words}"'
        parts.append(
            f'<span class="{_ground(group.first)}" data-id="{own}"{told}>'
            f"{_typed(tokens, max(at, group.start), group.end)}</span>"
        )
        at = max(at, group.end)
    end = len(tokens.text) if found and found[-1].last == len(tokens) else at
    return "".join(parts) + _typed(tokens, at, end)


def _typed(tokens: Tokens, start: int, end: int) -> str:
    """A stretch of the text as typed, with what the normalizer deleted crossed out."""
    text = tokens.text[start:end]
    gone = tokens.left_out[start:end].tobytes()
    if NORMALIZER not in gone:
        return esc(text)
    return "".join(
        _gone(one) if out == NORMALIZER else esc(one) for one, out in zip(text, gone, strict=True)
    )


@lru_cache(maxsize=256)
def _gone(one: str) -> str:
    # A mark needs something to stand on; a space is seen as a space, crossed out.
    shown = f"\u25cc{one}" if category(one)[0] == "M" else visible(one)
    note = _quoted(f"{character(one)}: deleted by the normalizer")
    return f'<s class="gone" data-tip="{note}">{esc(shown)}</s>'
