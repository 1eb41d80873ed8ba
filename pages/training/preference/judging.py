"""Pictures of what rewards make of texts: tricky sentences by the judge, choices one by one.

In: scores and choices. Out: SVG. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.preference.judges import Judge
from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag
from pages.pictures.widths import either
from pages.training.preference.plan import Told

WIDE, NARROW, ROW = 900.0, 350.0, 30.0


def verdicts(judge: Judge, scores: Sequence[float], said: str) -> str:
    """A bar for each tricky sentence, left rude, right polite; ids `j0`, `j1`, ..."""
    return either(verdicts_wide(judge, scores, said), _verdicts(judge, scores, said, NARROW))


def verdicts_wide(judge: Judge, scores: Sequence[float], said: str) -> str:
    """The same in its wide form."""
    return _verdicts(judge, scores, said, WIDE)


def _verdicts(judge: Judge, scores: Sequence[float], said: str, width: float) -> str:
    narrow = width == NARROW
    words, mark = (0.0, 66.0) if narrow else (400.0, 66.0)
    left, right = words + 34, width - mark - 34
    zero, half = (left + right) / 2, (right - left) / 2
    most = max(1.0, *(abs(score) for score in scores))
    row = 52.0 if narrow else ROW
    ends = ((f"← {judge.negative}", left, "start"), (f"{judge.positive} →", right, "end"))
    parts = [label(text, x, 16, size=12, fill=palette.MUTED, text_anchor=anchor)
             for text, x, anchor in ends]  # fmt: skip
    bottom = 26 + row * len(scores)
    for place, score in enumerate(scores):
        parts.append(_verdict(judge, place, float(score), 24 + row * place, zero, half / most,
                              words, width, narrow=narrow))  # fmt: skip
    return document(width, bottom + 4, parts, "What the judge makes of tricky sentences", said)


def _verdict(
    judge: Judge, place: int, score: float, y: float, zero: float, unit: float,
    words: float, width: float, *, narrow: bool,
) -> str:  # fmt: skip
    one = judge.tricky[place]
    right = (score > 0) == one.positive
    meant = judge.positive if one.positive else judge.negative
    bar = y + (24 if narrow else 6)
    long = max(abs(score) * unit, 1.0)
    text = shortened(one.text, width - 8 if narrow else words - 8, 13, mono=False)
    beyond = zero + (long + 4 if score > 0 else -long - 4)
    tip = f"{one.text}\n{one.why}\nscore {score:+.2f}; most readers: {meant}"
    parts = [
        tag("rect", x=0.0, y=y, width=width, height=48.0 if narrow else ROW - 2, fill="none",
            pointer_events="all"),
        label(text, 2, y + 16, size=13),
        tag("line", x1=zero, x2=zero, y1=bar - 4, y2=bar + 18, stroke=palette.MUTED),
        tag("rect", x=zero if score > 0 else zero - long, y=bar, width=long, height=14.0,
            fill=palette.POSITIVE if score > 0 else palette.NEGATIVE),
        label(f"{score:+.1f}", beyond, bar + 12, size=12, fill=palette.MUTED,
              text_anchor="start" if score > 0 else "end"),
        label("✓ right" if right else "✗ wrong", width - 4, bar + 12, size=13, font_weight=600,
              fill=palette.RIGHT if right else palette.WRONG, text_anchor="end"),
    ]  # fmt: skip
    return tag("g", parts, data_id=f"j{place}", data_tip=tip, data_name=tip)


# --- Choices -------------------------------------------------------------------------------------


def learning(told: Sequence[Told], said: str) -> str:
    """What the reward gave each choice before it was made, with its doubt; ids `c1`, `c2`, ..."""
    return either(learning_wide(told, said), _learning(told, said, NARROW))


def learning_wide(told: Sequence[Told], said: str) -> str:
    """The same in its wide form."""
    return _learning(told, said, 620.0)


def _learning(told: Sequence[Told], said: str, width: float) -> str:
    left, right, top, bottom = 50.0, width - 16, 14.0, 190.0
    step = (right - left) / max(len(told), 8)

    def y(share: float) -> float:
        return bottom - share * (bottom - top)

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(tag("line", x1=left, x2=right, y1=y(share), y2=y(share),
                         stroke=palette.MUTED if share == 0.5 else palette.LINE,
                         stroke_dasharray="2 4" if share == 0.5 else None))  # fmt: skip
        parts.append(label(f"{100 * share:.0f} %", left - 6, y(share) + 4, size=12,
                           fill=palette.MUTED, text_anchor="end"))  # fmt: skip
    for place, one in enumerate(told):
        x = left + (place + 0.5) * step
        tip = (
            f"choice {place + 1}\nthe reward gave it {100 * one.probability:.0f} %\n"
            f"one standard deviation: {100 * one.low:.0f} to {100 * one.high:.0f} %"
        )
        wide = max(step, 6.0)
        marks = [
            tag("rect", x=x - wide / 2, y=top, width=wide, height=bottom - top, fill="none",
                pointer_events="all"),
            tag("line", x1=x, x2=x, y1=y(one.low), y2=y(one.high), stroke=palette.PROBABILITY,
                stroke_width=2),
            tag("circle", cx=x, cy=y(one.probability), r=4.5,
                fill=palette.CHOSEN if one.probability > 0.5 else palette.PAPER,
                stroke=palette.CHOSEN, stroke_width=2),
        ]  # fmt: skip
        if len(told) <= 12 or place % 4 == 0:
            marks.append(label(str(place + 1), x, bottom + 17, size=12, fill=palette.MUTED,
                               text_anchor="middle"))  # fmt: skip
        parts.append(tag("g", marks, data_id=f"c{place + 1}", data_tip=tip, data_name=tip))
    parts.append(label("choice; filled: expected; empty: not; line: doubt", (left + right) / 2,
                       bottom + 36, size=12, fill=palette.MUTED, text_anchor="middle"))  # fmt: skip
    return document(width, bottom + 46, parts, "What the reward gave your choices", said)
