"""How a word is cut, step by step: BPE's merges, WordPiece's longest match, Unigram's lattice.

In: a walk of `engine.tokenizers.subwords` and how many of its steps were made. Out: a picture in
SVG and the words beside it. `readable` turns a piece as stored (`Ġcat`, `Ã©`) into what a person
reads; the bytes of a character that is not complete yet show as bytes. Knows nothing of pages.
"""

from __future__ import annotations

from engine.tokenizers.reader import BYTES
from engine.tokenizers.subwords import Lattice, Longest, Merging, Walk
from pages.pictures import palette
from pages.pictures.svg import document, label, tag, text_width, visible
from pages.pictures.tokens import hexadecimal
from pages.tokenization.steps.lattice import Readable, lattice, lattice_words

SIZE = 15.0
PAD = 12.0
ROW = 40.0
ROWS_SHOWN = 12


def readable(writing: str) -> Readable:
    """How pieces of a way of writing (see `engine.tokenizers.tokens`) are read aloud."""
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
    return lattice(walk, step, read)


def sentence(walk: Walk, step: int, read: Readable) -> str:
    """What this step does, with its own numbers, in plain text."""
    if isinstance(walk, Merging):
        return _merging_words(walk, step, read)
    if isinstance(walk, Longest):
        return _longest_words(walk, step)
    return lattice_words(walk, step, read)


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
        return f"“{read(walk.pieces[0])}” is in the vocabulary as a whole: nothing is merged."
    if not walk.steps:
        return f"No two adjacent parts of these {len(walk.start)} are in the list of merges."
    if step == 0:
        return (
            f"BPE starts from {len(walk.start)} smallest parts and applies its merges in the "
            "order in which they were learned."
        )
    merge = walk.steps[step - 1]
    left, right = (read(piece) for piece in merge.result)
    others = (
        "the only adjacent pair that can be merged here"
        if merge.choices == 1
        else f"learned first of the {merge.choices} pairs that can be merged here"
    )
    done = ""
    if step == len(walk.steps):
        count = len(walk.pieces)
        pieces = "one token is left" if count == 1 else f"{count} tokens remain"
        done = f" No further pair can be merged: {pieces}."
    return f"“{left}” + “{right}” is merge no. {merge.rank + 1:,}: {others}.{done}"


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
    note = "in the vocabulary" if found else "not in the vocabulary"
    colour = palette.RIGHT if found else palette.MUTED
    parts.append(label(note, end, y + 16, size=12, fill=colour))
    return y + 24, max(widest, end + 140)


def _longest_words(walk: Longest, step: int) -> str:
    if walk.limit is not None:
        return (
            f"The word is longer than {walk.limit} characters, so it becomes one unknown word "
            f"({walk.pieces[0]}) without a search."
        )
    if step == 0:
        return (
            "From the left, WordPiece takes the longest token of its vocabulary that matches, then "
            "continues after it. The prefix ## marks a token that continues a word."
        )
    match = walk.steps[step - 1]
    if not match.found:
        return (
            f"None of {len(match.tried)} candidates is in the vocabulary, so the whole word "
            f"becomes the unknown word {walk.pieces[0]}."
        )
    missed = len(match.tried) - 1
    longer = f"{missed} longer candidate{'s are' if missed > 1 else ' is'} not in the vocabulary"
    before = f": {longer}" if missed else ""
    done = f" The word is complete: {len(walk.pieces)} tokens." if step == len(walk.steps) else ""
    if len(walk.pieces) == 1:
        done = " This is the whole word: one token."
    return f"The longest match is “{match.tried[-1]}”{before}.{done}"
