"""The loss of a training from its first to its last step, its moments as handles on it.

In: a `Course`. Out: SVG, a sentence, a table. Steps are on a logarithmic scale, as half of the fall
is over after a few hundred. Handle k has the id `m<k>`. Knows nothing of Streamlit.
"""

from __future__ import annotations

import math
from typing import Any

from engine.moments.course import Course, Moment
from pages.pictures import palette
from pages.pictures.svg import document, label, tag
from pages.training.moments.picture import step

WIDTH, HEIGHT = 620.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 24.0, 16.0, 46.0


def curve(course: Course, chosen: int, chance: float) -> str:
    """The curve with its handles; `chance` is the loss of an even guess, in nats."""
    last = max(course.steps[-1], course.curve[-1][0] if course.curve else 1)
    top = math.ceil(max([chance, *(loss for _, loss in course.curve)]))

    def x(at: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log1p(at) / math.log1p(last)

    def y(loss: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - loss / top)

    parts = []
    for nats in range(0, top + 1, 2):
        parts.append(
            tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(nats), y2=y(nats), stroke=palette.LINE)
        )
        parts.append(
            label(str(nats), LEFT - 8, y(nats) + 4, size=12, fill=palette.MUTED, text_anchor="end")
        )
    for at in (0, 10, 100, 1000, 10_000, 100_000):
        if at <= last:
            parts.append(
                label(f"{at:,}", x(at), HEIGHT - BOTTOM + 18, size=12, fill=palette.MUTED,
                      text_anchor="middle")
            )  # fmt: skip
    parts.append(
        tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(chance), y2=y(chance), stroke=palette.MUTED,
            stroke_dasharray="4 4")
    )  # fmt: skip
    parts.append(
        label(f"even guess {chance:.2f}", WIDTH - RIGHT, y(chance) - 5, size=12,
              fill=palette.MUTED, text_anchor="end")
    )  # fmt: skip
    spots = " ".join(f"{x(at):.1f},{y(loss):.1f}" for at, loss in course.curve)
    parts.append(
        tag("polyline", points=spots, fill="none", stroke=palette.PROBABILITY, stroke_width=2)
    )
    for k, one in enumerate(course.moments):
        parts.append(_handle(one, k, x(one.step), y(loss_at(course, k, chance)), k == chosen))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        label("step", middle, HEIGHT - 10, size=13, fill=palette.MUTED, text_anchor="middle")
    )
    turned = f"rotate(-90 14 {(HEIGHT - BOTTOM) / 2:.0f})"
    parts.append(
        label("loss (nats a token)", 14, (HEIGHT - BOTTOM) / 2, size=13, fill=palette.MUTED,
              text_anchor="middle", transform=turned)
    )  # fmt: skip
    return document(WIDTH, HEIGHT, parts, "Loss of the training", said(course, chosen), least=0.7)


def _handle(one: Moment, k: int, x: float, y: float, chosen: bool) -> str:
    fill = palette.CHOSEN if chosen else palette.PAPER
    drawn = tag("circle", cx=x, cy=y, r=12.0, fill=palette.PAPER, fill_opacity=0.01)
    drawn += tag("circle", cx=x, cy=y, r=7.0 if chosen else 5.5, fill=fill,
                 stroke=palette.CHOSEN, stroke_width=2)  # fmt: skip
    lines = [step(one), f"{one.tokens:,} tokens read, {one.seconds / 60:.1f} minutes"]
    if one.loss is not None:
        lines.append(f"loss {one.loss:.2f} nats")
    if one.bits_per_byte is not None:
        lines.append(f"held-out prose: {one.bits_per_byte:.2f} bits a byte")
    return tag("g", drawn, data_id=f"m{k}", data_tip="\n".join(lines), data_name=step(one))


def loss_at(course: Course, k: int, chance: float) -> float:
    """The loss at a moment: on the curve where it reaches so far, before that an even guess."""
    at = course.moments[k].step
    passed = [loss for until, loss in course.curve if until <= at]
    return passed[-1] if passed else chance


def said(course: Course, chosen: int) -> str:
    """How far the loss fell until the chosen moment, and by the end."""
    one, last = course.moments[chosen], course.moments[-1]
    if not course.curve or one.loss is None:
        return f"Before its first step a model knows nothing: {step(one)}."
    first, end = course.curve[0][1], course.curve[-1][1]
    fallen = 100 * (first - one.loss) / max(first - end, 1e-9)
    return (
        f"At {step(one)}, after {one.seconds / 60:.1f} of {last.seconds / 60:.1f} minutes, the "
        f"loss has gone from {first:.2f} to {one.loss:.2f} nats: {min(fallen, 100):.0f} % of the "
        f"whole fall (to {end:.2f})."
    )


def table(course: Course) -> dict[str, list[Any]]:
    """A row a point of the curve."""
    return {
        "step": [at for at, _ in course.curve],
        "loss_nats": [loss for _, loss in course.curve],
    }
