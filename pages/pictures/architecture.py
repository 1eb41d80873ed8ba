"""The whole path of a text through a model, in one picture, and the small pictures of the cards.

In: `Tower`s (tokens, weights averaged over heads) and what comes out at the top. Out: SVG. Inputs
are at the bottom and outputs at the top; an encoder and a decoder stand side by side. Token j of
the tower that reads has the id `s<j>`, of the tower that writes `t<j>`. Knows nothing of pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.values import Family, Frozen
from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width, visible

SLOT = 46.0  # least width of a token's column
WIDEST = 104.0  # most width of a token's column
MARGIN = 84.0  # words beside a tower
GAP = 80.0  # between the towers
FOOT = 54.0  # chips and ids
HEAD = 74.0  # what comes out
SIZE = 14.0


@dataclass(frozen=True, eq=False, slots=True)
class Tower(Frozen):
    """One stack of layers: what it reads, and what each token attends to, averaged over heads.

    `texts` and `ids` are those of the whole text, `weights` those of its first tokens, which are
    drawn. `cross` holds the attention to the other tower. `mark` is a layer (from 0) in a frame.
    `roles` are those of the tokens that are marks (start, end), "" for pieces of text.
    """

    letter: str
    title: str
    colour: str
    texts: tuple[str, ...]
    ids: tuple[int, ...]
    weights: Float[np.ndarray, "layer query key"]
    cross: Float[np.ndarray, "layer query source"] | None = None
    mark: int | None = None
    roles: tuple[str, ...] = ()

    @property
    def layers(self) -> int:
        """How many layers it has."""
        return len(self.weights)

    @property
    def shown(self) -> int:
        """How many tokens are drawn."""
        return self.weights.shape[1]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model predicts at a position, how likely, and whether that was written."""

    text: str
    probability: float
    written: bool = True


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tower stands: columns' middles, and the heights of its rows of vectors."""

    xs: tuple[float, ...]
    widths: tuple[float, ...]
    rows: tuple[float, ...]
    foot: float


def whole_path(
    towers: Sequence[Tower],
    outcomes: Sequence[Outcome],
    *,
    title: str,
    predicts: str = "",
) -> str:
    """The path from the text to what comes out, one or two towers.

    `predicts` names the row of `outcomes`; a model that predicts nothing has no such row.
    """
    step = min(58.0, max(20.0, 320.0 / max(tower.layers for tower in towers)))
    tallest = max(tower.layers for tower in towers) * step
    top = HEAD + 24
    foot = top + tallest + 30
    places, x = [], MARGIN
    for tower in towers:
        last = tower is towers[-1]
        places.append(_place(tower, outcomes if last else (), x, foot, step))
        x = places[-1].xs[-1] + places[-1].widths[-1] / 2 + GAP
    width = x - GAP + MARGIN
    body: list[str] = []
    for tower, place in zip(towers, places, strict=True):
        body.append(_ground(tower, place))
    if len(towers) == 2:
        body.append(_crossing(towers[1], places[0], places[1]))
    for tower, place in zip(towers, places, strict=True):
        body.append(_attention(tower, place))
        body.append(_vectors(tower, place))
        body.append(_chips(tower, place))
    body.append(_outcomes(towers[-1], places[-1], outcomes))
    body.append(_words(towers, places, width, predicts if outcomes else None))
    return document(
        width, foot + FOOT + 22, body, title, "Inputs at the bottom, outputs at the top."
    )


def predicts(family: Family) -> str:
    """What the row of predictions is called: an encoder fills each place, a decoder goes on."""
    return {
        "encoder": "predicted here",
        "decoder": "predicted next",
        "encoder-decoder": "written next",
    }[family]


def _place(
    tower: Tower, outcomes: Sequence[Outcome], left: float, foot: float, step: float
) -> _Place:
    shown = [visible(text) for text in tower.texts[: tower.shown]]
    above = [visible(outcome.text) for outcome in outcomes] or [""] * len(shown)
    widths = tuple(
        min(WIDEST, max(SLOT, text_width(a, SIZE) + 12, text_width(b, SIZE) + 12))
        for a, b in zip(shown, above, strict=True)
    )
    edges = left + np.concatenate([[0.0], np.cumsum(widths)])
    xs = tuple(float(x) for x in (edges[:-1] + edges[1:]) / 2)
    rows = tuple(foot - 30 - step * k for k in range(tower.layers + 1))
    return _Place(xs, widths, rows, foot)


def _ground(tower: Tower, place: _Place) -> str:
    left = place.xs[0] - place.widths[0] / 2 - 10
    right = place.xs[-1] + place.widths[-1] / 2 + 10
    bands = []
    for layer, (low, high) in enumerate(zip(place.rows, place.rows[1:], strict=False)):
        marked = layer == tower.mark
        bands.append(
            tag(
                "rect",
                x=left,
                y=high - 5.0,
                width=right - left,
                height=low - high - 6,
                rx=7,
                fill=palette.SURFACE,
                stroke=palette.ACCENT if marked else None,
                stroke_width=2.5 if marked else None,
            )
        )
    frame = tag(
        "rect",
        x=left - 6,
        y=place.rows[-1] - 14,
        width=right - left + 12,
        height=place.rows[0] - place.rows[-1] + 28,
        rx=12,
        fill="none",
        stroke=tower.colour,
        stroke_width=1.4,
    )
    return frame + "".join(bands)


def _attention(tower: Tower, place: _Place) -> str:
    """What each token attends to in each layer: the strongest three, from the row below."""
    lines = []
    for layer, weights in enumerate(tower.weights):
        low, high = place.rows[layer], place.rows[layer + 1]
        for query, row in enumerate(weights):
            for key in np.argsort(-row)[:3]:
                if row[key] >= 0.08 and key < tower.shown:
                    ends = (place.xs[int(key)], low, place.xs[query], high)
                    on = f"{tower.letter}{query}"
                    lines.append(_curve(ends, float(row[key]), tower.colour, on))
    return "".join(lines)


def _curve(ends: tuple[float, float, float, float], weight: float, colour: str, on: str) -> str:
    x0, y0, x1, y1 = ends
    middle = (y0 + y1) / 2
    return tag(
        "path",
        d=f"M{x0:.1f} {y0:.1f}C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}",
        fill="none",
        stroke=colour,
        stroke_width=0.6 + 2.6 * weight,
        stroke_opacity=0.15 + 0.75 * weight,
        data_on=on,
    )


def _crossing(tower: Tower, source: _Place, target: _Place) -> str:
    """From the top of the tower that reads into the layers of the one that writes."""
    if tower.cross is None:
        return ""
    every = -(-tower.layers // 3)
    lines = []
    drawn = {*range(every - 1, tower.layers, every)} if tower.mark is None else {tower.mark}
    for layer in sorted(drawn):
        y = (target.rows[layer] + target.rows[layer + 1]) / 2
        for query, row in enumerate(tower.cross[layer]):
            for key in np.argsort(-row)[:2]:
                if row[key] >= 0.2 and key < len(source.xs):
                    lines.append(
                        _bridge(source, target, (int(key), query, y), float(row[key]), tower.letter)
                    )
    return "".join(lines)


def _bridge(
    source: _Place, target: _Place, where: tuple[int, int, float], weight: float, letter: str
) -> str:
    """Up from a source vector, over to the gate between the towers, into a layer of the target."""
    key, query, y = where
    x0, y0, x1 = source.xs[key], source.rows[-1], target.xs[query]
    lane = 4 * (key % 5)
    rise = y0 - 24 - lane
    gate = target.xs[0] - target.widths[0] / 2 - 52 + lane
    path = (
        f"M{x0:.1f} {y0:.1f}V{rise + 10:.1f}Q{x0:.1f} {rise:.1f} {x0 + 10:.1f} {rise:.1f}"
        f"H{gate - 10:.1f}Q{gate:.1f} {rise:.1f} {gate:.1f} {rise + 10:.1f}"
        f"V{y - 10:.1f}Q{gate:.1f} {y:.1f} {gate + 10:.1f} {y:.1f}"
        f"H{x1 - 10:.1f}Q{x1:.1f} {y:.1f} {x1:.1f} {y - 10:.1f}"
    )
    return tag(
        "path",
        d=path,
        fill="none",
        stroke=palette.CROSS,
        stroke_width=0.7 + 2.2 * weight,
        stroke_opacity=0.1 + 0.5 * weight,
        data_on=f"{letter}{query}",
    )


def _vectors(tower: Tower, place: _Place) -> str:
    dots = []
    for column, x in enumerate(place.xs):
        name = f"{tower.letter}{column}"
        dots.append(
            tag(
                "path",
                d=f"M{x:.1f} {place.foot - 6:.1f}V{place.rows[0]:.1f}",
                stroke=tower.colour,
                stroke_width=1.2,
                data_on=name,
            )
        )
        for y in place.rows:
            dots.append(
                tag(
                    "circle",
                    cx=x,
                    cy=y,
                    r=4.2,
                    fill=palette.PAPER,
                    stroke=tower.colour,
                    stroke_width=1.8,
                    data_on=name,
                )
            )
    return "".join(dots)


def _chips(tower: Tower, place: _Place) -> str:
    chips = []
    for column, (x, width) in enumerate(zip(place.xs, place.widths, strict=True)):
        name = f"{tower.letter}{column}"
        text = visible(tower.texts[column])
        inside = [
            tag(
                "rect",
                x=x - width / 2 + 2,
                y=place.foot - 6,
                width=width - 4,
                height=25,
                rx=6,
                fill=palette.chip(column),
            ),
            label(
                shortened(text, width - 10, SIZE),
                x,
                place.foot + 11,
                size=SIZE,
                mono=True,
                text_anchor="middle",
            ),
            label(
                str(tower.ids[column]),
                x,
                place.foot + 36,
                size=12,
                mono=True,
                fill=palette.MUTED,
                text_anchor="middle",
            ),
        ]
        role = tower.roles[column] if tower.roles else ""
        tip = f"{text}{role and f', {role}'}\ntoken {column + 1}, ID {tower.ids[column]}"
        chips.append(tag("g", inside, data_id=name, data_tip=tip, data_name=text))
    if more := len(tower.texts) - tower.shown:
        # The text goes on: what does not fit is cut from the picture, and said.
        x = place.xs[-1] + place.widths[-1] / 2 + 12
        chips.append(label(f"… {more} more", x, place.foot + 11, size=12, fill=palette.MUTED))
    return "".join(chips)


def _outcomes(tower: Tower, place: _Place, outcomes: Sequence[Outcome]) -> str:
    parts = []
    bottom = place.rows[-1] - 22
    for column, outcome in enumerate(outcomes):
        x, width, name = place.xs[column], place.widths[column], f"{tower.letter}{column}"
        colour = palette.CHOSEN if outcome.written else palette.BAR
        text = shortened(visible(outcome.text), width - 4, SIZE)
        tall = 30 * outcome.probability
        tip = f"{visible(outcome.text)}\nprobability {100 * outcome.probability:.1f} %"
        inside = [
            tag("path", d=f"M{x:.1f} {bottom + 18:.1f}V{bottom + 3:.1f}", stroke=tower.colour),
            tag("rect", x=x - 9, y=bottom - 30, width=18, height=30, rx=2, fill=palette.SURFACE),
            tag("rect", x=x - 9, y=bottom - tall, width=18, height=tall, rx=2, fill=colour),
            label(
                text,
                x,
                bottom - 38,
                size=SIZE,
                mono=True,
                text_anchor="middle",
                font_weight=600 if outcome.written else 400,
                fill=palette.INK if outcome.written else palette.MUTED,
            ),
        ]
        parts.append(tag("g", inside, data_on=name, data_tip=tip))
    return "".join(parts)


def _words(
    towers: Sequence[Tower], places: Sequence[_Place], width: float, predicts: str | None
) -> str:
    """What each row is, on the left of the first tower and on the right of the last."""
    parts = []
    for tower, place, side in zip(towers, places, ("start", "end"), strict=False):
        right = len(towers) == 2 and side == "end"
        x = width - 6 if right else 6.0
        anchor = "end" if right else "start"
        parts.append(
            label(
                tower.title,
                (place.xs[0] + place.xs[-1]) / 2,
                place.foot + FOOT + 12,
                size=13,
                fill=tower.colour,
                font_weight=700,
                text_anchor="middle",
            )
        )
        lines = [
            (place.foot + 11, "tokens"),
            (place.foot + 36, "token ids"),
            (place.rows[0] + 4, "vectors"),
        ]
        lines += [
            ((low + high) / 2 + 2, f"layer {index + 1}")
            for index, (low, high) in enumerate(zip(place.rows, place.rows[1:], strict=False))
            if tower.layers <= 8 or index in (0, tower.layers - 1)
        ]
        if tower is towers[-1] and predicts is not None:
            lines += [(place.rows[-1] - 34, "probability"), (place.rows[-1] - 59, predicts)]
        for y, text in lines:
            parts.append(label(text, x, y, size=12, fill=palette.MUTED, text_anchor=anchor))
    return tag("g", parts, keep=True)
