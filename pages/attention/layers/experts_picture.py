"""Which experts each token is sent to: tokens across, layers up, the strongest in each cell.

In: a `Routing` and the tokens that are drawn. Out: an SVG string, inputs at the bottom, outputs at
the top, and the same as a table. An expert has its number, and a ground that tells it from others
beside it; numbers count from 1. Cells are the targets `e<layer>.<position>`. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.trace.routing import used
from engine.values import Routing
from pages.pictures import palette, svg
from pages.pictures.scale import number

SHOWN = 2  # experts in a cell; all of them are in its tip
LEFT, WIDTH, LINE = 62.0, 66.0, 20.0
HEAD = 24.0


def routing(found: Routing, names: Sequence[str], positions: Sequence[int], *, title: str) -> str:
    """A column for each of `positions` (0-based), `names` are those of all tokens."""
    lines = min(SHOWN, found.experts.shape[2])
    high = lines * LINE + 8
    parts = [svg.label("layer", 6, 16, size=12, fill=palette.MUTED, keep=True)]
    for column, place in enumerate(positions):
        shown = svg.shortened(svg.visible(names[place]), WIDTH - 8, 13)
        x = LEFT + column * WIDTH + WIDTH / 2
        parts.append(
            svg.label(shown, x, 16, size=13, mono=True, text_anchor="middle", font_weight=700)
        )
    for row, layer in enumerate(found.layers.tolist()):
        y = HEAD + (len(found.layers) - 1 - row) * high
        parts.append(
            svg.label(
                str(layer + 1),
                LEFT - 12,
                y + high / 2 + 4,
                size=12,
                fill=palette.MUTED,
                text_anchor="end",
                keep=True,
            )
        )
        for column, place in enumerate(positions):
            parts.append(_cell(found, row, place, names[place], LEFT + column * WIDTH, y, lines))
    width = max(LEFT + WIDTH * len(positions) + 6, 300.0)
    height = HEAD + len(found.layers) * high + 4
    return svg.document(width, height, parts, title, "Output at the top.")


def shares(found: Routing) -> bool:
    """Whether weights are shares of one; DeepSeek's sum to more."""
    return bool(found.weights.sum(axis=-1).max(initial=0.0) <= 1.001)


def _cell(found: Routing, row: int, place: int, name: str, x: float, y: float, lines: int) -> str:
    chosen = found.experts[row, place].tolist()
    of_one = shares(found)
    weights = [number(one, of_one) for one in found.weights[row, place].tolist()]
    drawn = [
        _expert(expert, weight, x + 3, y + 3 + line * LINE)
        for line, (expert, weight) in enumerate(zip(chosen[:lines], weights[:lines], strict=True))
        if expert >= 0
    ]
    if not drawn:  # a token that the expert of its choice had no room for
        drawn = [svg.label("none", x + WIDTH / 2, y + 20, size=12, text_anchor="middle",
                           fill=palette.MUTED)]  # fmt: skip
    told = [
        f"expert {expert + 1}: weight {weight}"
        for expert, weight in zip(chosen, weights, strict=True)
        if expert >= 0
    ]
    layer = int(found.layers[row])
    return svg.tag(
        "g",
        drawn,
        data_id=f"e{layer + 1}.{place + 1}",
        data_name=f"{svg.visible(name)}, layer {layer + 1}",
        data_tip="\n".join(told or ["no expert had room for it"]),
    )


def _expert(expert: int, weight: str, x: float, y: float) -> str:
    box = {"x": x, "y": y, "width": WIDTH - 6, "height": LINE - 2}
    return (
        svg.tag("rect", "", **box, rx=3, fill=palette.chip(expert))
        + svg.label(str(expert + 1), x + 6, y + 14, size=12.5, font_weight=700)
        + svg.label(weight, x + WIDTH - 11, y + 14, size=12, text_anchor="end")
    )


def table(found: Routing, names: Sequence[str]) -> dict[str, list[object]]:
    """One line for each layer, token and expert it is sent to, the one of most weight first."""
    places = np.argwhere(found.experts >= 0).tolist()
    return {
        "layer": [int(found.layers[row]) + 1 for row, _, _ in places],
        "position": [place + 1 for _, place, _ in places],
        "token": [names[place] for _, place, _ in places],
        "rank": [rank + 1 for _, _, rank in places],
        "expert": [int(found.experts[row, place, rank]) + 1 for row, place, rank in places],
        "weight": [float(found.weights[row, place, rank]) for row, place, rank in places],
    }


def says(found: Routing, name: str, place: int) -> str:
    """What is to be seen: the expert that takes most tokens, and the experts of this token.

    "Even" is as many tokens as each expert would take if all took as many.
    """
    counts = np.stack([used(found, row) for row in range(len(found.layers))])
    row, expert = np.unravel_index(int(counts.argmax()), counts.shape)
    tokens = len(found.tokens)
    even = counts[row].sum() / found.count
    return (
        f"Expert {expert + 1} of layer {found.layers[row] + 1} takes {counts[row, expert]} of the "
        f"{tokens} tokens (even: {even:.1f}). {_of_token(found, name, place)}"
    )


def _of_token(found: Routing, name: str, place: int) -> str:
    """The layer whose router is surest of a token, and how it shares the token out there."""
    row = int(np.argmax(found.weights[:, place, 0]))
    listed = [
        f"{expert + 1} ({number(weight, shares(found))})"
        for expert, weight in zip(
            found.experts[row, place, :SHOWN].tolist(),
            found.weights[row, place, :SHOWN].tolist(),
            strict=True,
        )
        if expert >= 0
    ]
    if not listed:
        return f"No expert had room for “{svg.visible(name)}”."
    experts = f"expert{'s' if len(listed) > 1 else ''} {' and '.join(listed)}"
    return (
        f"The largest weight of “{svg.visible(name)}” is in layer {found.layers[row] + 1}: it goes "
        f"to {experts}."
    )
