"""Pictures of Before transformers: best tokens side by side, influence by distance, the state.

In: engine values, names and texts. Out: SVG, in a wide and a narrow form. Knows nothing of
Streamlit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from engine.predecessors.comparing import Continuations, HiddenStates
from engine.predecessors.influence import Influence
from pages.decoding.words import percent
from pages.pictures import palette
from pages.pictures.matrix import raster
from pages.pictures.svg import document, label, shortened, tag, visible
from pages.pictures.widths import either

WIDE, NARROW, ROW = 960.0, 350.0, 22.0
FLOOR = 1e-4  # bits; below it a change is drawn on the ground line
DASHES = (None, "7 4", "2 3", "10 3 2 3", None)  # so that no line is told by its colour alone
UNITS = 64  # numbers of a state that are drawn: those that move most


def best(
    found: Continuations, called: Mapping[str, str], texts: Mapping[int, str], place: int, said: str
) -> str:
    """The best tokens of every predictor after one token, as bars."""
    return either(
        best_wide(found, called, texts, place, said),
        _best(found, called, texts, place, said, width=NARROW, across=2),
    )


def best_wide(
    found: Continuations, called: Mapping[str, str], texts: Mapping[int, str], place: int, said: str
) -> str:
    """The same in its wide form, all predictors in one row."""
    return _best(found, called, texts, place, said, width=WIDE, across=len(found.predictors))


def _best(
    found: Continuations,
    called: Mapping[str, str],
    texts: Mapping[int, str],
    place: int,
    said: str,
    *,
    width: float,
    across: int,
) -> str:
    count = found.best.shape[2]
    column, block = min(width / max(across, 1), 300.0), 30 + count * ROW + 14
    most = max(float(found.shares[:, place].max()), 1e-9)
    following = int(found.tokens.ids[place + 1]) if place + 1 < len(found.tokens) else None
    parts = []
    for row, name in enumerate(found.predictors):
        x, y = (row % across) * column, (row // across) * block
        title = shortened(called[name], column - 12, 13, mono=False)
        parts.append(label(title, x + 4, y + 18, size=13, font_weight=600))
        for rank in range(count):
            token, share = int(found.best[row, place, rank]), float(found.shares[row, place, rank])
            parts.append(
                _bar(texts[token], share, share / most, x, y + 28 + rank * ROW, column,
                     f"p{row}r{rank}", f"{called[name]}\nrank {rank + 1}",
                     own=token == following)
            )  # fmt: skip
    height = block * math.ceil(len(found.predictors) / max(across, 1))
    return document(width, height, parts, "Best next tokens of each predictor", said)


def _bar(
    text: str, share: float, strength: float, x: float, y: float, column: float,
    name: str, tip: str, *, own: bool,
) -> str:  # fmt: skip
    room = column * 0.46
    shown = visible(text)
    long = max(1.0, (column - room - 62) * strength)
    parts = [
        # All of it can be pointed at, not the letters alone.
        tag("rect", x=x, y=y, width=column - 8, height=ROW - 2, rx=3,
            fill="none" if not own else palette.GLOW, pointer_events="all"),
        label(shortened(shown, room - 10, 13), x + 4, y + 15, size=13, mono=True,
              font_weight=700 if own else None),
        tag("rect", x=x + room, y=y + 5, width=long, height=10.0, rx=2,
            fill=palette.CHOSEN if own else palette.PROBABILITY),
        label(percent(share), x + room + long + 5, y + 15, size=12, fill=palette.MUTED),
    ]  # fmt: skip
    more = "\nthe text goes on with it" if own else ""
    told = f"{shown}\n{tip}, probability {percent(share)}{more}"
    return tag("g", parts, data_id=name, data_tip=told)


# --- Influence by distance -----------------------------------------------------------------------


def influence(found: Influence, called: Mapping[str, str], back: Sequence[str], said: str) -> str:
    """A line for each predictor over the distance; `back` are the tokens, the last one first."""
    return either(
        influence_wide(found, called, back, said),
        _influence(found, called, back, said, NARROW),
    )


def influence_wide(
    found: Influence, called: Mapping[str, str], back: Sequence[str], said: str
) -> str:
    """The same in its wide form."""
    return _influence(found, called, back, said, WIDE)


def _influence(
    found: Influence, called: Mapping[str, str], back: Sequence[str], said: str, width: float
) -> str:
    mean = found.mean
    distances = mean.shape[1]
    left, right, top, bottom = 66.0, width - 14, 14.0, 250.0
    high = max(math.ceil(math.log10(max(float(mean.max()), 1e-3))), 0)
    low = math.log10(FLOOR)
    step = (right - left) / max(distances - 1, 1)

    def y(value: float) -> float:
        share = (math.log10(max(value, FLOOR)) - low) / (high - low)
        return bottom - share * (bottom - top)

    parts = []
    for power in range(int(low), high + 1):
        parts.append(tag("line", x1=left, x2=right, y1=y(10.0**power), y2=y(10.0**power),
                         stroke=palette.LINE))  # fmt: skip
        text = f"{10.0**power:g}" if power > low else f"≤ {FLOOR:g}"
        parts.append(label(text, left - 6, y(10.0**power) + 4, size=12, fill=palette.MUTED,
                           text_anchor="end"))  # fmt: skip
    for row in range(len(found.predictors)):
        points = " ".join(
            f"{left + k * step:.1f},{y(float(value)):.1f}" for k, value in enumerate(mean[row])
        )
        colour = palette.CATEGORIES[row % len(palette.CATEGORIES)]
        parts.append(tag("polyline", points=points, fill="none", stroke=colour, stroke_width=2,
                         stroke_dasharray=DASHES[row % len(DASHES)]))  # fmt: skip
        parts += [tag("circle", cx=left + k * step, cy=y(float(value)), r=3.0, fill=colour)
                  for k, value in enumerate(mean[row])]  # fmt: skip
    every = max(1, math.ceil(distances / (16 if width > NARROW else 7)))
    for k in range(distances):
        x = left + k * step
        if k % every == 0:
            parts.append(label(str(k + 1), x, bottom + 18, size=12, fill=palette.MUTED,
                               text_anchor="middle"))  # fmt: skip
        told = [f"{called[name]}: {mean[row, k]:.3g} bits"
                for row, name in enumerate(found.predictors)]  # fmt: skip
        tip = "\n".join([f"{k + 1} back: {visible(back[k])}", *told])
        wide = max(step, 6.0)
        spot = {"x": x - wide / 2, "y": top, "width": wide, "height": bottom - top + 24}
        parts.append(
            tag(
                "rect", **spot, fill="none", pointer_events="all", data_id=f"d{k + 1}", data_tip=tip
            )
        )
    parts.append(label("tokens back", (left + right) / 2, bottom + 38, size=12,
                       fill=palette.MUTED, text_anchor="middle"))  # fmt: skip
    parts.append(label("bits", 4, top + 4, size=12, fill=palette.MUTED))
    across = 3 if width > NARROW else 1
    for row, name in enumerate(found.predictors):
        x = left + (row % across) * (right - left) / across
        line = bottom + 62 + (row // across) * 20
        colour = palette.CATEGORIES[row % len(palette.CATEGORIES)]
        parts.append(tag("line", x1=x, x2=x + 28, y1=line - 4, y2=line - 4, stroke=colour,
                         stroke_width=3, stroke_dasharray=DASHES[row % len(DASHES)]))  # fmt: skip
        room = (right - left) / across - 40
        parts.append(label(shortened(called[name], room, 12, mono=False), x + 34, line, size=12))
    height = bottom + 70 + 20 * math.ceil(len(found.predictors) / across)
    return document(width, height, parts, "Influence by distance", said)


# --- The hidden state ----------------------------------------------------------------------------


def states(found: HiddenStates, texts: Sequence[str], said: str) -> str:
    """A row of colour for every token, and how far it moved the state."""
    return either(states_wide(found, texts, said), _states(found, texts, said, NARROW))


def states_wide(found: HiddenStates, texts: Sequence[str], said: str) -> str:
    """The same in its wide form."""
    return _states(found, texts, said, WIDE)


def _states(found: HiddenStates, texts: Sequence[str], said: str, width: float) -> str:
    steps = np.diff(found.states, axis=0, prepend=0.0)
    moving = np.sort(np.argsort(-np.square(steps).sum(axis=0), kind="stable")[:UNITS])
    word, bar = (110.0, 120.0) if width > NARROW else (78.0, 64.0)
    x, y, count = word + bar + 34, 30.0, len(texts)
    wide, high = width - x - 4, ROW * count
    most = max(float(found.moved.max()), 1e-9)
    heads = (("Moved by", word), (f"{len(moving)} of {found.states.shape[1]} numbers", x))
    parts = [label(text, at, 18, size=12, fill=palette.MUTED) for text, at in heads]
    parts.append(raster(found.states[:, moving], x=x, y=y, width=wide, height=high, high=1.0,
                        colour=palette.POSITIVE))  # fmt: skip
    for k, text in enumerate(texts):
        top = y + k * ROW
        value = float(found.moved[k])
        long = max(1.0, bar * value / most)
        tip = f"{visible(text)}\nmoved the state by {value:.2f} of its length"
        tip += f"\nupdate gate: {percent(float(found.kept[k]))} stayed"
        row = [
            tag("rect", x=0.0, y=top, width=width, height=ROW, fill="none", pointer_events="all"),
            label(shortened(visible(text), word - 8, 13), 4, top + 15, size=13, mono=True),
            tag("rect", x=word, y=top + 6, width=long, height=10.0, rx=2, fill=palette.CHOSEN),
            label(f"{value:.2f}", word + long + 4, top + 15, size=12, fill=palette.MUTED),
        ]
        parts.append(tag("g", row, data_id=f"s{k}", data_tip=tip))
    return document(width, y + high + 6, parts, "Hidden state after each token", said)
