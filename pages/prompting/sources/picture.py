"""Where the answer looks: every head's share on the examples' answers, and one head on the text.

In: `Sources`. Out: SVG, a sentence, a table. Layers and heads count from 1. Knows nothing of
Streamlit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.prompting.sources import Sources
from pages.pictures import palette
from pages.pictures.columns.words import percent
from pages.pictures.matrix import legend, matrix
from pages.pictures.svg import document, label, tag, text_width, visible

CELL, LEFT, TOP = 34.0, 62.0, 40.0
WIDTH, LEADING, SIZE = 620.0, 24.0, 14.0
LONGEST = 600  # tokens drawn


def heads(found: Sources, layer: int, head: int, said: str) -> str:
    """All heads as a matrix: how much each gives to answers that begin as the model's own."""
    share = _share(found)
    layers, count = share.shape
    rows = [f"layer {k + 1}" for k in range(layers)]
    columns = [f"head {k + 1}" for k in range(count)]
    parts = [
        matrix(
            share,
            x=LEFT,
            y=TOP,
            cell=CELL,
            rows=[f"l{k + 1}" for k in range(layers)],
            columns=[f"h{k + 1}" for k in range(count)],
            row_labels=rows,
            column_labels=columns,
            quantity="share on " + _what(found),
        )
    ]
    for k in range(layers):
        parts.append(
            label(str(k + 1), LEFT - 8, TOP + (k + 0.65) * CELL, size=12, fill=palette.MUTED,
                  text_anchor="end", data_id=f"l{k + 1}")
        )  # fmt: skip
    for k in range(count):
        parts.append(
            label(str(k + 1), LEFT + (k + 0.5) * CELL, TOP - 7, size=12, fill=palette.MUTED,
                  text_anchor="middle", data_id=f"h{k + 1}")
        )  # fmt: skip
    parts.append(label("head", LEFT, 14, size=12, fill=palette.MUTED))
    parts.append(label("layer", 0, TOP + 0.65 * CELL, size=12, fill=palette.MUTED))
    parts.append(
        tag("rect", x=LEFT + head * CELL, y=TOP + layer * CELL, width=CELL, height=CELL,
            fill="none", stroke=palette.ACCENT, stroke_width=3)
    )  # fmt: skip
    bottom = TOP + layers * CELL
    parts.append(legend(LEFT, bottom + 12, low="0 %", high=f"{100 * float(share.max()):.0f} %"))
    width = max(LEFT + count * CELL + 6, 260.0)
    return document(width, bottom + 44, parts, "Heads that attend to the examples' answers", said)


def text(found: Sources, layer: int, head: int, said: str) -> str:
    """The prompt with every token tinted by what the answer's token gives it in one head."""
    weights = found.weights[layer, head]
    top = float(weights.max()) or 1.0
    answers = {k for places in found.answers for k in places}
    same = {k for places, yes in zip(found.answers, found.same, strict=True) if yes for k in places}
    parts, x, y = [], 8.0, 22.0
    first = max(0, len(found.tokens) - LONGEST)
    for k in range(first, len(found.tokens)):
        start, end = found.tokens.spans[k].tolist()
        piece = found.tokens.text[start:end] if start < end else found.tokens.pieces[k]
        breaks = piece.count("\n")
        shown = visible(piece.replace("\n", "")) if piece.strip("\n") else "⏎" * breaks
        width = text_width(shown, SIZE) + 3
        if x + width > WIDTH and x > 8:
            x, y = 8.0, y + LEADING
        weight = float(weights[k])
        box = tag("rect", x=x, y=y - SIZE - 2, width=width, height=SIZE + 8, rx=3,
                  fill=palette.ATTENTION, fill_opacity=0.06 + 0.5 * weight / top)  # fmt: skip
        if k in answers:
            colour = palette.RIGHT if k in same else palette.WRONG
            box += tag("rect", x=x, y=y + 7, width=width, height=2.5, fill=colour)
        words = label(shown, x + 1.5, y, size=SIZE, mono=True)
        tip = f"{visible(piece)}   token {k + 1}\nattended to with {percent(weight)}"
        parts.append(tag("g", box + words, data_id=f"t{k}", data_tip=tip, data_name=visible(piece)))
        x += width
        if breaks:
            x, y = 8.0, y + LEADING * min(breaks, 2)
    for n, (colour, words) in enumerate(
        (
            (palette.RIGHT, "answers of examples that begin as the model's own answer"),
            (palette.WRONG, "other answers of examples"),
        )
    ):
        parts.append(tag("rect", x=8.0, y=y + 24 + 19 * n, width=24.0, height=3.0, fill=colour))
        parts.append(label(words, 40, y + 29 + 19 * n, size=12))
    title = f"What the answer attends to in head {layer + 1}.{head + 1}"
    return document(WIDTH, y + 58, parts, title, said, least=0.6)


def said(found: Sources, layer: int, head: int, written: str) -> str:
    """What one sees of this head, in its numbers."""
    name = f"Head {layer + 1}.{head + 1}"
    chance = percent(found.next_probability)
    first = f"The model would begin its answer with “{visible(written)}” ({chance})."
    if not found.answers:
        return f"{first} There is no example that it could attend to."
    total = float(found.to_answers[layer, head])
    even = found.uniform
    words = (
        f"{first} {name} gives {percent(total)} of its attention to the answers of the examples "
        f"(uniform attention: {percent(even)})"
    )
    if any(found.same) and not all(found.same):
        own = float(found.to_same[layer, head])
        rest = max(0.0, total - own)
        words += f", {percent(own)} to those that begin alike, {percent(rest)} to others"
    best = found.copying
    if (layer, head) == best:
        words += ". No head gives more to " + _what(found)
    return f"{words}. Attention is not explanation: the head need not decide the answer."


def table(found: Sources, layer: int, head: int) -> dict[str, Any]:
    """Every token with its weight."""
    answers = {k: n for n, places in enumerate(found.answers, 1) for k in places}
    every = range(len(found.tokens))
    return {
        "token": [k + 1 for k in every],
        "text": [visible(found.tokens.pieces[k]) for k in every],
        "answer_of_example": [answers.get(k, 0) for k in every],
        "attention": found.weights[layer, head],
    }


def heads_table(found: Sources) -> dict[str, Any]:
    """Every head with its shares."""
    layers, count = found.to_answers.shape
    spots = [(a, b) for a in range(layers) for b in range(count)]
    return {
        "layer": [a + 1 for a, _ in spots],
        "head": [b + 1 for _, b in spots],
        "to_answers": [float(found.to_answers[spot]) for spot in spots],
        "to_same": [float(found.to_same[spot]) for spot in spots],
    }


def _share(found: Sources) -> np.ndarray:
    return found.to_same if any(found.same) else found.to_answers


def _what(found: Sources) -> str:
    return "answers that begin alike" if any(found.same) else "answers of examples"
