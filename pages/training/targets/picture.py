"""A training example's two sides: what the model sees, what it must say and what each answer costs.

In: an `Example`, its `Losses` or None, which answer is looked at. Out: SVG, sentences, tables. Of
what is seen place i has the id `s<i>`, answer k the id `a<k>`; hovered, they light each other. An
answer that is still hidden is a question mark. Knows nothing of Streamlit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.objectives.example import Example, Shown
from engine.objectives.losses import Losses
from pages.pictures import palette
from pages.pictures.columns.words import percent
from pages.pictures.names import quoted
from pages.pictures.svg import document, label, shortened, tag, text_width, visible

WIDTH, PAD, GAP, SIZE = 940.0, 4.0, 5.0, 14.0
CHIP, ROW = 30.0, 38.0
BARS = 62.0  # height of a loss at the top of its scale
WRITERS = ("next token", "spans", "translation")  # they read the right answers before a place
BLANK = "?"
GROUND = {
    "text": palette.SURFACE,
    "special": palette.SPECIAL,
    "mask": palette.GLOW,
    "random": palette.SURFACE,
    "kept": palette.SURFACE,
    "sentinel": palette.GLOW,
}
HOW = {"mask": "masked", "random": "replaced by a random token", "kept": "kept as it is"}


@dataclass(frozen=True)
class Scene:
    """What is drawn: answer `chosen` (from 0) is looked at, `revealed` shows all answers."""

    example: Example
    losses: Losses | None
    chosen: int
    revealed: bool

    def known(self, answer: int) -> bool:
        """Whether an answer is in sight: a model that writes has read those before the chosen."""
        before = self.example.objective in WRITERS and answer < self.chosen
        return self.revealed or before or self.example.says[answer].kind == "sentinel"

    def seen(self, place: int) -> bool:
        """Whether a token is in sight: of a next token only those before it are."""
        if self.revealed or self.example.objective != "next token":
            return True
        return place <= self.chosen


def two_sides(scene: Scene) -> str:
    """Both sides as chips, a bar over each answer as high as its loss."""
    parts, y = [label("The model sees", 0, 14, size=13, font_weight=600)], 24.0
    x = PAD
    for place, one in enumerate(scene.example.sees):
        face = _face(one) if scene.seen(place) else BLANK
        width = _width(face)
        if x + width > WIDTH and x > PAD:
            x, y = PAD, y + ROW
        parts.append(_seen(scene, place, face, x, y, width))
        x += width + GAP
    y += ROW + 24
    head = "It must say (bar: loss in nats)" if scene.revealed and scene.losses else "It must say"
    parts.append(label(head, 0, y - 8, size=13, font_weight=600))
    body, height = _answers(scene, y)
    return document(WIDTH, height, [*parts, *body], _title(scene), least=0.8)


def _seen(scene: Scene, place: int, face: str, x: float, y: float, width: float) -> str:
    one = scene.example.sees[place]
    told = scene.revealed and one.kind in HOW
    dashed = one.kind in ("random", "kept") and scene.revealed
    box = tag(
        "rect", x=x, y=y, width=width, height=CHIP, rx=5, fill=GROUND[one.kind],
        stroke=palette.KEPT if one.kind in ("mask", "sentinel") or dashed else palette.LINE,
        stroke_dasharray="4 3" if dashed else None,
    )  # fmt: skip
    lines = [f"token {place + 1}: {face}"]
    if told:
        lines.append(HOW[one.kind])
    answers = [f"a{k}" for k, said in enumerate(scene.example.says) if said.other == place]
    return tag(
        "g",
        box + label(face, x + width / 2, y + 20, size=SIZE, mono=True, text_anchor="middle"),
        data_id=f"s{place}",
        data_on=" ".join(answers) or None,
        data_tip="\n".join(lines),
        data_name=face,
    )


def _answers(scene: Scene, y: float) -> tuple[list[str], float]:
    parts, row, x = [], [], PAD
    shown = scene.losses if scene.revealed else None
    rise, below = (BARS + 30, 16.0) if shown is not None else (0.0, 0.0)
    top = scale(shown) if shown is not None else 1.0
    widths = [_answer_width(scene, k) for k in range(len(scene.example.says))]
    for k, width in enumerate(widths):
        if x + width > WIDTH and x > PAD:
            parts += [*_rule(shown, y, x), *row]
            row, x, y = [], PAD, y + rise + ROW + below
        row.append(_answer(scene, shown, k, x, y + rise, width, top))
        x += width + GAP
    parts += [*_rule(shown, y, x), *row]
    return parts, y + rise + ROW + below


def scale(losses: Losses) -> float:
    """The loss of the highest bar: chance, or the dearest answer where that costs more."""
    return max(losses.chance, float(losses.nats.max()))


def _rule(losses: Losses | None, y: float, right: float) -> list[str]:
    """The line of an even guess, in the row of bars that begins at `y`."""
    if losses is None:
        return []
    line = y + 22 + BARS * (1 - losses.chance / scale(losses))
    return [
        tag("line", x1=0.0, x2=max(right, 150.0), y1=line, y2=line, stroke=palette.MUTED,
            stroke_dasharray="4 4"),
        label(f"chance {losses.chance:.2f} nats", 0, line - 5, size=12, fill=palette.MUTED),
    ]  # fmt: skip


def _answer(
    scene: Scene, losses: Losses | None, k: int, x: float, y: float, width: float, top: float
) -> str:
    one, middle = scene.example.says[k], x + width / 2
    face = _face(one) if scene.known(k) else BLANK
    chosen = k == scene.chosen
    parts, tips = [], [f"answer {k + 1}: {face}"]
    if losses is not None:
        nats = float(losses.nats[k])
        height = BARS * nats / top
        fill = palette.CHOSEN if chosen else palette.PROBABILITY
        parts.append(
            tag("rect", x=x + 3, y=y - 8 - height, width=width - 6, height=max(height, 0.5),
                fill=fill, fill_opacity=0.8, rx=2)
        )  # fmt: skip
        parts.append(label(f"{nats:.2f}", middle, y + CHIP + 14, size=12, text_anchor="middle"))
        tips += [
            f"probability {percent(float(losses.probabilities[k]))}, rank {losses.rank[k]:,}",
            f"loss −ln p = {nats:.2f} nats",
        ]
    parts.append(
        tag("rect", x=x, y=y, width=width, height=CHIP, rx=5, fill=GROUND[one.kind],
            stroke=palette.CHOSEN if chosen else palette.LINE, stroke_width=2.5 if chosen else 1)
    )  # fmt: skip
    parts.append(label(face, middle, y + 20, size=SIZE, mono=True, text_anchor="middle"))
    on = f"s{one.other}" if one.other >= 0 else None
    return tag(
        "g", "".join(parts), data_id=f"a{k}", data_on=on, data_tip="\n".join(tips), data_name=face
    )


def _answer_width(scene: Scene, k: int) -> float:
    face = _face(scene.example.says[k]) if scene.known(k) else BLANK
    return max(_width(face), 44.0)


def _face(one: Shown) -> str:
    return visible(one.text, limit=24)


def _width(face: str) -> float:
    return max(28.0, text_width(face, SIZE) + 14)


def _title(scene: Scene) -> str:
    return f"{scene.example.objective.capitalize()}: what the model sees, what it must say"


def bars(rows: Sequence[tuple[str, float, str]], title: str) -> str:
    """Candidates of one place as bars: (face, natural logarithm of its probability, note)."""
    parts, names, full = [], 118.0, 120.0
    for k, (face, log, note) in enumerate(rows):
        y, share = k * 30.0, math.exp(log)
        colour = palette.CHOSEN if "right" in note else palette.PROBABILITY
        text = shortened(visible(face, limit=24), names - 12, SIZE)
        parts.append(
            tag(
                "g",
                label(text, 0, y + 19, size=SIZE, mono=True)
                + tag("rect", x=names, y=y + 6, width=full, height=18.0, fill=palette.SURFACE, rx=2)
                + tag("rect", x=names, y=y + 6, width=max(1.0, full * share), height=18.0,
                      fill=colour, rx=2)
                + label(f"{percent(share)}   loss {-log:.2f}   {note}", names + full + 10, y + 20,
                        size=13),
                data_id=f"c{k}",
                data_tip=f"{visible(face)}\nprobability {percent(share)}\nloss {-log:.3f} nats",
                data_name=visible(face),
            )
        )  # fmt: skip
    return document(names + full + 230, 30.0 * len(rows) + 4, parts, title, least=0.8)


def said(scene: Scene, title: str) -> str:
    """What one sees: how much is hidden, what it costs, the cheapest and the dearest answer."""
    example, losses = scene.example, scene.losses
    count = len(example.says)
    if losses is None or not scene.revealed:
        return _hidden(scene)
    cheap, dear = int(losses.nats.argmin()), int(losses.nats.argmax())
    first = (
        f"{title} pays {losses.mean:.2f} nats on average over {_many(count)}; an even guess among "
        f"{losses.choices:,} pays {losses.chance:.2f}."
    )
    if count == 1:
        return f"{first} It gives the right answer {percent(float(losses.probabilities[0]))}."
    cheapest, dearest = (quoted(example.says[k].text) for k in (cheap, dear))
    return (
        f"{first} Cheapest: {cheapest} ({losses.nats[cheap]:.2f}, probability "
        f"{percent(float(losses.probabilities[cheap]))}). Dearest: {dearest} "
        f"({losses.nats[dear]:.2f}, {percent(float(losses.probabilities[dear]))})."
    )


def _hidden(scene: Scene) -> str:
    example = scene.example
    match example.objective:
        case "masked tokens":
            kinds = [one.kind for one in example.sees if one.other >= 0]
            shares = ", ".join(
                f"{kinds.count(kind)} {words}" for kind, words in HOW.items() if kind in kinds
            )
            share = 100 * len(kinds) / example.pool
            told = f": {shares}" if scene.revealed else ", some perhaps not as a gap"
            return f"{len(kinds)} of {example.pool} tokens ({share:.0f} %) are to be told{told}."
        case "spans":
            runs = sum(one.kind == "sentinel" for one in example.sees)
            hidden = sum(one.kind == "text" for one in example.says)
            share = 100 * hidden / example.pool
            where = "one sentinel" if runs == 1 else f"{runs} sentinels"
            return f"{hidden} of {example.pool} tokens ({share:.0f} %) are behind {where}."
        case "next sentence":
            return "Two sentences. In half of all draws the second is from another text."
        case "translation":
            return (
                f"{_many(len(example.says))}: each is predicted from the source and those before."
            )
        case _:
            return f"{_many(len(example.says))}: each token but the first, from all before it."


def _many(count: int) -> str:
    return f"{count} prediction{'' if count == 1 else 's'}"


def seen_table(scene: Scene) -> dict[str, list[Any]]:
    """What the model sees, a row a token, as far as it is in sight."""
    every = [one for k, one in enumerate(scene.example.sees) if scene.seen(k)]
    return {"sees": [one.text for one in every], "id": [one.id for one in every]}


def table(scene: Scene) -> dict[str, Sequence[Any] | np.ndarray]:
    """What it must say, a row an answer, with probability, loss and rank."""
    assert scene.losses is not None
    return {
        "answer": [one.text for one in scene.example.says],
        "id": [one.id for one in scene.example.says],
        "probability": scene.losses.probabilities,
        "loss_nats": scene.losses.nats,
        "rank": scene.losses.rank,
    }
