"""How a word is cut, step by step: BPE's merges, WordPiece's longest match, Unigram's lattice.

In: a walk of `engine.subwords` and how many of its steps were made. Out: a picture in SVG and the
words beside it. `readable` turns a piece as stored (`Ġcat`, `Ã©`) into what a person reads; the
bytes of a character that is not complete yet show as bytes. Knows nothing of pages.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.subwords import Lattice, Longest, Merging, Walk
from engine.tokens import BYTES
from pages.views import palette
from pages.views.svg import document, label, tag, text_width, visible
from pages.views.tokens import hexadecimal

Readable = Callable[[str], str]

SIZE = 15.0
PAD = 12.0
ROW = 40.0
ROWS_SHOWN = 12
LANES_SHOWN = 14


def readable(writing: str) -> Readable:
    """How pieces of a way of writing (see `engine.tokens`) are read aloud."""
    if writing == "bytes":
        return _from_bytes
    return lambda piece: visible(piece.replace("▁", " ") if writing == "spaces" else piece)


def _from_bytes(piece: str) -> str:
    if any(letter not in BYTES for letter in piece):
        return visible(piece)
    data = bytes(BYTES[letter] for letter in piece)
    try:
        return visible(data.decode("utf-8"))
    except UnicodeDecodeError:
        return hexadecimal(data)


def steps(walk: Walk) -> int:
    """How many steps a walk has."""
    if isinstance(walk, Lattice):
        return len(walk.best) - 1
    return len(walk.steps)


def picture(walk: Walk, step: int, read: Readable) -> str:
    """The word after `step` steps."""
    if isinstance(walk, Merging):
        return _merging(walk, step, read)
    if isinstance(walk, Longest):
        return _longest(walk, step)
    return _lattice(walk, step, read)


def sentence(walk: Walk, step: int, read: Readable) -> str:
    """What this step does, with its own numbers, in plain text."""
    if isinstance(walk, Merging):
        return _merging_words(walk, step, read)
    if isinstance(walk, Longest):
        return _longest_words(walk, step)
    return _lattice_words(walk, step, read)


# ---------------------------------------------------------------------------- BPE


def _merging(walk: Merging, step: int, read: Readable) -> str:
    states = [s.parts for s in walk.steps[:step]] + [
        walk.steps[step].parts if step < len(walk.steps) else walk.pieces
    ]
    hidden = max(0, len(states) - ROWS_SHOWN)
    parts: list[str] = []
    widest = 0.0
    for line, pieces in enumerate(states[hidden:]):
        number = hidden + line
        merge = walk.steps[number] if number < step else None
        y = PAD + line * ROW
        name = "start" if number == 0 else f"after {number}"
        parts.append(label(name, PAD, y + 20, size=12, fill=palette.MUTED))
        x = PAD + 66
        for place, piece in enumerate(pieces):
            taken = merge is not None and place in (merge.at, merge.at + 1)
            made = number > 0 and place == walk.steps[number - 1].at
            drawn, wide = _part(read(piece), x, y, made=made, taken=taken, place=place)
            parts.append(drawn)
            x += wide + (2 if taken and merge and place == merge.at else 6)
        if merge is not None:
            text = f"merge no. {merge.rank + 1:,}"
            parts.append(label(text, x + 10, y + 20, size=12, fill=palette.MUTED))
            x += text_width(text, 12, mono=False) + 20
        widest = max(widest, x)
    rows = min(ROWS_SHOWN, len(walk.steps) + 1)
    title = f"BPE after {step} of {len(walk.steps)} merges: {len(states[-1])} parts"
    return document(max(widest + PAD, 360), PAD * 2 + rows * ROW, parts, title)


def _part(
    text: str, x: float, y: float, *, made: bool, taken: bool, place: int
) -> tuple[str, float]:
    """A box with a part of the word: `made` by the last merge, `taken` by the next."""
    wide = max(text_width(text, SIZE) + 14, 24.0)
    box = tag(
        "rect",
        x=x,
        y=y,
        width=wide,
        height=29.0,
        rx=6,
        fill=palette.GLOW if made else palette.chip(place),
        stroke=palette.ACCENT if taken or made else None,
        stroke_width=2 if taken or made else None,
        stroke_dasharray="4 3" if taken and not made else None,
    )
    return box + label(text, x + wide / 2, y + 20, size=SIZE, mono=True, text_anchor="middle"), wide


def _merging_words(walk: Merging, step: int, read: Readable) -> str:
    if walk.whole:
        return f"“{read(walk.pieces[0])}” is in the vocabulary as a whole, so nothing is merged."
    if not walk.steps:
        return f"No two neighbours of these {len(walk.start)} parts are in the list of merges."
    if step == 0:
        return (
            f"BPE starts from {len(walk.start)} smallest parts. It learnt its merges in an order, "
            "and makes them in that order."
        )
    merge = walk.steps[step - 1]
    left, right = (read(piece) for piece in merge.result)
    others = (
        "the only pair of neighbours that can be merged here"
        if merge.choices == 1
        else f"the one learnt first of the {merge.choices} pairs that can be merged here"
    )
    done = ""
    if step == len(walk.steps):
        count = len(walk.pieces)
        pieces = "one piece is left" if count == 1 else f"{count} pieces stay"
        done = f" No further pair can be merged: {pieces}."
    return f"“{left}” + “{right}” is merge no. {merge.rank + 1:,}, {others}.{done}"


# ---------------------------------------------------------------------------- WordPiece

CELL = 15.0


def _longest(walk: Longest, step: int) -> str:
    shown = walk.steps[: max(step, 0)]
    parts: list[str] = []
    y, widest = PAD, 360.0
    for number, match in enumerate(shown):
        parts.append(label(f"{number + 1}.", PAD, y + 16, size=12, fill=palette.MUTED))
        for tried in match.tried[:-1] if match.found else match.tried:
            y, widest = _candidate(parts, tried, match.at, y, widest, found=False)
        if match.found:
            y, widest = _candidate(parts, match.tried[-1], match.at, y, widest, found=True)
        y += 10
    tall = PAD * 2 + sum(24 * len(m.tried) + 10 for m in walk.steps)
    title = f"WordPiece after {step} of {len(walk.steps)} searches"
    return document(widest + PAD, max(tall, 60.0), parts, title)


def _candidate(
    parts: list[str], tried: str, at: int, y: float, widest: float, *, found: bool
) -> tuple[float, float]:
    """One candidate, under the letters where it would stand."""
    # The mark of a continuation hangs to the left, so that letters stay in their columns.
    mark = len(tried) - len(tried.lstrip("#")) if at else 0
    x = PAD + 56 + (at - mark) * CELL
    wide = len(tried) * CELL
    if found:
        parts.append(
            tag("rect", x=x - 4, y=y, width=wide + 8, height=22.0, rx=5, fill=palette.chip(at),
                stroke=palette.RIGHT, stroke_width=2)
        )  # fmt: skip
    for place, letter in enumerate(tried):
        fill = palette.INK if found else palette.MUTED
        middle = x + (place + 0.5) * CELL
        parts.append(
            label(visible(letter), middle, y + 16, size=SIZE, mono=True, fill=fill,
                  text_anchor="middle")
        )  # fmt: skip
    end = x + wide + 12
    if not found:
        parts.append(tag("line", x1=x, x2=x + wide, y1=y + 11, y2=y + 11, stroke=palette.CUT))
    note = "in the vocabulary" if found else "not in it"
    colour = palette.RIGHT if found else palette.MUTED
    parts.append(label(note, end, y + 16, size=11.5, fill=colour))
    return y + 24, max(widest, end + 110)


def _longest_words(walk: Longest, step: int) -> str:
    if walk.limit is not None:
        return (
            f"The word is longer than {walk.limit} characters, so it becomes one unknown token "
            "without being looked at."
        )
    if step == 0:
        return (
            "WordPiece looks from the left for the longest piece that its vocabulary has, takes "
            "it, and goes on behind it. ## means: this continues a word."
        )
    match = walk.steps[step - 1]
    if not match.found:
        return (
            f"None of {len(match.tried)} candidates fits, so the whole word becomes the unknown "
            f"token {walk.pieces[0]}."
        )
    missed = len(match.tried) - 1
    before = f" after {missed} longer ones that are not in the vocabulary" if missed else ""
    done = f" The word is used up: {len(walk.pieces)} pieces." if step == len(walk.steps) else ""
    if len(walk.pieces) == 1:
        done = " That is the whole word: one piece."
    return f"“{match.tried[-1]}” is taken{before}.{done}"


# ---------------------------------------------------------------------------- Unigram

COLUMN = 52.0


def _lattice(walk: Lattice, step: int, read: Readable) -> str:
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
            parts.append(label(text, x, 45, size=11, mono=True, fill=colour, text_anchor=anchor))
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
        _score(edge.score), middle, y + 26, size=10.5, mono=True, fill=palette.MUTED,
        text_anchor="middle",
    )  # fmt: skip
    kind = "" if edge.known else "\nnot in the vocabulary: the penalty for an unknown character"
    hint = f"{read(edge.piece)}\nscore {edge.score:.3f} (log of its probability){kind}"
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


def _lattice_words(walk: Lattice, step: int, read: Readable) -> str:
    size = len(walk.best) - 1
    if step == 0:
        return (
            f"{len(walk.edges)} pieces of the vocabulary fit somewhere in these {size} characters. "
            "Each has a score, the logarithm of its probability; the best sum wins."
        )
    edge = walk.edges[_best_edges(walk)[step]]
    text = (
        f"Character {step} is reached best by “{read(edge.piece)}”: "
        f"{_score(walk.best[edge.start])} and {_score(edge.score)} make {_score(walk.best[step])}."
    )
    if step == size:
        count = len(walk.path)
        text += f" The best way through has {count} piece{'s' if count != 1 else ''}."
    return text


def _score(value: float) -> str:
    return f"{value:.1f}".replace("-", "−") if value else "0"
