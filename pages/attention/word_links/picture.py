"""Every head ranked by a link from one word to another: its weight beside its baseline.

In: weights and baselines of all heads. Out: an SVG string, a bar a head, the baseline as a mark on
it; heads are the targets `h1.1, ..`, as in the grid. Knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pages.pictures import palette, svg
from pages.pictures.scale import number

WIDTH, ROW, LEFT, TOP = 460.0, 26.0, 46.0, 46.0
BAR = 190.0


@dataclass(frozen=True, slots=True)
class Row:
    """A head with what it gives the link, what others give, the excess; `sink` where it is one."""

    layer: int
    head: int
    weight: float
    others: float
    excess: float
    sink: bool

    @property
    def name(self) -> str:
        """The head as people say it."""
        return f"{self.layer + 1}.{self.head + 1}"


def ranking(rows: Sequence[Row], *, title: str, chosen: str) -> str:
    """The heads in the order given, best first; `chosen` is the name of the one that is shown."""
    high = max((max(row.weight, row.others) for row in rows), default=1.0) or 1.0
    x = LEFT + BAR + 60
    parts = [
        svg.tag("rect", x=LEFT, y=7.0, width=12.0, height=12.0, rx=2, fill=palette.ATTENTION),
        svg.label("this link", LEFT + 17, 18, size=12, fill=palette.MUTED, keep=True),
        svg.tag("rect", x=LEFT + 84, y=5.0, width=3.0, height=16.0, fill=palette.INK),
        svg.label("mean of others", LEFT + 93, 18, size=12, fill=palette.MUTED, keep=True),
        svg.label("excess", x, 18, size=12, fill=palette.MUTED, keep=True),
        svg.label("head", LEFT - 8, 38, size=12, fill=palette.MUTED, text_anchor="end", keep=True),
    ]
    for index, row in enumerate(rows):
        y = TOP + index * ROW
        length = max(BAR * row.weight / high, 1.0)
        points = 100 * row.excess
        texts = [
            svg.tag(
                "rect",
                x=0.0,
                y=y,
                width=WIDTH,
                height=ROW,
                fill=palette.GLOW if row.name == chosen else "transparent",
            ),
            svg.label(
                row.name,
                LEFT - 8,
                y + 18,
                size=13,
                text_anchor="end",
                font_weight=700 if row.name == chosen else None,
            ),
            svg.tag(
                "rect", x=LEFT, y=y + 6, width=length, height=14.0, rx=2, fill=palette.ATTENTION
            ),
            svg.tag(
                "rect", x=LEFT + BAR * row.others / high - 1.5, y=y + 3, width=3.0, height=20.0,
                fill=palette.INK,
            ),
            svg.label(number(row.weight, True), LEFT + BAR + 8, y + 18, size=12.5),
            svg.label(
                f"{'+' if points >= 0.05 else '−' if points <= -0.05 else '±'}"
                f"{abs(points):.1f} points" + (" · sink" if row.sink else ""),
                x,
                y + 18,
                size=12.5,
                fill=palette.RIGHT if points >= 0.05 else palette.MUTED,
            ),
        ]  # fmt: skip
        tip = (
            f"Layer {row.layer + 1}, head {row.head + 1}\nthis link {number(row.weight, True)}\n"
            f"mean of others {number(row.others, True)}"
        ) + ("\nattention sink: nearly all tokens attend to this word" if row.sink else "")
        parts.append(
            svg.tag(
                "g",
                texts,
                data_id=f"h{row.name}",
                data_tip=tip,
                data_name=f"Layer {row.layer + 1}, head {row.head + 1}",
                keep=True,
            )
        )
    said = f"{len(rows)} heads, ranked by how far the link exceeds what other tokens give."
    return svg.document(WIDTH, TOP + len(rows) * ROW + 6, parts, title, said)
