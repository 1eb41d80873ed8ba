"""The next token's candidates as bars: the model's own probability and the one after the filters.

In: an `Opened` next token, how to spell ids, the setting. Out: an SVG in which every candidate can
be pointed at (ids `n<token id>`), cut ones greyed and struck, with a line where a filter stops;
sentences and the softmax in this position's own numbers. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.decoding.next_token import Opened, Stop
from engine.decoding.sampling import STAGES, Sampling
from engine.decoding.sampling import label as named
from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width, visible

WIDTH, ROW, HEAD = 640.0, 31.0, 34.0
NAME, BARS, LONGEST = 30.0, 168.0, 300.0  # where names and bars begin, and the longest bar
SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
Spell = Callable[[int], str]


def bars(found: Opened, sampling: Sampling, spell: Spell, *, chosen: int | None = None) -> str:
    """Draw the candidates, the likeliest on top; `chosen` is the id that was taken."""
    most = max(float(found.own.max()), float(found.after.max()))
    scale = next(limit for limit in SCALES if limit >= min(most, 1.0) - 1e-6)
    parts, y = [_legend(scale)], HEAD
    lines = _lines(found)
    placed = [stop for stops in lines.values() for stop in stops]
    lined = {STAGES.index(stop.stage) for stop in placed}
    for place in range(len(found.ids)):
        if place == found.listed:
            parts.append(label("⋮", 22, y + 10, size=13, fill=palette.MUTED, text_anchor="end"))
            y += 14.0
        quiet = int(found.cut[place]) in lined  # its line says already who cut it
        parts.append(_row(found, place, y, scale, spell, chosen, quiet=quiet))
        y += ROW
        if place in lines:
            words = ", ".join(stop_words(stop) for stop in lines[place])
            parts.append(_cut_line(words, y))
            y += 20.0
    parts.append(_others(found, y))
    y += ROW + 6
    if below := [stop for stop in found.stops if not _anywhere(stop) and stop not in placed]:
        parts.append(_cut_line(", ".join(map(stop_words_among, below)), y - 4))
        y += 20.0
    return document(WIDTH, y, parts, "Next token", sentence(found, sampling, spell))


def _row(
    found: Opened,
    place: int,
    y: float,
    scale: float,
    spell: Spell,
    chosen: int | None,
    *,
    quiet: bool,
) -> str:
    token_id, cut = int(found.ids[place]), int(found.cut[place])
    kept, taken = cut < 0, token_id == chosen
    name = shortened(visible(spell(token_id)) or f"<{token_id}>", BARS - NAME - 14, 13)
    ink = palette.INK if kept else palette.MUTED
    parts = [
        tag("rect", x=0.0, y=y, width=WIDTH, height=ROW - 1, fill=palette.PAPER, fill_opacity=0),
        label(str(found.rank[place]), 22, y + 20, size=11, fill=palette.MUTED, text_anchor="end"),
        label(name, NAME, y + 20, size=13, mono=True, fill=ink, font_weight=700 if taken else 400),
    ]
    if not kept:
        parts.append(_strike(NAME, y + 16, text_width(name, 13)))
    parts += _pair(float(found.own[place]), float(found.after[place]), y, scale, kept, taken)
    if not kept and not quiet:
        cutter = f"cut by {_stage(STAGES[cut])}"
        parts.append(label(cutter, WIDTH - 4, y + 20, size=11, fill=palette.CUT, text_anchor="end"))
    return tag("g", parts, data_id=f"n{token_id}", data_name=name, data_tip=_tip(found, place))


def _pair(own: float, after: float, y: float, scale: float, kept: bool, taken: bool) -> list[str]:
    """Two bars and their numbers: above the model's own, below after the settings."""
    shade = 1.0 if kept else 0.55
    long = max(1.0, LONGEST * own / scale)
    parts = [
        tag("rect", x=BARS, y=y + 4, width=long, height=8.0, rx=2, fill=palette.BAR, opacity=shade),
        label(percent(own), BARS + long + 6, y + 12, size=11, fill=palette.MUTED),
    ]
    if kept:
        fill = palette.CHOSEN if taken else palette.PROBABILITY
        long = max(1.0, LONGEST * after / scale)
        parts.append(tag("rect", x=BARS, y=y + 14, width=long, height=11.0, rx=2, fill=fill))
        words = percent(after) + ("  taken" if taken else "")
        parts.append(label(words, BARS + long + 6, y + 24, size=12, font_weight=600))
    elif taken:
        parts.append(label("forced by hand", BARS, y + 24, size=11, fill=palette.CHOSEN))
    return parts


def _strike(x: float, y: float, width: float) -> str:
    return tag("line", x1=x, y1=y, x2=x + width, y2=y, stroke=palette.CUT, stroke_width=1.6)


def _cut_line(words: str, y: float) -> str:
    wide = text_width(words, 12, mono=False) + 18
    left = max(NAME + 8, 490.0 - wide)  # a phone shows this much without scrolling
    line = tag(
        "line",
        x1=NAME,
        y1=y + 9,
        x2=WIDTH,
        y2=y + 9,
        stroke=palette.CUT,
        stroke_width=1.6,
        stroke_dasharray="5 4",
    )
    box = tag(
        "rect", x=left, y=y, width=wide, height=18.0, rx=9, fill=palette.PAPER, stroke=palette.CUT
    )
    return tag(
        "g",
        [
            line,
            box,
            label(words, left + wide / 2, y + 13, size=12, fill=palette.CUT, text_anchor="middle"),
        ],
        keep=True,
    )


def _others(found: Opened, y: float) -> str:
    """What is not listed, in one row: how much it holds, how many tokens are kept and cut."""
    count = found.others_kept + found.others_cut
    if not count:
        return ""
    held = [f"{found.others_kept:,} kept"] if found.others_kept else []
    held += [f"{found.others_cut:,} cut"] if found.others_cut else []
    words = f"other: {percent(found.others_own)}"
    if len(held) == 1:
        held = ["all kept" if found.others_kept else "all cut"]
    after = f"{count:,} tokens, {' and '.join(held)}"
    if found.others_kept:
        after = f"{percent(found.others_after)} after the settings · {after}"
    return tag(
        "g",
        [
            tag("line", x1=NAME, y1=y + 1, x2=WIDTH, y2=y + 1, stroke=palette.LINE),
            label(words, NAME, y + 21, size=12, fill=palette.MUTED),
            label(after, BARS, y + 21, size=12, fill=palette.MUTED),
        ],
        keep=True,
    )


def _legend(scale: float) -> str:
    spots = (
        (0.0, palette.BAR, "the model's own"),
        (150.0, palette.PROBABILITY, "after the settings"),
        (308.0, palette.CHOSEN, "taken"),
    )
    parts = []
    for x, fill, words in spots:
        parts.append(tag("rect", x=x + NAME, y=7.0, width=12.0, height=10.0, rx=2, fill=fill))
        parts.append(label(words, x + NAME + 18, 16, size=12, fill=palette.MUTED))
    full = f"longest bar {100 * scale:g} %"
    parts.append(label(full, WIDTH - 4, 16, size=12, fill=palette.MUTED, text_anchor="end"))
    return tag("g", parts, keep=True)


def _lines(found: Opened) -> dict[int, list[Stop]]:
    """The filters that stop under each row.

    A filter has a line where what it cut lies in one piece below what it kept. Typical cuts from
    above too, and tokens cut for repeating stand anywhere: these are struck, without a line.
    """
    placed: dict[int, list[Stop]] = {}
    anywhere = [STAGES.index("no_repeat"), STAGES.index("banned")]
    seen = [i for i in range(found.listed) if found.cut[i] not in anywhere]
    for stop in found.stops:
        if not _anywhere(stop) and stop.kept <= len(seen):
            placed.setdefault(seen[stop.kept - 1], []).append(stop)
    return placed


def _anywhere(stop: Stop) -> bool:
    """Whether a filter cuts nothing, or from above too, so that it stops at no one place."""
    return stop.stage == "typical" or stop.kept == stop.before


def stop_words_among(stop: Stop) -> str:
    """`stop_words` of a filter that stops among the tokens that are not listed."""
    return stop_words(stop).replace(" here:", " among these:")


def stop_words(stop: Stop) -> str:
    """Where one filter stops, in short: `top-p stops here: 0.91`."""
    name = _stage(stop.stage)
    if stop.stage == "top_p":
        return f"{name} stops here: {stop.mass:.2f}"
    if stop.stage == "top_k":
        return f"{name} stops here: {stop.kept} tokens"
    if stop.stage == "min_p" and stop.limit is not None:
        return f"{name} stops here: under {percent(stop.limit)}"
    if stop.stage == "typical":
        return f"{name} keeps {stop.kept} tokens: {stop.mass:.2f}"
    return "greedy stops here: the likeliest alone"


def _stage(stage: str) -> str:
    names = {"temperature": "greedy", "banned": "the model's own rule"}
    return names.get(stage, named(stage))


def _tip(found: Opened, place: int) -> str:
    lines = [
        f"id {int(found.ids[place])}, the model's choice no. {int(found.rank[place])}",
        f"logit {float(found.logits[place]):.3f}",
        f"model {percent(float(found.own[place]))}",
    ]
    if float(found.adjusted[place]) != float(found.logits[place]):
        lines[1] += f" → {float(found.adjusted[place]):.3f}"
    cut = int(found.cut[place])
    after = percent(float(found.after[place]))
    lines.append(f"after the settings {after}" if cut < 0 else f"cut by {_stage(STAGES[cut])}")
    return "\n".join(lines)


def percent(value: float) -> str:
    """A probability for people: three digits, never a false 0 or 100.

    >>> percent(0.0213), percent(0.00000004)
    ('2.13 %', '0.000004 %')
    """
    if 0 < value < 1e-8:
        return "under 0.000001 %"
    if 0.9995 <= value < 1:
        return f"{100 * value:.2f} %" if value < 0.99995 else "over 99.99 %"
    digits = 1 if value >= 0.1 else 2 if value >= 0.01 else 3
    if value < 0.001:
        return f"{100 * value:.6f}".rstrip("0").rstrip(".") + " %" if value else "0 %"
    return f"{100 * value:.{digits}f} %"


def sentence(found: Opened, sampling: Sampling, spell: Spell) -> str:
    """What one sees in this picture, in its own numbers, in at most 60 words."""
    first = f"“{visible(spell(int(found.ids[0])))}”"
    equal = 2**found.entropy
    words = [
        f"Before the settings {first} has {percent(float(found.own[0]))}; the model is as "
        f"unsure as between {equal:,.0f} equal choices ({found.entropy:.1f} bits)."
        if equal >= 1.5
        else f"The model is sure: {first} has {percent(float(found.own[0]))}."
    ]
    cut = found.vocabulary - found.kept
    if sampling.greedy:
        words.append("Greedy takes the likeliest and never draws.")
    elif found.kept == 1:
        words.append("The filters leave one token, so nothing is left to chance.")
    elif cut:
        words.append(
            f"{found.kept:,} of {found.vocabulary:,} tokens are left to draw from "
            f"({found.entropy_after:.1f} bits)."
        )
    elif sampling.temperature != 1:
        way = "sharpens" if sampling.temperature < 1 else "flattens"
        words.append(
            f"Temperature {sampling.temperature:g} {way} this to {found.entropy_after:.1f} bits."
        )
    else:
        words.append(f"Any of the {found.vocabulary:,} tokens may be drawn.")
    quiet = [stop for stop in found.stops if stop.kept == stop.before]
    if quiet:
        words.append(f"{_stage(quiet[0].stage).capitalize()} cuts nothing here.")
    return " ".join(words)


def formula(found: Opened, sampling: Sampling, place: int) -> str:
    """The softmax of one candidate with its numbers filled in, as LaTeX."""
    logit, top = float(found.adjusted[place]), found.highest
    if found.cut[place] >= 0:
        return rf"p = 0 \quad\text{{(cut by {_stage(STAGES[int(found.cut[place])])})}}"
    heat = 1.0 if sampling.greedy else sampling.temperature
    raw, most = logit * heat, top * heat
    above = rf"\frac{{{raw:.2f} - {_signed(most)}}}{{{heat:g}}}"
    power = 2.718281828459045 ** (logit - top)
    return (  # two lines, as a phone is narrow
        r"\begin{aligned} p &= \frac{e^{(z - z_{\max})/T}}{\sum_j e^{(z_j - z_{\max})/T}} \\ "
        rf"&= \frac{{e^{{{above}}}}}{{{found.total:.4g}}}"
        rf" = \frac{{{power:.4g}}}{{{found.total:.4g}}}"
        rf" = {100 * float(found.after[place]):.4g}\,\% \end{{aligned}}"
    )


def _signed(value: float) -> str:
    return f"({value:.2f})" if value < 0 else f"{value:.2f}"


def table(found: Opened, spell: Spell) -> dict[str, list[Any]]:
    """The candidates as columns of a table."""
    return {
        "id": found.ids.tolist(),
        "text": [spell(token_id) for token_id in found.ids.tolist()],
        "rank": found.rank.tolist(),
        "logit": found.logits.tolist(),
        "adjusted": found.adjusted.tolist(),
        "probability": found.own.tolist(),
        "after_settings": found.after.tolist(),
        "cut_by": [_stage(STAGES[c]) if c >= 0 else "" for c in found.cut.tolist()],
    }
