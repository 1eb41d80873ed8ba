"""Building blocks of our SVG pictures: escaping, tags, text widths, the document.

In: plain values. Out: SVG strings, in the grammar that `assets/components/picture.js` plays:

    data-id="t3"        can be hovered, clicked (locked), focused and reached by the arrow keys;
                        elements that share an id light together
    data-on="t3 t5"     lit when one of these ids is hovered or locked
    data-show="t3 t5"   hidden unless one of these ids is hovered or locked
    data-keep           never dimmed (`keep=True`)
    data-tip="a\\nb"     tooltip, plain text
    data-act="do Do it" what can be done with a locked target, a line each: the act's name in one
                        word, then the words of its button; it stands behind the target's data-id
    <g class="matrix">  made by `cells.matrix`

Whatever a person, a tokenizer or a model wrote reaches a picture through `esc` or `tag` only.
Knows nothing of engine values, themes or pages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np

from pages.pictures import palette

_SPECIAL = re.compile("[\x00-\x08\x0b-\x1f\"&'<>\ud800-\udfff\ufffe\uffff]").search
_HTML = frozenset(
    {"b", "bdi", "code", "div", "i", "p", "span", "table", "tbody", "td", "th", "thead", "tr", "u"}
)
_CONTROLS = {code: chr(0x2400 + code) for code in range(32)} | {127: "\u2421"}
_UNSAFE = {**{c: "\ufffd" for c in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)}}
_VISIBLE = _CONTROLS | {ord(" "): "·", ord("\n"): "⏎", ord("\r"): "␍", ord("\t"): "→"}
_VISIBLE |= {0xA0: "⍽", 0x200B: "∅", 0x200D: "‿", 0xFEFF: "∅"}
# Marks that turn or hide the text around them: shown as a dotted box, never obeyed.
_VISIBLE |= {code: "⬚" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)}


def esc(text: object) -> str:
    """Escape for SVG and HTML, in text and in quoted attributes; XML's forbidden characters go.

    >>> esc('<b> & "q"')
    '&lt;b&gt; &amp; &quot;q&quot;'
    """
    if not _SPECIAL(plain := str(text)):
        return plain
    plain = plain.translate(_UNSAFE).encode("utf-8", "replace").decode("utf-8")
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A bare carriage return is read as a line break, or lost before one.
    return plain.replace('"', "&quot;").replace("'", "&#39;").replace("\r", "&#13;")


def visible(piece: str, *, limit: int = 64) -> str:
    """A piece of text with spaces and controls shown (· ⏎ →), cut at `limit` characters.

    >>> visible(" cat\\n")
    '·cat⏎'
    """
    if len(piece) <= limit and piece.isalnum():
        return piece
    shown = piece[: limit + 1].translate(_VISIBLE)
    return shown if len(piece) <= limit else shown[: limit - 1] + "…"


def tag(name: str, children: str | Iterable[str] = "", **attributes: object) -> str:
    """One element; `children` are markup and stay as they are, attribute values are escaped.

    Underscores in names become hyphens (`data_id`, `font_size`), a trailing one is dropped
    (`class_`). None and False leave an attribute out, True writes it empty, floats are short.
    `keep=True` is `data-keep`.

    >>> tag("text", esc("a<b"), x=1.50, data_id="t0")
    '<text x="1.5" data-id="t0">a&lt;b</text>'
    """
    body = children if isinstance(children, str) else "".join(children)
    head = ""
    for key, value in attributes.items():
        if value is not None and value is not False:
            head += _attribute(key, value)
    # What a browser reads as HTML is closed by an end tag only.
    return (
        f"<{name}{head}/>" if not body and name not in _HTML else f"<{name}{head}>{body}</{name}>"
    )


def offering(svg: str, acts: Mapping[str, str]) -> str:
    """A picture whose targets offer acts (`data-act` by `data-id`); its files go without.

    >>> offering('<text data-id="q1">a</text>', {"q1": "mask Mask “a”"})
    '<text data-id="q1" data-act="mask Mask “a”">a</text>'
    """

    def offered(match: re.Match[str]) -> str:
        act = acts.get(match[1])
        return match[0] if act is None else match[0] + _attribute("data_act", act)

    return re.sub(r'data-id="([^"]*)"', offered, svg) if acts else svg


def _attribute(key: str, value: object) -> str:
    if value is True:
        return f' {_written(key)}=""'
    if isinstance(value, float | np.floating):
        return f' {_written(key)}="{_number(value)}"'
    # A bare line break in an attribute is read as a space.
    return f' {_written(key)}="{esc(value)}"'.replace("\n", "&#10;")


@lru_cache(maxsize=256)
def _written(key: str) -> str:
    return "data-keep" if key == "keep" else key.rstrip("_").replace("_", "-")


def _number(value: float | np.floating[Any]) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def label(
    text: str, x: float, y: float, *, size: float = 13, mono: bool = False, **attributes: object
) -> str:
    """A `<text>` in our fonts; `text` is escaped, spaces in it are kept.

    Defaults: ink, sans, baseline at `y`. Give `text_anchor`, `fill`, `font_weight`,
    `dominant_baseline`, `data_id` and so on as attributes.
    """
    base: dict[str, object] = {
        "x": float(x),
        "y": float(y),
        "font_size": float(size),
        "font_family": palette.MONO if mono else palette.SANS,
        "fill": palette.INK,
        "style": "white-space:pre",
    }
    return tag("text", esc(text), **(base | attributes))


def text_width(text: str, size: float, mono: bool = True) -> float:
    """Estimated width in pixels of a text in our fonts, a little generous.

    >>> text_width("cat", 10)
    18.0
    """
    return sum(map(_advance, text, repeat(mono))) * size


@lru_cache(maxsize=4096)
def _advance(character: str, mono: bool) -> float:
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if mono:
        # Beyond Latin, Greek and Cyrillic a browser falls back to wider fonts.
        return 0.6 if ord(character) < 0x530 or category[0] in "PSZ" else 0.75
    if character in "iljtfrI.,:;'|!()[] ":
        return 0.32
    if character in "mwMW@%—":
        return 0.86
    return 0.62 if character.isupper() else 0.52


def shortened(text: str, width: float, size: float, mono: bool = True) -> str:
    """The text, cut with … so that it is at most `width` pixels wide."""
    if text_width(text, size, mono) <= width:
        return text
    kept, used = [], size * 0.6
    for character in text:
        used += _advance(character, mono) * size
        if used > width:
            break
        kept.append(character)
    return "".join(kept) + "…"


def document(
    width: float,
    height: float,
    body: str | Iterable[str],
    title: str,
    description: str = "",
    *,
    least: float | None = None,
) -> str:
    """A whole SVG; `title` names the picture, `description` says what is to be seen.

    On a narrow screen it shrinks to `least` of its width (0.72, where it is None), then scrolls.
    """
    inside = tag("title", esc(title)) + (tag("desc", esc(description)) if description else "")
    inside += body if isinstance(body, str) else "".join(body)
    size = f"{_number(float(width))} {_number(float(height))}"
    return tag(
        "svg",
        inside,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {size}",
        width=float(width),
        height=float(height),
        role="group",
        aria_label=title,
        data_least=least,
    )
