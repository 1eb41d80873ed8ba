"""Unigram's lattice as a picture: every piece that fits, its score, and the best way through.

In: a walk of `engine.tokenizers.subwords` and how many characters were looked at. Out: SVG and a
sentence.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.tokenizers.subwords import Lattice
from pages.pictures import palette
from pages.pictures.svg import document, label, tag

Readable = Callable[[str], str]

PAD = 12.0
LANES_SHOWN = 14
COLUMN = 52.0


def lattice(walk: Lattice, step: int, read: Readable) -> str:
    """All pieces that fit up to a place, and the best way there."""
    size = len(walk.best) - 1
    best = _best_edges(walk)
    on_path = set(walk.path) if step >= size else _path_to(walk, best, step)
    lanes = _lanes(walk)
    letters = _letters(walk)
    parts: list[str] = []
    for place in range(size + 1):
        x = PAD + place * COLUMN
        if place < size:
            middle = {"text_anchor": "middle"}
            parts.append(
                label(read(letters[place]), x + COLUMN / 2, 24, size=17, mono=True, **middle)
            )
        reached = place <= step
        colour = palette.ACCENT if place == step else palette.MUTED
        if reached:
            text = _score(walk.best[place])
            anchor = "start" if place == 0 else "end" if place == size else "middle"
            parts.append(label(text, x, 45, size=12, mono=True, fill=colour, text_anchor=anchor))
        parts.append(
            tag("line", x1=x, x2=x, y1=50.0, y2=56.0 + 34 * max(lanes.values(), default=0) + 30,
                stroke=palette.ACCENT if place == step else palette.LINE)
        )  # fmt: skip
    for index, edge in enumerate(walk.edges):
        if edge.start >= step or lanes[index] > LANES_SHOWN:
            continue
        parts.append(_edge(walk, index, lanes[index], read, chosen=index in on_path))
    tall = 70 + 34 * (min(max(lanes.values(), default=0), LANES_SHOWN) + 1)
    title = f"Unigram at character {step} of {size}: best sum {_score(walk.best[step])}"
    return document(max(PAD * 2 + size * COLUMN, 360.0), tall, parts, title)


def _edge(walk: Lattice, index: int, lane: int, read: Readable, *, chosen: bool) -> str:
    edge = walk.edges[index]
    x, y = PAD + edge.start * COLUMN + 2, 58 + lane * 34
    wide = (edge.end - edge.start) * COLUMN - 4
    box = tag(
        "rect",
        x=x,
        y=float(y),
        width=wide,
        height=30.0,
        rx=5,
        fill=palette.chip(edge.start) if chosen else palette.SURFACE,
        stroke=palette.ACCENT if chosen else palette.LINE,
        stroke_width=2 if chosen else 1,
        stroke_dasharray=None if edge.known else "4 3",
    )
    middle = x + wide / 2
    name = label(
        read(edge.piece), middle, y + 14, size=12, mono=True, text_anchor="middle"
    ) + label(
        _score(edge.score), middle, y + 26, size=12, mono=True, fill=palette.MUTED,
        text_anchor="middle",
    )  # fmt: skip
    kind = "" if edge.known else "\nnot in the vocabulary: the penalty of an unknown character"
    hint = f"{read(edge.piece)}\nscore {edge.score:.3f} (log-probability){kind}"
    return tag("g", box + name, data_id=f"e{index}", data_tip=hint)


def _letters(walk: Lattice) -> list[str]:
    found = [""] * (len(walk.best) - 1)
    for edge in walk.edges:
        found[edge.start] = edge.piece[0]
    return found


def _lanes(walk: Lattice) -> dict[int, int]:
    """A row for each edge so that none overlap; the shortest stand on top."""
    lanes: dict[int, int] = {}
    used: list[list[tuple[int, int]]] = []
    order = sorted(
        range(len(walk.edges)),
        key=lambda i: (walk.edges[i].end - walk.edges[i].start, walk.edges[i].start),
    )
    for index in order:
        edge = walk.edges[index]
        free = (
            lane
            for lane, taken in enumerate(used)
            if all(edge.end <= a or b <= edge.start for a, b in taken)
        )
        lane = next(free, len(used))
        if lane == len(used):
            used.append([])
        used[lane].append((edge.start, edge.end))
        lanes[index] = lane
    return lanes


def _best_edges(walk: Lattice) -> dict[int, int]:
    """The edge by which each place is reached best."""
    found: dict[int, int] = {}
    reached: dict[int, float] = {}
    for index, edge in enumerate(walk.edges):
        total = walk.best[edge.start] + edge.score
        if edge.end not in found or total > reached[edge.end]:
            found[edge.end], reached[edge.end] = index, total
    return found


def _path_to(walk: Lattice, best: dict[int, int], place: int) -> set[int]:
    """The edges of the best way to a place."""
    path: set[int] = set()
    while place > 0:
        path.add(best[place])
        place = walk.edges[best[place]].start
    return path


def lattice_words(walk: Lattice, step: int, read: Readable) -> str:
    """How the place is reached best, in plain text."""
    size = len(walk.best) - 1
    if step == 0:
        return (
            f"{len(walk.edges)} tokens match somewhere in these {size} characters. Each has a "
            "score, its log-probability; the path with the highest sum wins."
        )
    edge = walk.edges[_best_edges(walk)[step]]
    text = (
        f"The best path to character {step} ends with “{read(edge.piece)}”: "
        f"{_score(walk.best[edge.start])} + ({_score(edge.score)}) = {_score(walk.best[step])}."
    )
    if step == size:
        count = len(walk.path)
        text += f" The best path has {count} token{'s' if count != 1 else ''}."
    return text


def _score(value: float) -> str:
    return f"{value:.1f}".replace("-", "−") if value else "0"
