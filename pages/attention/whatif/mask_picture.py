"""How surprising each next token is with the mask and without, token by token.

In: names and bits. Out: an SVG string; what rose and what fell is written. Knows no model, no page.
"""

from __future__ import annotations

from collections.abc import Sequence

from pages.pictures import not_as_made, palette, svg

WIDTH, LEFT, ROW = 356.0, 92.0, 30.0
SHOWN = 30  # tokens drawn; the table has all


def surprise_changes(
    names: Sequence[str], before: Sequence[float], after: Sequence[float], *, title: str
) -> str:
    """Two bars a token, in bits: as made, and without the mask."""
    names, before, after = names[:SHOWN], before[:SHOWN], after[:SHOWN]
    scale = (WIDTH - LEFT - 104) / max([*before, *after, 1.0])
    top = not_as_made.HEIGHT + 26
    parts = [not_as_made.mark(), _legend(not_as_made.HEIGHT + 14)]
    for index, (name, first, then) in enumerate(zip(names, before, after, strict=True)):
        y = top + index * ROW
        arrow = "▲" if then - first > 0.05 else "▼" if then - first < -0.05 else "="
        ink = {"▲": palette.WRONG, "▼": palette.RIGHT, "=": palette.MUTED}[arrow]
        change = "= no change" if arrow == "=" else f"{arrow} {then - first:+.1f} bits"
        row = [
            svg.label(
                svg.shortened(svg.visible(name), LEFT - 14, 13.5), LEFT - 8, y + 17, size=13.5,
                mono=True, text_anchor="end",
            ),
            *_bar(y + 2, first, scale, palette.BAR),
            *_bar(y + 15, then, scale, palette.CHOSEN),
            svg.label(change, WIDTH - 4, y + 17, size=12, fill=ink, text_anchor="end"),
        ]  # fmt: skip
        tip = f"{svg.visible(name)}\nwith the mask {first:.2f} bits, without {then:.2f}"
        parts.append(svg.tag("g", row, data_id=f"t{index}", data_tip=tip))
    return svg.document(WIDTH, top + 6 + len(names) * ROW, parts, title)


def _bar(y: float, bits: float, scale: float, colour: str) -> list[str]:
    wide = max(bits * scale, 1.0)
    return [
        svg.tag("rect", x=LEFT, y=y, width=wide, height=10.0, rx=2, fill=colour),
        svg.label(f"{bits:.1f}", LEFT + wide + 5, y + 9.5, size=12, fill=palette.MUTED),
    ]


def _legend(y: float) -> str:
    parts = []
    for x, name, colour in (
        (LEFT, "as made", palette.BAR),
        (LEFT + 78, "mask off", palette.CHOSEN),
    ):
        parts.append(svg.tag("rect", x=x, y=y - 10, width=12.0, height=12.0, rx=2, fill=colour))
        parts.append(svg.label(name, x + 18, y, size=12))
    parts.append(svg.label("bits", WIDTH - 4, y, size=12, fill=palette.MUTED, text_anchor="end"))
    return svg.tag("g", parts, keep=True)
