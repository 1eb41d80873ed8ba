"""The text itself, shaded: what the chosen word attends to, and which words attend to it.

In: an `engine.attention.maps.Map`. Out: an SVG string with the text twice (for cross-attention the
source and the target); pointing at a word shades the others by their weight. Words are the targets
`q0, ..` (and `k0, ..` for the source). Shades of every word travel with the picture up to `LIVE`
words, above that only those of the chosen one. Knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float

from engine.attention.maps import Map
from pages.attention.labels import lettering, written
from pages.pictures import matrix, palette, svg
from pages.pictures.scale import colour_legend, number, top_value

LIVE = 96
SHADES = 12
NAMED = 5
WIDTH = 720.0
SIZE = 16.0
LINE = 44.0


def attention_text(
    shown: Map,
    *,
    title: str,
    chosen: Sequence[int] = (0,),
    sought: Sequence[int] = (),
    scale: matrix.Scale = "linear",
) -> str:
    """Both texts; `chosen` are the rows whose shades are drawn when nothing is pointed at.

    Several chosen rows shade the text by their mean, several columns by their sum: those of
    `sought` (of the source), or of the chosen words themselves where rows and columns are one text.
    """
    weights = np.where(shown.kept, np.nan_to_num(shown.weights), 0.0)
    rows = [f"q{start}" for start in shown.row_starts.tolist()]
    columns = [f"k{start}" for start in shown.column_starts.tolist()]
    column_targets = rows if shown.one_text else columns
    sought = chosen if shown.one_text else sought or [int(np.argmax(weights[chosen[0]]))]
    high = top_value(shown.weights)
    live = max(weights.shape) <= LIVE
    place, bottom = _flow(shown.columns, top=52.0)
    heading = (
        "Keys: what a word attends to"
        if shown.one_text
        else "Source: what a target word attends to"
    )
    parts = [_heading(heading, 22.0)]
    for vector, target in _shading(weights, rows, chosen, live, np.mean):
        parts += _shades(vector, place, high, scale, target, shown.share)
    parts += _words(shown.columns, place, column_targets)
    other, end = _flow(shown.rows, top=bottom + 62)
    second = (
        "Queries: what attends to the word"
        if shown.one_text
        else "Target: what attends to a source word"
    )
    parts.append(_heading(second, bottom + 32))
    for vector, target in _shading(weights.T, column_targets, sought, live, np.sum):
        parts += _shades(vector, other, high, scale, target, shown.share)
    parts += _words(shown.rows, other, rows)
    parts.append(colour_legend(8, end + 14, shown.weights, scale, share=shown.share, masked=False))
    described = f"The darkest shade is {number(high, shown.share)}."
    return svg.document(WIDTH, end + 46, parts, title, described)


def _shading(
    weights: Float[np.ndarray, "n m"],
    targets: list[str],
    chosen: Sequence[int],
    live: bool,
    together: Callable[..., Float[np.ndarray, "m"]],
) -> Iterator[tuple[Float[np.ndarray, "m"], str]]:
    """What shades the text, and for which targets: each word, and several chosen ones as one."""
    several = list(chosen) if len(chosen) > 1 else []
    for index in range(len(targets)) if live else chosen:
        if index not in several:
            yield weights[index], targets[index]
    if several:
        yield together(weights[several], axis=0), " ".join(targets[i] for i in several)


def _heading(text: str, y: float) -> str:
    return svg.label(text, 8, y, size=13.5, fill=palette.MUTED, font_weight=600, keep=True)


def _flow(names: tuple[str, ...], top: float) -> tuple[list[tuple[float, float, float]], float]:
    """x, y and width of each word, wrapped like text, and where the last line ends."""
    places, x, y = [], 8.0, top
    for name in names:
        width = svg.text_width(svg.visible(name, limit=32), SIZE) + 10
        if x + width > WIDTH - 8 and x > 8:
            x, y = 8.0, y + LINE
        places.append((x, y, width))
        x += width + 3
    return places, y + LINE * 0.5


def _shades(
    weights: Float[np.ndarray, "n"],
    places: list[tuple[float, float, float]],
    high: float,
    scale: matrix.Scale,
    target: str,
    share: bool,
) -> list[str]:
    strengths = matrix.scaled(weights[None, :], high, scale)[0]
    best = np.argsort(-strengths, kind="stable")[:SHADES]
    rects, texts = [], []
    for rank, index in enumerate(best.tolist()):
        x, y, width = places[index]
        strength = float(strengths[index])
        if strength < 0.03:
            break
        rects.append(
            svg.tag(
                "rect",
                x=x,
                y=y - 15,
                width=width,
                height=24.0,
                rx=4,
                fill_opacity=round(0.75 * strength, 2),
                data_show=target,
            )
        )
        if rank < NAMED:
            text = number(float(weights[index]), share)
            texts.append(written(text, x + width / 2, y + 19, data_show=target))
    return [
        svg.tag("g", rects, fill=palette.ATTENTION),
        lettering(texts, size=12.0, mono=False, fill=palette.MUTED, text_anchor="middle"),
    ]


def _words(
    names: tuple[str, ...], places: list[tuple[float, float, float]], targets: list[str]
) -> list[str]:
    parts = []
    for name, (x, y, width), target in zip(names, places, targets, strict=True):
        box: dict[str, object] = {"x": x, "y": y - 15, "width": width, "height": 24.0}
        ring = svg.tag("rect", "", **box, rx=4, stroke=palette.QUERY, data_show=target)
        hit = svg.tag("rect", "", **box, stroke="none")
        word = written(svg.visible(name, limit=32), x + 5, y + 2, fill=palette.INK)
        parts.append(svg.tag("g", ring + hit + word, data_id=target, keep=True))
    return [
        lettering(parts, size=SIZE, fill="transparent", stroke_width=1.6),
    ]
