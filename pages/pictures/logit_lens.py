"""The logit lens: the prediction after each layer, and the norm of the residual stream.

In: the likeliest words of each layer at some positions, lengths of vectors. Out: SVG strings,
inputs at the bottom, outputs at the top. Positions are the targets `q0, q1, ..`, as in the
attention pictures. Knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.trace.logit_lens import Lens
from pages.pictures import matrix, palette, svg
from pages.pictures.scale import number

LEFT = 74.0
ROW = 28.0
TINT = 0.6  # of the full colour, so that ink stays readable on it


@dataclass(frozen=True, slots=True)
class Said:
    """The prediction of one layer at one position: the best tokens with their probabilities.

    `promoted` and `suppressed` are the words whose probability the layer raised and lowered most,
    empty for what enters the first layer.
    """

    words: tuple[str, ...]
    probabilities: tuple[float, ...]
    promoted: str = ""
    suppressed: str = ""


def said(lens: Lens, spell: Callable[[list[int]], Sequence[str]]) -> list[Said]:
    """What each layer would say, its ids turned into words."""
    layers, best = lens.best.shape
    ids = np.concatenate([lens.best.ravel(), lens.raised, lens.lowered]).tolist()
    words = list(spell(ids))
    moved = words[layers * best :]
    pairs = [("", ""), *zip(moved[: layers - 1], moved[layers - 1 :], strict=True)]
    return [
        Said(
            tuple(words[layer * best : (layer + 1) * best]),
            tuple(lens.probabilities[layer].tolist()),
            *pairs[layer],
        )
        for layer in range(layers)
    ]


def since(settled: int) -> str:
    """From which layer on the final prediction has rank 1."""
    if not settled:
        return "It has rank 1 already before layer 1."
    return f"It has rank 1 from layer {settled} on."


def lens_grid(
    columns: Sequence[tuple[int, str]], said: Sequence[Sequence[Said]], *, title: str
) -> str:
    """`said[layer][column]`: the best word of each layer, tinted by its probability."""
    width = float(np.clip(760 / max(len(columns), 1), 64.0, 110.0))
    layers = len(said)
    parts = [svg.label("layer", 6, 16, size=12, fill=palette.MUTED, keep=True)]
    for layer in range(layers):
        y = 26 + (layers - 1 - layer) * ROW
        name = "input" if layer == 0 else str(layer)
        parts.append(
            svg.label(
                name,
                LEFT - 12,
                y + ROW / 2,
                size=12,
                fill=palette.MUTED,
                text_anchor="end",
                dominant_baseline="central",
                keep=True,
            )
        )
        parts += [
            _cell(said[layer][index], LEFT + index * width, y, width, f"q{place}", name)
            for index, (place, _) in enumerate(columns)
        ]
    bottom = 26 + layers * ROW
    for index, (place, name) in enumerate(columns):
        parts.append(
            svg.label(
                svg.shortened(svg.visible(name), width - 6, 13),
                LEFT + (index + 0.5) * width,
                bottom + 20,
                size=13,
                mono=True,
                fill=palette.QUERY,
                text_anchor="middle",
                data_id=f"q{place}",
                keep=True,
            )
        )
    parts.append(svg.label("token", 6, bottom + 20, size=12, fill=palette.MUTED, keep=True))
    parts.append(
        matrix.legend(
            LEFT, bottom + 38, low="0 %", high="100 %", colour=palette.PROBABILITY, full=TINT
        )
    )
    parts.append(
        svg.label("probability of the token", LEFT + 136, bottom + 46, size=12, fill=palette.MUTED)
    )
    return svg.document(
        LEFT + width * len(columns) + 10, bottom + 70, parts, title, "Output at the top."
    )


def _cell(said: Said, x: float, y: float, width: float, target: str, layer: str) -> str:
    best = said.probabilities[0]
    listed = "\n".join(
        f"{svg.visible(word)}  {number(p, True)}"
        for word, p in zip(said.words, said.probabilities, strict=True)
    )
    box = {"x": x + 1, "y": y + 1, "width": width - 2, "height": ROW - 2}
    parts = [
        svg.tag("rect", "", **box, rx=3, fill=palette.SURFACE),
        svg.tag(
            "rect", "", **box, rx=3, fill=palette.PROBABILITY, fill_opacity=round(best * TINT, 2)
        ),
        svg.label(
            svg.shortened(svg.visible(said.words[0]), width - 8, 12),
            x + width / 2,
            y + ROW / 2,
            size=12,
            mono=True,
            text_anchor="middle",
            dominant_baseline="central",
        ),
    ]
    tip = f"after layer {layer}\n{listed}" if layer != "input" else f"before layer 1\n{listed}"
    return svg.tag("g", parts, data_id=target, data_tip=tip, keep=True)


def layer_table(said: Sequence[Said], ranks: Sequence[int], *, word: str, title: str) -> str:
    """Top 5 tokens of each layer at one position, and the rank of the final prediction."""
    layers, width = len(said), 104.0
    moved = LEFT + 66 + 5 * width
    parts = [
        svg.label("layer", 6, 16, size=12, fill=palette.MUTED),
        svg.label("top 5 tokens", LEFT + 70, 16, size=12, fill=palette.MUTED),
        svg.label("promoted", moved, 16, size=12, fill=palette.RIGHT),
        svg.label("suppressed", moved + 92, 16, size=12, fill=palette.WRONG),
        svg.label(
            svg.shortened(f"rank of {svg.visible(word)}", LEFT + 40, 12, mono=False),
            LEFT + 52,
            16,
            size=12,
            fill=palette.CHOSEN,
            text_anchor="end",
        ),
    ]
    for layer in range(layers):
        y = 26 + (layers - 1 - layer) * ROW
        before = ranks[layer - 1] if layer else ranks[layer]
        arrow = "▲" if ranks[layer] < before else "▼" if ranks[layer] > before else " "
        ink = palette.RIGHT if arrow == "▲" else palette.WRONG if arrow == "▼" else palette.INK
        texts = [
            svg.label("input" if layer == 0 else str(layer), 6, y + 19, size=12),
            svg.label(
                f"{arrow} {ranks[layer]:,}",
                LEFT + 44,
                y + 19,
                size=12.5,
                fill=ink,
                text_anchor="end",
            ),
        ]
        for index, (name, p) in enumerate(
            zip(said[layer].words, said[layer].probabilities, strict=True)
        ):
            x = LEFT + 60 + index * width
            texts.append(
                svg.tag(
                    "rect",
                    x=x,
                    y=y + 3,
                    width=width - 6,
                    height=ROW - 5,
                    rx=3,
                    fill=palette.PROBABILITY,
                    fill_opacity=round(p * TINT, 2),
                )
            )
            share = f" {number(p, True)}"  # never cut: a piece of a number is another number
            room = width - 12 - svg.text_width(share, 12)
            texts.append(
                svg.label(
                    svg.shortened(svg.visible(name), room, 12) + share,
                    x + 6,
                    y + 19,
                    size=12,
                    mono=True,
                    font_weight=700 if name == word else None,
                )
            )
        for x, mark, name, colour in (
            (moved, "▲", said[layer].promoted, palette.RIGHT),
            (moved + 92, "▼", said[layer].suppressed, palette.WRONG),
        ):
            if name:
                shown = svg.shortened(f"{mark} {svg.visible(name)}", 88, 12)
                texts.append(svg.label(shown, x, y + 19, size=12, mono=True, fill=colour))
        parts.append(svg.tag("g", texts, data_id=f"l{layer}", keep=True))
    end = 26 + layers * ROW
    return svg.document(moved + 188, end + 6, parts, title, "Output at the top.")


def stream_sizes(
    lengths: Float[np.ndarray, "layers_plus_1"], added: Float[np.ndarray, "layers"], *, title: str
) -> str:
    """For each layer the norm of the residual stream and of the block's update."""
    layers, width = len(lengths), 560.0
    scale = (width - LEFT - 130) / float(max(lengths.max(), added.max(initial=0.0), 1e-9))
    parts = [
        svg.tag("rect", x=LEFT, y=6.0, width=7.0, height=11.0, fill=palette.BAR),
        svg.label("residual stream norm", LEFT + 12, 16, size=12, fill=palette.MUTED),
        svg.label("▮ norm of the block's update", LEFT + 160, 16, size=12, fill=palette.OUTPUT),
    ]
    for layer in range(layers):
        y = 26 + (layers - 1 - layer) * ROW
        long = float(lengths[layer])
        texts = [
            svg.label(
                "input" if layer == 0 else str(layer),
                LEFT - 12,
                y + 18,
                size=12,
                fill=palette.MUTED,
                text_anchor="end",
            ),
            svg.tag("rect", x=LEFT, y=y + 2, width=long * scale, height=10.0, fill=palette.BAR),
            svg.label(f"{long:.3g}", LEFT + long * scale + 6, y + 11, size=12),
        ]
        if layer:
            more = float(added[layer - 1])
            texts.append(
                svg.tag(
                    "rect", x=LEFT, y=y + 14, width=more * scale, height=9.0, fill=palette.OUTPUT
                )
            )
            texts.append(
                svg.label(
                    f"{more:.3g}", LEFT + more * scale + 6, y + 23, size=12, fill=palette.OUTPUT
                )
            )
        parts.append(svg.tag("g", texts, data_id=f"l{layer}", keep=True))
    end = 26 + layers * ROW
    return svg.document(width, end + 8, parts, title, "Inputs at the bottom, outputs at the top.")
