"""The stage of a translation: source, ribbons of attention, target, candidates, beam tree.

In: a `Story`. Out: one SVG string, top to bottom; what is not written yet at `story.now` is not
drawn. Pointing at a word lights its ribbons, its candidates and its nodes. Knows no page.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from pages.pictures import palette, svg
from pages.translation.stage.tree import tree_height, tree_lane
from pages.translation.story import Columns, Story, carried, columns, number, percent

ROWS = 5  # candidates drawn under each target token
ROW = 21.0
THICK = 20.0  # pixels of a ribbon that carries all of the weight


def stage(
    story: Story,
    *,
    tree: bool = True,
    source_name: str = "Source",
    ends: Collection[int] = (),
) -> str:
    """The whole stage; without `tree` it ends with the candidates.

    A candidate offers the act `write`, unless it is one of `ends`, which end a text; the last token
    of a forced beginning, `undo`.
    """
    place = columns(story)
    lanes = {"source": 22.0, "ribbons": 58.0, "target": 178.0, "candidates": 246.0}
    floor = lanes["candidates"] + (ROWS + 1) * ROW + 10
    height = floor + (tree_height(story) if tree else 0.0)
    parts = [
        _now(story, place, lanes["target"] - 8, height),
        _caption(source_name, 12),
        _ribbons(story, place, lanes["ribbons"], lanes["target"] - 2),
        _sources(story, place, lanes["source"]),
        _targets(story, place, lanes["target"]),
        _caption("Candidates for each place: the model's own probability", lanes["candidates"] - 8),
        _candidates(story, place, lanes["candidates"], ends),
    ]
    if tree:
        parts.append(tree_lane(story, place, floor))
    title, seen = "Translation, step by step", _seen(story)
    # The tree's words are small: a phone scrolls them rather than shrinking them.
    return svg.document(place.width, height, parts, title, seen, least=1.0 if tree else None)


def chips(
    x: float, y: float, width: float, text: str, *, fill: str, opacity: float = 1.0, **more: object
) -> str:
    """A token in a rounded box, centred at `x`."""
    box = svg.tag(
        "rect",
        x=x - width / 2,
        y=y,
        width=width,
        height=28.0,
        rx=7.0,
        fill=fill,
        fill_opacity=opacity,
        stroke=more.pop("stroke", palette.LINE),
        stroke_dasharray=more.pop("dash", None),
    )
    word = svg.label(text, x, y + 18.5, size=13, mono=True, text_anchor="middle")
    return svg.tag("g", box + word, **more)


def _caption(text: str, y: float) -> str:
    return svg.label(text, 14, y, size=12, fill=palette.MUTED, keep=True)


def _now(story: Story, place: Columns, top: float, height: float) -> str:
    """A light behind the column whose token is being chosen."""
    if story.now is None:
        return ""
    return svg.tag(
        "rect",
        x=place.left(story.now) + 1,
        y=top,
        width=place.step - 2,
        height=height - top - 4,
        rx=8.0,
        fill=palette.GLOW,
        fill_opacity=0.45,
        keep=True,
    )


def _sources(story: Story, place: Columns, y: float) -> str:
    seen: dict[int, list[str]] = {}
    for t in range(story.shown):
        for s, _ in carried(story.weights[t]):
            seen.setdefault(s, []).append(f"t{t}")
    parts = []
    for s, (word, x) in enumerate(zip(story.source, place.sources, strict=True)):
        received = float(story.weights[: story.shown, s].mean()) if story.shown else 0.0
        parts.append(
            chips(
                x,
                y,
                svg.text_width(word, 13) + 18,
                word,
                fill=palette.ENCODER,
                opacity=0.14,
                data_id=f"s{s}",
                data_on=" ".join(seen.get(s, ())) or None,
                data_tip=f"{word}\nsource token {s + 1}\n"
                f"mean weight from the words written: {percent(received)}",
            )
        )
    return "".join(parts)


def _ribbons(story: Story, place: Columns, top: float, bottom: float) -> str:
    bands = []
    for t in range(story.shown):
        kept = carried(story.weights[t])
        x = place.centre(t) - THICK * sum(w for _, w in kept) / 2
        faint = story.now is not None and t != story.now
        for s, weight in kept:
            wide = max(1.0, THICK * weight)
            spread = (t / max(1, len(story.target) - 1) - 0.5) * 18
            start, end = place.sources[s] + spread, x + wide / 2
            x += wide
            bands.append(
                svg.tag(
                    "path",
                    d=_band(start, top - 7, end, bottom, wide),
                    fill_opacity=0.12 if faint else round(0.3 + 0.45 * weight, 2),
                    data_on=f"s{s} t{t}",
                    data_tip=f"{story.target[t]} attends to {story.source[s]}\n{percent(weight)}",
                )
            )
    return svg.tag("g", bands, fill=palette.CROSS)


def _band(x0: float, y0: float, x1: float, y1: float, wide: float) -> str:
    h, m = wide / 2, (y0 + y1) / 2
    return (
        f"M{x0 - h:.1f} {y0:.1f}C{x0 - h:.1f} {m:.1f} {x1 - h:.1f} {m:.1f} {x1 - h:.1f} {y1:.1f}"
        f"L{x1 + h:.1f} {y1:.1f}C{x1 + h:.1f} {m:.1f} {x0 + h:.1f} {m:.1f} {x0 + h:.1f} {y0:.1f}Z"
    )


def _targets(story: Story, place: Columns, y: float) -> str:
    parts = []
    for t in range(story.shown):
        word, share = story.target[t], float(story.scored.probabilities[t])
        given = t < story.forced
        lit = " ".join(f"s{s}" for s, _ in carried(story.weights[t]))
        tip = (
            f"{word}\ntoken {t + 1}, id {story.scored.ids[t]}\nprobability {percent(share)}, "
            f"rank {story.scored.rank[t]:,}\n"
            f"entropy {story.scored.entropy[t]:.2f} bits"
        )
        chip = chips(
            place.centre(t),
            y,
            min(place.step - 8, svg.text_width(word, 13) + 20),
            svg.shortened(word, place.step - 18, 13),
            fill=palette.PROBABILITY,
            opacity=0.06 + 0.5 * share,
            data_id=f"t{t}",
            data_act=_act(story, t, int(story.scored.ids[t]), ()),
            data_on=lit,
            data_tip=tip,
            dash="4 3" if given else None,
            stroke=palette.ACCENT if given else palette.LINE,
        )
        note = f"{percent(share)}, forced" if given else percent(share)
        below = svg.label(
            note,
            place.centre(t),
            y + 43,
            size=12,
            fill=palette.MUTED,
            text_anchor="middle",
            data_on=f"t{t}",
        )
        parts.append(chip + below)
    return "".join(parts)


def _candidates(story: Story, place: Columns, y: float, ends: Collection[int]) -> str:
    parts = []
    for t in range(story.shown):
        shares = story.scored.best_probabilities[t][:ROWS]
        ids = [int(i) for i in story.scored.best_ids[t][:ROWS]]
        chosen, share = int(story.scored.ids[t]), float(story.scored.probabilities[t])
        rows = list(zip(ids, shares.tolist(), range(1, ROWS + 1), strict=False))
        if chosen not in ids:
            rows[-1] = (chosen, share, int(story.scored.rank[t]))
        for index, (token, p, rank) in enumerate(rows):
            act = _act(story, t, token, ends)
            parts.append(_candidate(story, place, t, token, p, rank, y + index * ROW, act))
        rest = max(0.0, 1.0 - sum(p for _, p, _ in rows))
        parts.append(
            svg.label(
                f"other {percent(rest)}",
                place.left(t) + 8,
                y + len(rows) * ROW + 13,
                size=12,
                fill=palette.MUTED,
                data_on=f"t{t}",
            )
        )
    return "".join(parts)


def _act(story: Story, t: int, token: int, ends: Collection[int]) -> str | None:
    """What can be done with a candidate."""
    if token == int(story.scored.ids[t]):
        return "undo Undo" if t == story.forced - 1 else None
    return None if token in ends else f"write Continue with “{story.label(token)}”"


def _candidate(
    story: Story,
    place: Columns,
    t: int,
    token: int,
    share: float,
    rank: int,
    y: float,
    act: str | None,
) -> str:
    chosen = token == int(story.scored.ids[t])
    left, room = place.left(t) + 4, place.step - 8
    word, figure = story.label(token), percent(share)
    ground = svg.tag("rect", x=left, y=y, width=room, height=ROW - 3, rx=3.0, fill=palette.SURFACE)
    bar = svg.tag(
        "rect",
        x=left,
        y=y,
        width=max(1.5, room * share),
        height=ROW - 3,
        rx=3.0,
        fill=palette.CHOSEN if chosen else palette.BAR,
        fill_opacity=0.42 if chosen else 0.75,
    )
    name = svg.label(
        svg.shortened(word, room - 14 - svg.text_width(figure, 12, mono=False), 12),
        left + 5,
        y + 13,
        size=12,
        mono=True,
        font_weight=700 if chosen else 400,
    )
    value = svg.label(figure, left + room - 4, y + 13, size=12, text_anchor="end")
    forced = "forced" if t < story.forced else "chosen"
    what = f"\n{forced}" if chosen else "" if act else "\nends the text: nothing can follow it"
    return svg.tag(
        "g",
        ground + bar + name + value,
        data_id=f"c{t}.{token}",
        data_act=act,
        data_on=f"t{t}",
        data_name=word,
        data_tip=f"{word}\n{percent(share)}, rank {rank:,}, id {token}{what}",
    )


def _seen(story: Story) -> str:
    """The picture in words, for who cannot see it."""
    strongest = [
        f"{story.target[t]} attends most to {story.source[int(np.argmax(story.weights[t]))]}"
        for t in range(story.shown)
    ]
    total = float(story.scored.log[: story.shown].sum())
    return (
        f"{len(story.source)} source tokens, {story.shown} of {len(story.target)} target tokens. "
        f"{'; '.join(strongest[:40])}. Summed log-probability {number(total)}."
    )
