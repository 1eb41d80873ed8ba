"""One prompt continued by every moment of a training, a row each.

In: moments and what they wrote. Out: SVG, a sentence, a table. Row k has the id `m<k>`. What is no
word is underlined with dashes. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.moments.asking import Written
from engine.moments.course import Moment
from engine.moments.spelling import SPELLS
from pages.pictures import palette
from pages.pictures.svg import document, label, tag, text_width, visible

WIDTH, LEFT, LINE, SIZE = 900.0, 132.0, 20.0, 14.0
LINES = 6  # of one text


def rows(moments: Sequence[Moment], written: Sequence[Written], chosen: int) -> str:
    """The texts, one below the other, the chosen moment marked."""
    parts, y = [], 0.0
    for k, (moment, one) in enumerate(zip(moments, written, strict=True)):
        lines = list(_lines(one))[:LINES]
        height = max(2, len(lines)) * LINE + 14
        ground = palette.GLOW if k == chosen else palette.SURFACE
        body = tag("rect", x=0.0, y=y, width=WIDTH, height=height - 4, rx=6, fill=ground,
                   fill_opacity=1.0 if k == chosen else 0.55,
                   stroke=palette.ACCENT if k == chosen else palette.LINE)  # fmt: skip
        body += label(step(moment), 10, y + 21, size=13, font_weight=600)
        body += label(f"{100 * one.spelled:.0f} % words", 10, y + 39, size=12, fill=palette.MUTED)
        for number, line in enumerate(lines):
            body += _line(line, y + 21 + number * LINE)
        tip = f"{step(moment)}\n{moment.tokens:,} tokens read\n{100 * one.spelled:.0f} % are words"
        parts.append(tag("g", body, data_id=f"m{k}", data_tip=tip, data_name=step(moment)))
        y += height
    parts.append(
        label("dashed line: no word of the list", LEFT, y + 12, size=12, fill=palette.MUTED)
    )
    return document(WIDTH, y + 20, parts, "One prompt, written by every moment", least=0.62)


def step(moment: Moment) -> str:
    """How a moment is called."""
    return "untrained" if moment.step == 0 else f"step {moment.step:,}"


def _lines(one: Written) -> Iterator[list[tuple[str, bool]]]:
    """Parts of a text, each with whether it is a word or no matter, broken at a width."""
    line: list[tuple[str, bool]] = []
    used = 0.0
    for part, right in _parts(one):
        shown = visible(part, limit=40).replace("·", " ")
        width = text_width(shown, SIZE)
        if line and used + width > WIDTH - LEFT - 14:
            yield line
            line, used = [], 0.0
            shown = shown.lstrip(" ")
        line.append((shown, right))
        used += width
    if line:
        yield line


def _parts(one: Written) -> Iterator[tuple[str, bool]]:
    """Words and what is between them; a word takes the space before it along."""
    at = 0
    for start, end, right in one.words:
        before = one.text[at:start]
        if before.strip(" "):
            yield before, True
            before = ""
        yield before + one.text[start:end], right
        at = end
    if one.text[at:]:
        yield one.text[at:], True


def _line(line: list[tuple[str, bool]], y: float) -> str:
    x, body = LEFT, ""
    for shown, right in line:
        width = text_width(shown, SIZE)
        body += label(shown, x, y, size=SIZE, mono=True)
        if not right:
            indent = text_width(" " * (len(shown) - len(shown.lstrip(" "))), SIZE)
            body += tag("line", x1=x + indent, x2=x + width, y1=y + 4, y2=y + 4,
                        stroke=palette.CUT, stroke_width=1.6, stroke_dasharray="3 2")  # fmt: skip
        x += width
    return body


def said(moments: Sequence[Moment], written: Sequence[Written], chosen: int) -> str:
    """From which moment on it spells, and what the chosen one writes."""
    reached = speller(written)
    now = written[chosen]
    least = 100 * SPELLS
    if reached is None:
        first = f"No moment writes {least:.0f} % words."
    elif reached == 0:
        first = f"Already the first moment writes {least:.0f} % words here."
    else:
        before, after = written[reached - 1], written[reached]
        first = (
            f"It spells from {step(moments[reached])} on: {100 * after.spelled:.0f} % of what it "
            f"writes are words, {100 * before.spelled:.0f} % at {step(moments[reached - 1])}."
        )
    return (
        f"{first} The chosen moment ({step(moments[chosen])}) has read "
        f"{moments[chosen].tokens:,} tokens; {100 * now.spelled:.0f} % of its words are words."
    )


def speller(written: Sequence[Written]) -> int | None:
    """The first moment from which on all write words."""
    from_here = None
    for k in range(len(written) - 1, -1, -1):
        if written[k].spelled < SPELLS:
            break
        from_here = k
    return from_here


def table(moments: Sequence[Moment], written: Sequence[Written]) -> dict[str, list[Any]]:
    """A row a moment."""
    return {
        "step": [one.step for one in moments],
        "tokens_read": [one.tokens for one in moments],
        "share_of_words": [one.spelled for one in written],
        "text": [one.text for one in written],
    }
