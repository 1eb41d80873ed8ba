"""Many runs of one setting: a tree of shared beginnings, and how often each first token came.

In: columns that differ in their run number alone. Out: SVG pictures, sentences, a table. Knows
nothing of Streamlit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from engine.decoding.next_token import Opened
from engine.decoding.writing import Column, parting
from pages.decoding.next_token.bars import percent
from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width, visible

WIDTH, ROW, SIZE = 1080.0, 19.0, 12.5
DEEP = 12  # tokens that are drawn as boxes, at most
WIDEST = 92.0
Spell = Callable[[int], str]


@dataclass(frozen=True)
class Branch:
    """Runs that share their first `depth` tokens, in rows `first` .. `first + count - 1`."""

    depth: int
    first: int
    count: int
    text: str


def ordered(columns: Sequence[Column]) -> list[Column]:
    """Runs so that equal beginnings lie together, the commonest first at every token."""
    written = [column.ids for column in columns]
    shares = Counter(tuple(ids[:n]) for ids in written for n in range(1, min(len(ids), DEEP) + 1))

    def place(number: int) -> tuple[list[tuple[int, int]], int]:
        ids = written[number]
        steps = range(1, min(len(ids), DEEP) + 1)
        return [(-shares[tuple(ids[:n])], ids[n - 1]) for n in steps], number

    return [columns[number] for number in sorted(range(len(columns)), key=place)]


def branches(columns: Sequence[Column]) -> list[Branch]:
    """Every shared beginning of at least two runs, and the first token alone of each single one.

    `columns` as `ordered` gives them.
    """
    found: list[Branch] = []

    def split(rows: range, depth: int) -> None:
        start = rows.start
        for row in [*rows, rows.stop]:
            if row < rows.stop and _token(columns[row], depth) == _token(columns[start], depth):
                continue
            count = row - start
            if _token(columns[start], depth) is not None and (count > 1 or depth == 0):
                found.append(Branch(depth + 1, start, count, columns[start].texts[depth]))
                if count > 1 and depth + 1 < DEEP:
                    split(range(start, row), depth + 1)
            start = row

    if columns:
        split(range(len(columns)), 0)
    return found


def _token(column: Column, depth: int) -> int | None:
    tokens = column.tokens
    return tokens[depth].id if depth < len(tokens) else None


def tree(columns: Sequence[Column], title: str) -> str:
    """Beginnings as boxes as high as the number of runs that share them, then each run's rest."""
    rows = ordered(columns)
    found = branches(rows)
    lefts = _lefts(found)
    parts = [_box(branch, lefts, len(rows)) for branch in found]
    for number, column in enumerate(rows):
        depth = max((b.depth for b in found if b.first <= number < b.first + b.count), default=0)
        parts.append(_rest(column, number, depth, lefts[depth]))
    return document(WIDTH, len(rows) * ROW + 8, parts, title, summary(columns))


def _lefts(found: Sequence[Branch]) -> list[float]:
    """Where the boxes of each depth begin: every depth is as wide as its longest text."""
    lefts = [0.0]
    for depth in range(1, DEEP + 1):
        texts = [_name(branch) for branch in found if branch.depth == depth]
        wide = max((text_width(text, SIZE, mono=False) + 12 for text in texts), default=0.0)
        lefts.append(lefts[-1] + min(wide, WIDEST + 30))
    return lefts


def _name(branch: Branch) -> str:
    times = f"  ×{branch.count}" if branch.count > 1 else ""
    return shortened(visible(branch.text), WIDEST, SIZE, mono=False) + times


def _box(branch: Branch, lefts: Sequence[float], runs: int) -> str:
    x, wide = lefts[branch.depth - 1], lefts[branch.depth] - lefts[branch.depth - 1]
    y, high = branch.first * ROW + 4, branch.count * ROW
    box = tag(
        "rect",
        x=x + 1,
        y=y + 1,
        width=max(4.0, wide - 2),
        height=high - 2,
        rx=4,
        fill=palette.PROBABILITY,
        fill_opacity=0.08 + 0.4 * branch.count / runs,
        stroke=palette.LINE,
    )
    words = label(_name(branch), x + 6, y + high / 2 + 4.5, size=SIZE)
    share = percent(branch.count / runs)
    tip = f"{visible(branch.text)}\ntoken {branch.depth}\n{branch.count} of {runs} runs ({share})"
    name = f"b{branch.depth}r{branch.first}"
    return tag("g", [box, words], data_id=name, data_tip=tip)


def _rest(column: Column, row: int, depth: int, x: float) -> str:
    text = visible("".join(column.texts[depth:]), limit=400).replace("·", " ")
    words = shortened(text, WIDTH - x - 12, SIZE, mono=False)
    return label(words, x + 6, row * ROW + 4 + ROW / 2 + 4.5, size=SIZE, fill=palette.MUTED)


# --- First tokens: how often they came, and how often they should -------------------------------


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def firsts(columns: Sequence[Column], found: Opened, spell: Spell) -> str:
    """Bars of the first token: the probability that it was drawn with, and how often it came."""
    counts = Counter(column.ids[0] for column in columns if column.tokens)
    runs = max(1, counts.total())
    after = dict(zip(found.ids.tolist(), found.after.tolist(), strict=True))
    shown = sorted(after, key=lambda i: (-counts[i], -after[i]))[:10]
    most = max([*(after[i] for i in shown), *(counts[i] / runs for i in shown), 1e-9])
    parts = [
        tag("rect", x=8.0, y=6.0, width=12.0, height=9.0, rx=2, fill=palette.PROBABILITY),
        label("expected", 26, 14, size=12, fill=palette.MUTED),
        tag("rect", x=112.0, y=6.0, width=12.0, height=9.0, rx=2, fill=palette.CHOSEN),
        label(f"came, of {runs} runs", 130, 14, size=12, fill=palette.MUTED),
    ]
    for row, token_id in enumerate(shown):
        y, share = 26 + row * 30.0, counts[token_id] / runs
        name = shortened(visible(spell(token_id)) or f"<{token_id}>", 104, 13)
        long, seen = 190 * after[token_id] / most, 190 * share / most
        parts.append(
            tag(
                "g",
                [
                    label(name, 8, y + 18, size=13, mono=True),
                    tag(
                        "rect",
                        x=118.0,
                        y=y + 3,
                        width=max(1.0, long),
                        height=9.0,
                        rx=2,
                        fill=palette.PROBABILITY,
                    ),
                    tag(
                        "rect",
                        x=118.0,
                        y=y + 14,
                        width=max(1.0, seen),
                        height=9.0,
                        rx=2,
                        fill=palette.CHOSEN,
                    ),
                    label(
                        percent(after[token_id]), 126 + long, y + 11, size=11, fill=palette.MUTED
                    ),
                    label(_times(counts[token_id]), 126 + seen, y + 23, size=11),
                ],
                data_id=f"f{token_id}",
                data_tip=f"expected {percent(after[token_id])}: {after[token_id] * runs:.1f} of "
                f"{runs} runs\ncame {_times(counts[token_id])}",
            )  # fmt: skip
        )
    return document(400, 34 + 30.0 * len(shown), parts, "First tokens", first_words(columns, found))


def first_words(columns: Sequence[Column], found: Opened) -> str:
    """Whether chance did what it should, in this picture's numbers."""
    counts = Counter(column.ids[0] for column in columns if column.tokens)
    runs = counts.total()
    if not runs:
        return ""
    after = dict(zip(found.ids.tolist(), found.after.tolist(), strict=True))
    off = fmean(abs(after.get(i, 0.0) - n / runs) for i, n in counts.items())
    return (
        f"{len(counts)} different first tokens in {runs} runs. On average their share is "
        f"{100 * off:.1f} points off the probability they are drawn with: more runs, nearer."
    )


def summary(columns: Sequence[Column]) -> str:
    """How diverse the runs are, for a beginner, in their own numbers."""
    texts = [column.ids for column in columns if column.tokens]
    if len(texts) < 2:
        return ""
    different = len({tuple(ids) for ids in texts})
    if different == 1:
        return (
            f"All {len(texts)} runs wrote the same text: with this setting nothing is left to "
            "chance."
        )
    shared = fmean(
        len(one) if (at := parting(one, other)) is None else at
        for one, other in combinations(texts, 2)
    )
    pairs = [pair for ids in texts for pair in zip(ids, ids[1:], strict=False)]
    distinct = (
        f" {100 * len(set(pairs)) / len(pairs):.0f} % of all neighbouring pairs are different."
    )
    return (
        f"{different} of {len(texts)} texts are different. Two runs share {shared:.1f} tokens on "
        f"average before they part.{distinct if pairs else ''}"
    )


def table(columns: Sequence[Column]) -> dict[str, list[Any]]:
    """Each run's text, how often it came, its surprise."""
    texts = ["".join(column.texts) for column in columns]
    counts = Counter(texts)
    return {
        "run": [column.line.run + 1 for column in columns],
        "text": texts,
        "came": [counts[text] for text in texts],
        "tokens": [len(column.tokens) for column in columns],
        "ids": [" ".join(map(str, column.ids)) for column in columns],
    }
