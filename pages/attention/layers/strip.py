"""A text as a strip: every token in its place, tinted, with a number and a word under it.

In: names, a tint from -1 to 1 for each (its sign is a hue), what stands below, what tips say. Out:
HTML that wraps to any width for the screen, and an SVG string of the same for files; tokens are the
targets `q0, q1, ..`. Colour never speaks alone: the number below says the same. Knows no model and
no page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pages.pictures import palette, svg

WIDTH = 720.0
SIZE = 15.0
TINT = 0.6  # of the full colour, so that ink stays readable on it
LINE = 66.0
LEAST = 46.0  # of a token's width: its number needs room
NAME, BELOW = 18, 12  # characters of a name and of what stands below it
STYLE = f"""
.strip {{ color:{palette.INK}; font-family:{palette.MONO}; line-height:1; }}
.strip .cell {{ display:inline-block; vertical-align:top; text-align:center; margin:0 4px 8px 0;
  min-width:46px; cursor:pointer; unicode-bidi:isolate; }}
.strip .cell b {{ display:block; font:500 15px/1.2 {palette.MONO}; padding:4px 5px;
  white-space:pre; border:1px solid {palette.LINE}; border-radius:4px; }}
.strip .held b {{ outline:2.5px solid {palette.ACCENT}; }}
.strip .cell i {{ display:block; font:400 12px/1.3 {palette.MONO}; color:{palette.MUTED};
  white-space:pre; }}
.strip .cell i:first-of-type {{ color:{palette.INK}; margin-top:2px; }}
.strip .legend {{ font:400 12px/1.4 {palette.SANS}; color:{palette.MUTED}; }}
.strip .legend span {{ display:inline-block; margin-right:18px; }}
.strip .legend u {{ display:inline-block; width:14px; height:14px; border-radius:3px;
  border:1px solid {palette.LINE}; margin-right:6px; vertical-align:-3px; }}
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """A token: its name, its tint from -1 to 1, up to two lines below it, and its tip."""

    place: int
    name: str
    tint: float
    below: tuple[str, ...]
    tip: str


@dataclass(frozen=True, slots=True)
class Strip:
    """What is drawn: the tokens, the hues of the two signs, the chosen place, tints explained."""

    cells: tuple[Cell, ...]
    colour: str = palette.POSITIVE
    other: str = palette.NEGATIVE
    chosen: int | None = None
    legend: Sequence[tuple[float, str]] = ()

    def hue(self, tint: float) -> tuple[str, float]:
        """The colour of a tint, and how much of it."""
        return self.colour if tint >= 0 else self.other, round(min(abs(tint), 1.0) * TINT, 2)


def html(found: Strip) -> str:
    """The strip for the screen."""
    cells = [
        svg.tag(
            "span",
            [
                svg.tag(
                    "b", svg.esc(svg.visible(one.name, limit=NAME)), style=_mix(found, one.tint)
                ),
                *(svg.tag("i", svg.esc(svg.visible(line, limit=BELOW))) for line in one.below),
            ],
            class_="cell held" if one.place == found.chosen else "cell",
            data_id=f"q{one.place}",
            data_name=one.name,
            data_tip=one.tip,
            keep=True,
        )
        for one in found.cells
    ]
    marks = [
        svg.tag("span", svg.tag("u", "", style=_mix(found, tint)) + svg.esc(text))
        for tint, text in found.legend
    ]
    body = svg.tag("style", STYLE) + svg.tag("div", cells, dir="auto")
    body += svg.tag("div", marks, class_="legend") if marks else ""
    whole = svg.tag("div", body, class_="strip")
    return whole.replace("<div", '<div xmlns="http://www.w3.org/1999/xhtml"', 1)


def _mix(found: Strip, tint: float) -> str:
    hue, much = found.hue(tint)
    return f"background:color-mix(in srgb,{hue} {100 * much:.0f}%,{palette.SURFACE})"


def drawing(found: Strip, *, title: str, described: str) -> str:
    """The strip for files."""
    parts: list[str] = []
    x, y = 6.0, 8.0
    for one in found.cells:
        lines = [svg.visible(line, limit=BELOW) for line in one.below]
        shown = svg.visible(one.name, limit=NAME)
        widths = [svg.text_width(shown, SIZE), *(svg.text_width(line, 12) for line in lines)]
        width = max(max(widths) + 10, LEAST)
        if x + width > WIDTH - 6 and x > 6:
            x, y = 6.0, y + LINE
        parts.append(_cell(found, one, shown, lines, x, y, width))
        x += width + 4
    end = y + LINE
    for place, (tint, text) in enumerate(found.legend):
        parts += _legend(found, tint, text, 6.0 + 118 * place, end)
    height = end + (26 if found.legend else 2)
    return svg.document(WIDTH, height, parts, title, described)


def _cell(
    found: Strip, one: Cell, shown: str, lines: list[str], x: float, y: float, width: float
) -> str:
    box: dict[str, object] = {"x": x, "y": y, "width": width, "height": 26.0, "rx": 4}
    held = one.place == found.chosen
    hue, much = found.hue(one.tint)
    middle = {"size": 12, "mono": True, "text_anchor": "middle"}
    parts = [
        svg.tag("rect", "", **box, fill=palette.SURFACE),
        svg.tag(
            "rect",
            "",
            **box,
            stroke=palette.ACCENT if held else palette.LINE,
            stroke_width=2.5 if held else 1.0,
            fill=hue,
            fill_opacity=much,
        ),
        svg.label(shown, x + width / 2, y + 18, size=SIZE, mono=True, text_anchor="middle"),
        *(
            svg.label(
                text,
                x + width / 2,
                y + 41 + 15 * line,
                fill=palette.MUTED if line else palette.INK,
                **middle,
            )
            for line, text in enumerate(lines)
        ),
    ]
    return svg.tag(
        "g", parts, data_id=f"q{one.place}", data_name=one.name, data_tip=one.tip, keep=True
    )


def _legend(found: Strip, tint: float, text: str, x: float, top: float) -> list[str]:
    hue, much = found.hue(tint)
    box: dict[str, object] = {"x": x, "y": top + 2, "width": 14.0, "height": 14.0, "rx": 3}
    return [
        svg.tag("rect", "", **box, stroke=palette.LINE, fill=hue, fill_opacity=much),
        svg.label(text, x + 20, top + 14, size=12, fill=palette.MUTED, keep=True),
    ]
