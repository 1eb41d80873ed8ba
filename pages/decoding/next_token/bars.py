"""The next token's candidates as bars: the model probability and the one after the filters.

In: an `Opened` next token, how to spell ids, the setting. Out: an SVG in which every candidate can
be pointed at (ids `n<token id>`), removed ones greyed and struck, with a line where a filter stops.
Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.decoding.next_token import Opened, Stop
from engine.decoding.sampling import BY_NAME, PENALTIES, STAGES, Sampling
from pages.decoding.next_token.words import cutoff, cutoff_below, remover, sentence
from pages.decoding.words import Spell, percent, shown
from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width

WIDTH, ROW, HEAD = 640.0, 31.0, 34.0
NAME, BARS, LONGEST = 30.0, 168.0, 300.0  # where names and bars begin, and the longest bar
SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def bars(
    found: Opened,
    sampling: Sampling,
    spell: Spell,
    *,
    chosen: int | None = None,
    how: str = "sampled",
    acts: Callable[[int, str], str | None] = lambda *_: None,
) -> str:
    """Draw the candidates, the likeliest on top; `chosen` is the next token of the text.

    `how` says how it was chosen: sampled, selected (greedy, beam search) or forced. `acts` gives
    what can be done with a candidate (`data-act`), by its id and name.
    """
    most = max(float(found.own.max()), float(found.after.max()))
    scale = next(limit for limit in SCALES if limit >= min(most, 1.0) - 1e-6)
    parts, y = [_legend(scale, how if chosen is not None else "")], HEAD
    lines = _lines(found)
    placed = [stop for stops in lines.values() for stop in stops]
    lined = {STAGES.index(stop.stage) for stop in placed}
    for place in range(len(found.ids)):
        if place == found.listed:
            parts.append(label("⋮", 22, y + 10, size=13, fill=palette.MUTED, text_anchor="end"))
            y += 14.0
        quiet = int(found.cut[place]) in lined  # its line says already who cut it
        act = acts(int(found.ids[place]), shown(int(found.ids[place]), spell))
        parts.append(_row(found, place, y, scale, spell, chosen, how, quiet=quiet, act=act))
        y += ROW
        if place in lines:
            words = ", ".join(cutoff(stop) for stop in lines[place])
            parts.append(_cut_line(words, y))
            y += 20.0
    parts.append(_others(found, y))
    y += ROW + 6
    if below := [stop for stop in found.stops if not _anywhere(stop) and stop not in placed]:
        parts.append(_cut_line(", ".join(map(cutoff_below, below)), y - 4))
        y += 20.0
    return document(WIDTH, y, parts, "Next token", sentence(found, sampling, spell))


def _row(
    found: Opened,
    place: int,
    y: float,
    scale: float,
    spell: Spell,
    chosen: int | None,
    how: str,
    *,
    quiet: bool,
    act: str | None,
) -> str:
    token_id, cut = int(found.ids[place]), int(found.cut[place])
    kept, mark = cut < 0, how if token_id == chosen else ""
    name = shortened(shown(token_id, spell, limit=64), BARS - NAME - 14, 13)
    ink = palette.INK if kept else palette.MUTED
    parts = [
        tag("rect", x=0.0, y=y, width=WIDTH, height=ROW - 1, fill=palette.PAPER, fill_opacity=0),
        label(str(found.rank[place]), 22, y + 20, size=12, fill=palette.MUTED, text_anchor="end"),
        label(name, NAME, y + 20, size=13, mono=True, fill=ink, font_weight=700 if mark else 400),
    ]
    if not kept:
        parts.append(_strike(NAME, y + 16, text_width(name, 13)))
    parts += _pair(float(found.own[place]), float(found.after[place]), y, scale, kept, mark)
    if not kept and not quiet:
        words = f"removed by {remover(STAGES[cut])}"
        parts.append(label(words, WIDTH - 4, y + 20, size=12, fill=palette.CUT, text_anchor="end"))
    tip = _tip(found, place)
    return tag("g", parts, data_id=f"n{token_id}", data_act=act, data_name=name, data_tip=tip)


def _pair(own: float, after: float, y: float, scale: float, kept: bool, mark: str) -> list[str]:
    """Two bars and their numbers: above the model's, below after the filters."""
    shade = 1.0 if kept else 0.55
    long = max(1.0, LONGEST * own / scale)
    parts = [
        tag("rect", x=BARS, y=y + 4, width=long, height=8.0, rx=2, fill=palette.BAR, opacity=shade),
        label(percent(own), BARS + long + 6, y + 12, size=12, fill=palette.MUTED),
    ]
    if kept:
        fill = palette.CHOSEN if mark else palette.PROBABILITY
        long = max(1.0, LONGEST * after / scale)
        parts.append(tag("rect", x=BARS, y=y + 14, width=long, height=11.0, rx=2, fill=fill))
        words = percent(after) + (f"  {mark}" if mark else "")
        parts.append(label(words, BARS + long + 6, y + 24, size=12, font_weight=600))
    elif mark:
        parts.append(label("forced", BARS, y + 24, size=12, fill=palette.CHOSEN))
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
    """What is not listed, in one row: how much it holds, how many tokens are kept and removed."""
    count = found.others_kept + found.others_cut
    if not count:
        return ""
    held = [f"{found.others_kept:,} kept"] if found.others_kept else []
    held += [f"{found.others_cut:,} removed"] if found.others_cut else []
    words = f"other: {percent(found.others_own)}"
    if len(held) == 1:
        held = ["all kept" if found.others_kept else "all removed"]
    after = f"{count:,} tokens, {' and '.join(held)}"
    if found.others_kept:
        after = f"{percent(found.others_after)} after filters · {after}"
    return tag(
        "g",
        [
            tag("line", x1=NAME, y1=y + 1, x2=WIDTH, y2=y + 1, stroke=palette.LINE),
            label(words, NAME, y + 21, size=12, fill=palette.MUTED),
            label(after, BARS, y + 21, size=12, fill=palette.MUTED),
        ],
        keep=True,
    )


def _legend(scale: float, how: str) -> str:
    spots = (
        (0.0, palette.BAR, "model probability"),
        (158.0, palette.PROBABILITY, "after filters"),
        (282.0, palette.CHOSEN, how),
    )
    parts = []
    for x, fill, words in spots if how else spots[:2]:
        parts.append(tag("rect", x=x + NAME, y=7.0, width=12.0, height=10.0, rx=2, fill=fill))
        parts.append(label(words, x + NAME + 18, 16, size=12, fill=palette.MUTED))
    full = f"longest bar {100 * scale:g} %"
    parts.append(label(full, WIDTH - 4, 16, size=12, fill=palette.MUTED, text_anchor="end"))
    return tag("g", parts, keep=True)


def _lines(found: Opened) -> dict[int, list[Stop]]:
    """The filters that stop under each row.

    A filter has a line where what it removed lies in one piece below what it kept. Typical removes
    likely tokens, too, and those removed for repeating stand anywhere: struck, without a line.
    """
    placed: dict[int, list[Stop]] = {}
    anywhere = [STAGES.index(name) for name in (*PENALTIES, "banned")]
    ranked = [i for i in range(found.listed) if found.cut[i] not in anywhere]
    for stop in found.stops:
        if not _anywhere(stop) and stop.kept <= len(ranked):
            placed.setdefault(ranked[stop.kept - 1], []).append(stop)
    return placed


def _anywhere(stop: Stop) -> bool:
    """Whether a filter removes nothing, or likely tokens too, so that it stops at no one place."""
    return not BY_NAME[stop.stage].contiguous or stop.kept == stop.before


def _tip(found: Opened, place: int) -> str:
    lines = [
        f"id {int(found.ids[place])}, rank {int(found.rank[place]):,}",
        f"logit {float(found.logits[place]):.3f}",
        f"model probability {percent(float(found.own[place]))}",
    ]
    if float(found.adjusted[place]) != float(found.logits[place]):
        lines[1] += f" → {float(found.adjusted[place]):.3f}"
    cut = int(found.cut[place])
    after = percent(float(found.after[place]))
    lines.append(f"after filters {after}" if cut < 0 else f"removed by {remover(STAGES[cut])}")
    return "\n".join(lines)
