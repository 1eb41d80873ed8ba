"""Parameters by part. Pure.

In: a `Shape`. Out: SVG, a sentence. A part's id is its name.
"""

from __future__ import annotations

from engine.costs.shapes import Shape
from engine.landscape import amounts
from pages.models.axes import Part, parts_of

TITLE = "Parameters by part"


def parts(shape: Shape, said: str) -> tuple[str, str]:
    """The picture for both widths, and the wide one alone."""
    rows = [
        Part(name.replace(" ", "-"), name, count, f"{name}: {count:,}")
        for name, count in shape.parts.items()
    ]
    return parts_of(rows, amounts.count, title=TITLE, said=said)


def said(shape: Shape, tokens: int, like: str) -> str:
    """How many, where most are, and what running costs."""
    part, most = max(shape.parts.items(), key=lambda item: item[1])
    total = shape.parameters
    same = f", exactly as {like}" if like else ""
    words = (
        f"{total:,} parameters{same}; {100 * most / total:.0f} % are in {part}. One token after "
        f"{tokens - 1:,} others takes {amounts.power(shape.forward_flop(tokens))} FLOP forward"
    )
    cache = shape.cache_bytes(tokens)
    if cache:
        words += (
            f", and {tokens:,} tokens keep {amounts.nbytes(cache)} of keys and values (16 bits)"
        )
    return words + "."
