"""Each admissible answer's probability after no, one, a few examples, as bars.

In: scores and words. Out: SVG, sentences, a table. A bar has two ends: the full colour reaches as
far as the raw probability, the pale one as far as the share among the admissible answers. Knows
nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.prompting.answers import Scores
from pages.pictures import palette
from pages.pictures.columns.words import percent
from pages.pictures.svg import document, label, shortened, tag, visible
from pages.prompting.plan import listing, named

NAMES, BAR, ROW, HEAD, GAP = 210.0, 118.0, 40.0, 26.0, 18.0
SHOWN = 48  # characters of an answer


def bars(scores: Scores, counts: Sequence[int], answers: Sequence[str], right: str | None) -> str:
    """Rows are answers, columns numbers of examples; `right` is marked."""
    parts, (raw, share) = [], (scores.raw, scores.normalized)
    for column, count in enumerate(counts):
        parts.append(label(named(count), _x(column), 16, size=13, font_weight=600))
    for row, answer in enumerate(answers):
        y = HEAD + row * ROW
        mark = "✓ " if answer == right else ""
        name = shortened(mark + visible(answer, limit=SHOWN), NAMES - 12, 13, mono=False)
        weight = 600 if answer == right else 400
        parts.append(label(name, 0, y + 17, size=13, font_weight=weight))
        many = scores.tokens[row]
        parts.append(
            label(f"{many} token{'' if many == 1 else 's'}", 0, y + 32, size=12, fill=palette.MUTED)
        )
        colour = palette.CHOSEN if answer == right else palette.PROBABILITY
        for column, count in enumerate(counts):
            one, whole = float(raw[column, row]), float(share[column, row])
            parts.append(_bar(_x(column), y, one, whole, colour, (row, count, answer)))
    width, height = _x(len(counts)) - GAP + 6, HEAD + len(answers) * ROW
    key = [
        (palette.CHOSEN, 1.0, "raw: of all texts, exactly this one comes next"),
        (palette.CHOSEN, 0.28, "normalized: share among these answers"),
    ]
    for n, (colour, strength, words) in enumerate(key):
        y = height + 16 + 19 * n
        parts.append(
            tag("rect", x=0.0, y=y - 9, width=22.0, height=10.0, fill=colour,
                fill_opacity=strength, rx=2)
        )  # fmt: skip
        parts.append(label(words, 30, y, size=12))
    return document(width, height + 44, parts, "Probability of each answer", least=0.8)


def _bar(
    x: float, y: float, raw: float, share: float, colour: str, at: tuple[int, int, str]
) -> str:
    row, count, answer = at
    body = tag("rect", x=x, y=y + 5, width=BAR, height=13.0, fill=palette.SURFACE, rx=2)
    body += tag("rect", x=x, y=y + 5, width=BAR * share, height=13.0, fill=colour,
                fill_opacity=0.28, rx=2)  # fmt: skip
    body += tag("rect", x=x, y=y + 5, width=BAR * raw, height=13.0, fill=colour, rx=2)
    body += label(brief(share), x, y + 31, size=12)
    body += label(
        f"raw {brief(raw)}", x + BAR, y + 31, size=12, fill=palette.MUTED, text_anchor="end"
    )
    tip = (
        f"{visible(answer, limit=SHOWN)}\n{named(count)}\nraw {percent(raw)}\n"
        f"normalized {percent(share)}"
    )
    return tag("g", body, data_id=f"a{row}n{count}", data_tip=tip, data_name=visible(answer))


def brief(share: float) -> str:
    """A probability in few characters: small ones as powers of ten.

    >>> brief(0.0213), brief(0.00000004)
    ('2.13 %', '4e-08')
    """
    return percent(share) if share >= 1e-3 or not share else f"{share:.0e}"


def _x(column: int) -> float:
    return NAMES + column * (BAR + GAP)


def said(scores: Scores, counts: Sequence[int], answers: Sequence[str], right: str | None) -> str:
    """What one sees, for the right answer: raw and normalized, first and last, and who wins."""
    if not counts:
        return ""
    if right is None:
        best = scores.best[-1]
        chance = percent(float(scores.normalized[-1, best]))
        quoted = f"“{visible(answers[best], limit=40).replace('·', ' ')}”"
        return (
            f"With {_examples(counts[-1])} {quoted} is the most probable answer: {chance} of the "
            "admissible ones."
        )
    place = list(answers).index(right)
    raw, share = scores.raw[:, place], scores.normalized[:, place]
    quoted = f"“{visible(right, limit=40).replace('·', ' ')}”"
    first = (
        f"With {_examples(counts[0])} {quoted} has probability {percent(float(raw[0]))}"
        f" ({percent(float(share[0]))} of the admissible answers)"
    )
    if len(counts) > 1:
        first += (
            f", with {_examples(counts[-1])} {percent(float(raw[-1]))} "
            f"({percent(float(share[-1]))})"
        )
    wins = [count for count, best in zip(counts, scores.best, strict=True) if best == place]
    if len(wins) == len(counts):
        return f"{first}. It is always the most probable of them."
    if not wins:
        return f"{first}. It is never the most probable of them."
    words = listing([str(count) if count else "no" for count in wins])
    many = "" if wins in ([0], [1]) else "s"
    return f"{first}. It is the most probable of them with {words} example{many}."


def half(counts: Sequence[int], shares: Sequence[float], *, what: str) -> str:
    """From how many examples on the right answer has half the probability."""
    reached = [n for n, share in zip(counts, shares, strict=True) if share >= 0.5]
    if not reached:
        return f"The right answer never has half the {what}."
    if reached[0] == counts[0]:
        return (
            f"The right answer has half the {what} with no example already."
            if not counts[0]
            else f"The right answer has half the {what} from the first."
        )
    return f"The right answer first has half the {what} with {_examples(reached[0])}."


def _examples(count: int) -> str:
    return named(count).lower() if count else "no example"


def table(scores: Scores, counts: Sequence[int], answers: Sequence[str]) -> dict[str, list[Any]]:
    """Every answer after every prompt, one row each."""
    cells = [(row, column) for row in range(len(counts)) for column in range(len(answers))]
    return {
        "examples": [counts[row] for row, _ in cells],
        "answer": [answers[column] for _, column in cells],
        "tokens": [scores.tokens[column] for _, column in cells],
        "log_probability": [float(scores.log[cell]) for cell in cells],
        "raw": [float(scores.raw[cell]) for cell in cells],
        "normalized": [float(scores.normalized[cell]) for cell in cells],
    }
