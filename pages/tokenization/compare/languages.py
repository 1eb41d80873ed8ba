"""What one sentence costs in several languages, as bars.

In: for each tokenizer its tokens and unknown tokens for every sentence of `SENTENCES`. Out: SVG.
The sentence is article 1 of the Universal Declaration of Human Rights (United Nations, 1948; free
to use). Knows nothing of pages or tokenizers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag
from pages.pictures.widths import either

SENTENCES: tuple[tuple[str, str, str], ...] = (
    ("English", "All human beings are born free and equal in dignity and rights.", "ltr"),
    ("French", "Tous les êtres humains naissent libres et égaux en dignité et en droits.", "ltr"),
    ("German", "Alle Menschen sind frei und gleich an Würde und Rechten geboren.", "ltr"),
    ("Russian", "Все люди рождаются свободными и равными в своем достоинстве и правах.", "ltr"),
    (
        "Greek",
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
        "ltr",
    ),  # noqa: E501
    ("Arabic", "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.", "rtl"),
    ("Hindi", "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।", "ltr"),
    ("Chinese", "人人生而自由，在尊严和权利上一律平等。", "ltr"),
)
"""Language, sentence, direction."""

WIDE, NARROW = 900.0, 350.0
LEFT, BAR, ENTRY = 74.0, 15.0, 200.0


def languages(costs: Mapping[str, Sequence[tuple[int, int]]]) -> str:
    """The picture for a page: a wide and a narrow drawing, of which the page's width shows one."""
    return either(drawing(costs), drawing(costs, width=NARROW))


def drawing(costs: Mapping[str, Sequence[tuple[int, int]]], *, width: float = WIDE) -> str:
    """Bars of (tokens, unknown) by tokenizer and language; the unknown share is red."""
    most = max((tokens for rows in costs.values() for tokens, _ in rows), default=1) or 1
    scale = (width - LEFT - 90) / most
    parts: list[str] = []
    beside = max(1, int((width - LEFT) // ENTRY))
    for number, name in enumerate(costs):
        x, y = LEFT + number % beside * ENTRY, 8.0 + number // beside * 22
        colour = palette.CATEGORIES[number % len(palette.CATEGORIES)]
        parts.append(tag("rect", x=x, y=y, width=12.0, height=12.0, rx=3, fill=colour))
        parts.append(label(shortened(name, ENTRY - 30, 13, mono=False), x + 18, y + 11, size=13))
    y = 14.0 + 22 * -(-len(costs) // beside)
    for place, (language, sentence, _) in enumerate(SENTENCES):
        parts.append(label(language, LEFT - 10, y + 13, size=13, text_anchor="end"))
        for number, (name, rows) in enumerate(costs.items()):
            tokens, unknown = rows[place]
            colour = palette.CATEGORIES[number % len(palette.CATEGORIES)]
            words = f"{language}, {name}\n{tokens} tokens, {unknown} unknown words\n{sentence}"
            parts.append(_bar(y, tokens, unknown, scale, colour, words))
            y += BAR + 2
        y += 9
    return document(width, y, parts, "Tokens for the same sentence in several languages")


def _bar(y: float, tokens: int, unknown: int, scale: float, colour: str, words: str) -> str:
    note = f"{tokens}" + (f" ({unknown} unknown)" if unknown else "")
    bars = tag("rect", x=LEFT, y=y, width=tokens * scale, height=BAR, rx=2, fill=colour)
    if unknown:
        bars += tag(
            "rect", x=LEFT, y=y, width=unknown * scale, height=BAR, rx=2, fill=palette.WRONG,
            stroke=palette.PAPER,
        )  # fmt: skip
    bars += label(note, LEFT + tokens * scale + 6, y + 12, size=12, fill=palette.MUTED)
    return tag("g", bars, data_tip=words)
