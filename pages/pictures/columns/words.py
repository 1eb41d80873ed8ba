"""Words that views of generated texts share: titles, tokens, probabilities.

Links have their own, shorter words (`str(line)`); a token's id never stands on the screen where its
text is known.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.decoding.continuation import Line
from pages.pictures.svg import visible

Spell = Callable[[int], str]


def title(line: Line, spell: Spell) -> str:
    """Name a continuation: `greedy, “·red” forced at token 3`."""
    return ", ".join(
        [line.setting, *(f"{words} at token {n}" for n, words in _forced(line, spell))]
    )


def shown(token_id: int, spell: Spell, *, limit: int = 24) -> str:
    """How a token is written in pictures and sentences, spaces and line breaks visible."""
    return visible(spell(token_id), limit=limit) or f"<{token_id}>"


def forced(line: Line, place: int, spell: Spell) -> str:
    """The token forced at a place, in quotation marks."""
    return f"“{shown(dict(line.forced)[place], spell)}”"


def _forced(line: Line, spell: Spell) -> list[tuple[int, str]]:
    found = [(place + 1, forced(line, place, spell)) for place, _ in line.forced]
    return [(n, words if i else f"{words} forced") for i, (n, words) in enumerate(found)]


def percent(value: float) -> str:
    """A probability for people: three digits, never a false 0 or 100.

    >>> percent(0.0213), percent(0.00000004)
    ('2.13 %', '0.000004 %')
    """
    if 0 < value < 1e-8:
        return "below 0.000001 %"
    if 0.9995 <= value < 1:
        return f"{100 * value:.2f} %" if value < 0.99995 else "above 99.99 %"
    digits = 1 if value >= 0.1 else 2 if value >= 0.01 else 3
    if value < 0.001:
        return f"{100 * value:.6f}".rstrip("0").rstrip(".") + " %" if value else "0 %"
    return f"{100 * value:.{digits}f} %"
