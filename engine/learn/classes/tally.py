"""Answers of a class as bars, and as CSV. Pure.

    tally(posed, answers).bars      # (Bar("banana", 12, right=True), Bar("monkey", 9, False))

In: a question as it is put for the lesson's own text, and what pupils gave. Choices stand in the
order in which they are offered, also those that nobody chose; words and orders by how many gave
them; numbers in bins. Answers to a question about a text of one's own are counted apart, as they
were asked something else.
"""

from __future__ import annotations

import csv
import io
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.learn.classes.answers import Given
from engine.learn.grading import Posed, number_of
from engine.learn.words import plain_word

MOST = 8  # bars of words, orders or numbers
LONGEST = 60  # characters of a bar's name, but for choices, which the lesson has written
OTHERS = "others"
HEAD = ("pupil", "nickname", "lesson", "step", "answer", "correct", "own text", "minute")


@dataclass(frozen=True, slots=True)
class Bar:
    """One answer, or a bin of numbers: how many gave it, and whether it is right."""

    name: str
    count: int
    right: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """The answers to one step.

    `answered` pupils gave one, `right` of them the right one; `elsewhere` of those were asked about
    a text or a model of their own, and are in no bar.
    """

    bars: tuple[Bar, ...]
    answered: int
    right: int
    elsewhere: int


def tally(posed: Posed | None, given: Sequence[Given]) -> Tally:
    """Count answers to a step; `posed` is None where it asks nothing of its own text."""
    own = [one for one in given if one.own]
    right = sum(one.correct for one in given)
    return Tally(_bars(posed, own), len(given), right, len(given) - len(own))


def _bars(posed: Posed | None, given: Sequence[Given]) -> tuple[Bar, ...]:
    if posed is None:
        return ()
    if posed.question.form == "choice":
        counts = Counter(one.given for one in given)
        return tuple(
            Bar(one.text, counts[one.text], place == posed.right)
            for place, one in enumerate(posed.choices)
        )
    if posed.question.form in ("number", "estimate"):
        return _numbers(given)
    return _ranked(given, plain_word if posed.question.form == "word" else str)


def _ranked(given: Sequence[Given], key: Callable[[str], str]) -> tuple[Bar, ...]:
    """What was given most first; the rest together."""
    groups: dict[str, list[Given]] = {}
    for one in given:
        groups.setdefault(key(one.given), []).append(one)
    ranked = sorted(groups.values(), key=lambda group: (-len(group), group[0].given))
    kept = ranked if len(ranked) <= MOST else ranked[: MOST - 1]
    bars = [Bar(_most(group), len(group), group[0].correct) for group in kept]
    rest = [one for group in ranked[len(kept) :] for one in group]
    if rest:
        bars.append(Bar(OTHERS, len(rest), False))
    return tuple(bars)


def _most(group: Sequence[Given]) -> str:
    """As most have written it."""
    name = Counter(one.given for one in group).most_common(1)[0][0]
    flat = " ".join(name.split())
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"


def _numbers(given: Sequence[Given]) -> tuple[Bar, ...]:
    """A bar for each number, or for each of some equal ranges where there are many."""
    found = [(number_of(one.given), one.correct) for one in given]
    numbers = [(number, correct) for number, correct in found if number is not None]
    values = sorted({number for number, _ in numbers})
    if len(values) <= MOST:
        return tuple(
            Bar(
                f"{value:,.10g}",
                sum(number == value for number, _ in numbers),
                any(correct for number, correct in numbers if number == value),
            )
            for value in values
        )
    low, high, width = _bins(values)
    count = round((high - low) / width)
    placed: dict[int, list[bool]] = {place: [] for place in range(count)}
    for number, correct in numbers:
        place = math.floor((number - low) / width)
        placed.setdefault(min(max(place, -1), count), []).append(correct)
    return tuple(
        Bar(_bin(place, count, low, width), len(placed[place]), any(placed[place]))
        for place in sorted(placed)
    )


def _bin(place: int, count: int, low: float, width: float) -> str:
    """What a range of numbers is called; those at both ends are open."""
    begin, end = (f"{low + k * width:,.10g}" for k in (place, place + 1))
    if place < 0:
        return f"less than {end}"
    return f"{begin} or more" if place == count else f"{begin} to {end}"


def _bins(values: Sequence[float]) -> tuple[float, float, float]:
    """Where bins begin and end, and how wide they are: 1, 2 or 5 times a power of ten.

    One wild guess does not put all others into one bin: the middle nine tenths are spread.
    """
    tail = max(1, len(values) // 20)
    inner = values[tail : len(values) - tail]
    width = _nice((inner[-1] - inner[0]) / (MOST - 2))
    return (
        math.floor(inner[0] / width) * width,
        (math.floor(inner[-1] / width) + 1) * width,
        width,
    )


def _nice(width: float) -> float:
    base = 10.0 ** math.floor(math.log10(max(width, 1e-12)))
    return next(step * base for step in (1, 2, 5, 10) if step * base >= width * (1 - 1e-9))


def as_csv(given: Sequence[Given]) -> str:
    """All answers as CSV, a line each; a spreadsheet takes none of them for a formula."""
    file = io.StringIO()
    lines = csv.writer(file, lineterminator="\r\n")
    lines.writerow(HEAD)
    for one in given:
        told = (one.lesson, one.step, _cell(one.given), one.correct, not one.own, one.at // 60)
        lines.writerow((one.number, _cell(one.nickname), *told))
    return file.getvalue()


def _cell(text: str) -> str:
    """A text as a cell: on one line, and never a formula.

    >>> _cell("=1+1"), _cell("-3"), _cell("a\\nb")
    ("'=1+1", '-3', 'a b')
    """
    flat = " ".join("".join(c for c in text if c.isspace() or _shows(c)).split())
    formula = flat[:1] in ("=", "+", "-", "@") and number_of(flat) is None
    return f"'{flat}" if formula else flat


def _shows(sign: str) -> bool:
    return unicodedata.category(sign)[0] != "C"
