"""Marked texts of lessons as Streamlit's Markdown: what is no mark is shown as it is."""

from __future__ import annotations

from engine.learn.markup import Span
from pages.shell.address import plain

_AROUND = {"plain": "", "bold": "**", "italics": "*", "code": "`"}


def markdown(spans: tuple[Span, ...]) -> str:
    """Spans as Markdown; only their styles are obeyed.

    >>> markdown((Span("a <b> "), Span("c*d", "bold")))
    'a \\\\<b\\\\> **c\\\\*d**'
    """
    return "".join(_one(span) for span in spans)


def _one(span: Span) -> str:
    bare = span.text.strip()
    if not bare:
        return " "
    lead = " " * (span.text[:1].isspace())
    trail = " " * (span.text[-1:].isspace())
    mark = _AROUND[span.style]
    inner = bare.replace("`", "ˋ") if span.style == "code" else plain(bare, 2000)
    return f"{lead}{mark}{inner}{mark}{trail}"
