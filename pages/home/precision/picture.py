"""Two precisions of a model on one text: a line for each token, with what they predict after it.

In: tokens, divergences, the likeliest next tokens of both. Out: SVG, words, a table. Knows nothing
of pages or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.decoding.divergence import Divergence
from pages.pictures import palette
from pages.pictures.names import quoted
from pages.pictures.svg import document, label, shortened, tag, visible

WIDTH, ROW, TOP = 640.0, 22.0, 44.0
TOKEN, BAR, FIRST, SECOND = 120.0, 132.0, 330.0, 490.0  # right edge of the tokens; left edges
LONGEST_BAR = 120.0


@dataclass(frozen=True)
class Side:
    """One of the two: what it is called, its bytes on the disk, what it wrote, ms a token."""

    name: str
    size: int
    written: str
    ids: tuple[int, ...]
    milliseconds: float


def rows(
    tokens: Sequence[str], found: Divergence, next_: tuple[Sequence[str], Sequence[str]],
    names: tuple[str, str],
) -> str:  # fmt: skip
    """The picture; `next_` are the likeliest next tokens of both as texts."""
    most = max(float(found.bits.max()), 1e-9)
    heads = (("text", TOKEN, "end"), ("KL divergence (bits)", BAR, "start"),
             (names[0], FIRST, "start"), (names[1], SECOND, "start"))  # fmt: skip
    parts = [
        label(shortened(head, 150, 12, mono=False), x, 26, size=12, fill=palette.MUTED,
              text_anchor=anchor)
        for head, x, anchor in heads
    ]  # fmt: skip
    for k, token in enumerate(tokens):
        y = TOP + ROW * k
        differs = int(found.best[0, k]) != int(found.best[1, k])
        bits, width = float(found.bits[k]), LONGEST_BAR * float(found.bits[k]) / most
        shown = shortened(visible(token), TOKEN - 8, 13)
        parts += [
            label(shown, TOKEN, y + 11, mono=True, text_anchor="end"),
            tag("rect", x=BAR, y=y, width=max(width, 1.0), height=14, rx=2,
                fill=palette.PROBABILITY, data_tip=f"{visible(token)}: {bits:.4f} bits"),
            label(f"{bits:.3f}", BAR + width + 6, y + 11, size=12, fill=palette.MUTED),
        ]  # fmt: skip
        for side, x in enumerate((FIRST, SECOND)):
            best = shortened(visible(next_[side][k]), 100, 13)
            parts.append(
                label(f"{best} {float(found.sure[side, k]):.0%}", x, y + 11, mono=True,
                      fill=palette.WRONG if differs else palette.INK,
                      font_weight="bold" if differs else None)
            )  # fmt: skip
    title = f"{names[0]} and {names[1]} on the same text"
    return document(WIDTH, TOP + ROW * len(tokens) + 6, parts, title)


def words(tokens: Sequence[str], found: Divergence, sides: tuple[Side, Side]) -> str:
    """What is to be seen, in this text's numbers."""
    one, other = sides
    worst = int(found.bits.argmax())
    same = len(tokens) - len(found.differing)
    parts = [
        f"{one.name}: {_size(one)}, {one.milliseconds:,.0f} ms per token. "
        f"{other.name}: {_size(other)}, {other.milliseconds:,.0f} ms per token.",
        f"The mean KL divergence is {found.bits.mean():.3f} bits, the largest "
        f"{found.bits[worst]:.3f} after {quoted(tokens[worst])}. The likeliest next token is the "
        f"same after {same} of {len(tokens)} tokens.",
    ]
    place = parted(one.ids, other.ids)
    parts.append(
        f"Written greedily, their first {len(one.ids)} tokens are the same."
        if place is None
        else f"Written greedily, the two differ from new token {place + 1} on."
    )
    return " ".join(parts)


def parted(one: Sequence[int], other: Sequence[int]) -> int | None:
    """The first place at which two texts differ, one that ends included; None where none does."""
    if tuple(one) == tuple(other):
        return None
    shared = zip(one, other, strict=False)
    return next((k for k, (a, b) in enumerate(shared) if a != b), min(len(one), len(other)))


def table(
    tokens: Sequence[str], found: Divergence, next_: tuple[Sequence[str], Sequence[str]]
) -> dict[str, Sequence[object]]:
    """The picture's numbers."""
    return {
        "token": list(tokens),
        "divergence_bits": found.bits.tolist(),
        "first_next": list(next_[0]),
        "first_probability": found.sure[0].tolist(),
        "second_next": list(next_[1]),
        "second_probability": found.sure[1].tolist(),
    }


def _size(side: Side) -> str:
    return f"{side.size / 1e6:,.0f} MB"
