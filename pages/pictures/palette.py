"""Colours by meaning, once for light and once for dark.

In: nothing. Out: constants that are CSS values such as `var(--atlas-query, #1f66c4)`, to be put
into `fill=` or `stroke=` of an SVG. The fallback is the light theme, so the same picture is right
in a file; on a page `stylesheet()` gives every variable its light or dark value.

One meaning a colour: a picture must not use QUERY for anything but queries. Neighbouring meanings
differ in lightness too, so that they stay apart for colour-blind readers; nothing is said by
colour alone. Text colours (INK, MUTED, the strong hues) reach 4.5:1 on PAPER in both themes.
Knows nothing of SVG, pages or engine values.
"""

from __future__ import annotations

import re
from typing import Any

_COLOURS: dict[str, tuple[str, str]] = {}


def _colour(name: str, light: str, dark: str) -> str:
    _COLOURS[name] = (light, dark)
    return f"var(--atlas-{name}, {light})"


# The page itself
PAPER = _colour("paper", "#fbfaf6", "#14171d")  # the page's ground
SURFACE = _colour("surface", "#f1efe8", "#1e232c")  # cards, panels, chips without a colour
INK = _colour("ink", "#10151d", "#e9e6df")  # text
MUTED = _colour("muted", "#5d6472", "#a3a9b5")  # secondary text, axis labels
FAINT = _colour("faint", "#8b909b", "#727985")  # marks such as the visible space; not for reading
LINE = _colour("line", "#d9d5ca", "#363d49")  # borders, rules, grid lines
ACCENT = _colour("accent", "#0b6577", "#62c4d3")  # what is selected: locks, focus, buttons
HIGHLIGHT = _colour("highlight", "#c2185b", "#ff8ac0")  # what a lesson points at: never a lock
GLOW = _colour("glow", "#ffe9a8", "#5c4a12")  # ground of something pointed out

# Attention
QUERY = _colour("query", "#1f66c4", "#7fb2f5")
KEY = _colour("key", "#b8460e", "#f3a06b")
VALUE = _colour("value", "#1d5c35", "#c5e8b0")
OUTPUT = _colour("output", "#a3206f", "#ee8cc4")
ATTENTION = _colour("attention", "#5a2ca0", "#b794f4")  # weight, 0 (ground) to 1 (full)
MASKED = _colour("masked", "#b9b6ac", "#5f6675")  # hatching of masked cells

# Signed quantities: zero is the ground, the sign is the hue
POSITIVE = _colour("positive", "#1d5fa8", "#6fb1ee")
NEGATIVE = _colour("negative", "#b35806", "#f1a340")

# Decoding
PROBABILITY = _colour("probability", "#0b6577", "#62c4d3")  # tint and bars, 0 to 1
BAR = _colour("bar", "#c9c5b9", "#4b5362")  # candidates that were not chosen
CHOSEN = _colour("chosen", "#5a2ca0", "#b794f4")  # the chosen token's bar
CUT = _colour("cut", "#a3332b", "#f08d84")  # what a filter removed; also struck through

# Beams
KEPT = _colour("kept", "#c98a1b", "#e0b04e")
RETURNED = _colour("returned", "#0b6577", "#62c4d3")
PRUNED = _colour("pruned", "#a9a69c", "#616875")

# The two towers and what joins them
ENCODER = _colour("encoder", "#24639c", "#84b8e8")
DECODER = _colour("decoder", "#a0500f", "#e9a866")
CROSS = _colour("cross", "#5a2ca0", "#b794f4")

SPECIAL = _colour("special", "#f3d9a2", "#5f4a1a")  # ground of special tokens
RIGHT = _colour("right", "#1c6e4a", "#6fcf9f")  # succeeded, agrees
WRONG = _colour("wrong", "#a3332b", "#f08d84")  # failed, differs

CHIPS: tuple[str, ...] = tuple(
    _colour(f"chip-{i}", light, dark)
    for i, (light, dark) in enumerate(
        [
            ("#cfe2f5", "#254a6e"),
            ("#fbe2b4", "#66490f"),
            ("#d2eac6", "#315a29"),
            ("#f8d3cd", "#6d3733"),
            ("#e0d7f4", "#4a3c79"),
            ("#c8ebe8", "#1c5956"),
            ("#f3d5e6", "#67365b"),
            ("#e7e2ca", "#55502e"),
        ]
    )
)
"""Grounds of token chips, INK readable on each; use `chip(position)`."""

CATEGORIES: tuple[str, ...] = tuple(
    _colour(f"category-{i}", light, dark)
    for i, (light, dark) in enumerate(
        [
            ("#1f66c4", "#7fb2f5"),
            ("#b8460e", "#f3a06b"),
            ("#0f7a6c", "#63cdbc"),
            ("#a3206f", "#ee8cc4"),
            ("#8a6a00", "#e3c04f"),
            ("#5a2ca0", "#b794f4"),
            ("#4b6b1e", "#b0d27c"),
            ("#7a4a3a", "#d4a48f"),
        ]
    )
)
"""Hues of things without an order (columns of a comparison, heads, sentences)."""

RANKS: tuple[str, ...] = tuple(
    _colour(f"rank-{i}", light, dark)
    for i, (light, dark) in enumerate(
        [
            ("#cdeec0", "#2f5b2b"),
            ("#fdeaa0", "#6a560f"),
            ("#f9c1a3", "#7b3f21"),
            ("#dcc3f2", "#563a86"),
        ]
    )
)
"""Grounds of tokens by the model's rank of them: top 10, top 100, top 1,000, beyond."""

SANS = "var(--atlas-sans, 'Source Sans', 'Source Sans 3', system-ui, sans-serif)"
SERIF = "var(--atlas-serif, 'Source Serif', 'Source Serif 4', Georgia, serif)"
MONO = "var(--atlas-mono, 'Source Code Pro', ui-monospace, 'DejaVu Sans Mono', monospace)"

_VARIABLE = re.compile(r"var\(--atlas-([a-z0-9-]+),\s*([^()]*)\)")


def chip(position: int) -> str:
    """Ground of the chip at a position; neighbours always differ, even for equal tokens."""
    return CHIPS[position % len(CHIPS)]


def rank_band(rank: int) -> str:
    """Ground for a token that the model ranked `rank` (1 is its first choice)."""
    return RANKS[(rank > 10) + (rank > 100) + (rank > 1000)]


def hexadecimal(colour: str, *, dark: bool = False) -> str:
    """The plain value of a palette constant, for Plotly and files.

    >>> hexadecimal(QUERY)
    '#1f66c4'
    """
    return resolved(colour, dark=dark)


def resolved(text: str, *, dark: bool = False) -> str:
    """A text (an SVG) with every palette variable replaced by its value in one theme."""

    def value(match: re.Match[str]) -> str:
        light_and_dark = _COLOURS.get(match[1])
        return light_and_dark[dark] if light_and_dark else match[2]

    return _VARIABLE.sub(value, text)


def rgba(colour: str, opacity: float, *, dark: bool = False) -> str:
    """A palette constant with an opacity in 0..1, for Plotly."""
    plain = hexadecimal(colour, dark=dark).lstrip("#")
    red, green, blue = (int(plain[i : i + 2], 16) for i in (0, 2, 4))
    return f"rgba({red},{green},{blue},{opacity:g})"


def values(*, dark: bool = False) -> dict[str, str]:
    """Every variable's name (without `--atlas-`) and its value in one theme."""
    return {name: pair[dark] for name, pair in _COLOURS.items()}


def stylesheet(light: str = ":host, .atlas", dark: str = ".atlas[data-theme=dark]") -> str:
    """CSS that gives every variable its value under a light and a dark selector."""
    rules = []
    for index, selector in enumerate((light, dark)):
        values = ";".join(f"--atlas-{name}:{pair[index]}" for name, pair in _COLOURS.items())
        rules.append(f"{selector} {{{values}}}")
    return "\n".join(rules)


def chart_layout(*, dark: bool = False) -> dict[str, Any]:
    """Layout of a Plotly figure in our look; update it with the figure's own entries."""
    ink, muted, line = (hexadecimal(colour, dark=dark) for colour in (INK, MUTED, LINE))
    axis = {
        "gridcolor": line,
        "linecolor": line,
        "zerolinecolor": line,
        "tickfont": {"color": muted},
        "title": {"font": {"color": muted}},
    }
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "Source Sans, Source Sans 3, system-ui, sans-serif", "color": ink},
        "colorway": [hexadecimal(colour, dark=dark) for colour in CATEGORIES],
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hoverlabel": {
            "bgcolor": hexadecimal(SURFACE, dark=dark),
            "bordercolor": line,
            "font": {"color": ink},
        },
        "xaxis": axis,
        "yaxis": axis,
    }


def sequential(colour: str = ATTENTION, *, dark: bool = False) -> list[list[float | str]]:
    """A Plotly colour scale from the page's ground (0) to a palette constant (1)."""
    return [[0.0, hexadecimal(PAPER, dark=dark)], [1.0, hexadecimal(colour, dark=dark)]]


def diverging(*, dark: bool = False) -> list[list[float | str]]:
    """A Plotly colour scale NEGATIVE, ground (zero in the middle), POSITIVE."""
    return [
        [0.0, hexadecimal(NEGATIVE, dark=dark)],
        [0.5, hexadecimal(PAPER, dark=dark)],
        [1.0, hexadecimal(POSITIVE, dark=dark)],
    ]
