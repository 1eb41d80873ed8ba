"""The little markup of lesson files: `**bold**`, `*italics*`, `` `code` ``, and nothing else.

In: a text of a file. Out: spans, each with its style; numbers are put in as plain spans afterwards,
so that a token of a model or a typed word is never read as markup. What is no mark is text: links,
HTML and addresses stay what they are, characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Style = Literal["plain", "bold", "italics", "code"]
_MARK = re.compile(r"\*\*(?P<bold>[^*`]+)\*\*|\*(?P<italics>[^*`]+)\*|`(?P<code>[^`]+)`")
_NAME = re.compile(r"\{([a-z_0-9]{1,20})\}")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style."""

    text: str
    style: Style = "plain"


def spans(text: str) -> tuple[Span, ...]:
    """Read a text. Raises `ValueError` where a mark is not closed.

    >>> [(span.text, span.style) for span in spans("A **word** here")]
    [('A ', 'plain'), ('word', 'bold'), (' here', 'plain')]
    """
    found: list[Span] = []
    last = 0
    for match in _MARK.finditer(text):
        found.append(Span(text[last : match.start()]))
        style = match.lastgroup
        assert style in ("bold", "italics", "code")
        found.append(Span(match[style], style))
        last = match.end()
    found.append(Span(text[last:]))
    plain = "".join(span.text for span in found if span.style == "plain")
    for mark in "*`":
        if mark in plain:
            raise ValueError(f"a {mark} is opened and not closed")
    return tuple(span for span in found if span.text)


def typed(marked: tuple[Span, ...]) -> str:
    """Spans as somebody would have typed them; `spans` reads the same ones again.

    >>> typed((Span("A "), Span("word", "bold"), Span(" here")))
    'A **word** here'
    """
    around = {"plain": "", "bold": "**", "italics": "*", "code": "`"}
    return "".join(f"{around[one.style]}{one.text}{around[one.style]}" for one in marked)


def names(text: str) -> set[str]:
    """The numbers that a text asks for: `{best}`."""
    return set(_NAME.findall(text))


def filled(marked: tuple[Span, ...], facts: Mapping[str, str]) -> tuple[Span, ...]:
    """Put numbers in place of their names. Raises `KeyError` where one is not known."""
    return tuple(
        replace(span, text=_NAME.sub(lambda match: facts[match[1]], span.text)) for span in marked
    )


def words(text: str) -> int:
    """How many words a text has."""
    return len(text.split())
