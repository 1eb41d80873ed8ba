"""Many runs of one setting: a tree of shared beginnings, and how often each first token came.

In: texts that differ in their run number alone. Out: SVG pictures, sentences, a table. Knows
nothing of Streamlit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from engine.decoding.generated import Generated, first_difference
from engine.decoding.next_token import Opened
from pages.decoding.words import Spell, percent, shown
from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width, visible

WIDTH, ROW, SIZE = 1080.0, 19.0, 12.5
DEEP = 12  # tokens that are drawn as boxes, at most
WIDEST = 92.0


@dataclass(frozen=True)
class Branch:
    """Runs that share their first `depth` tokens, in rows `first` .. `first + count - 1`."""

    depth: int
    first: int
    count: int
    text: str


def ordered(runs: Sequence[Generated]) -> list[Generated]:
    """Runs so that equal beginnings lie together, the commonest first at every token."""
    written = [one.ids for one in runs]
    shares = Counter(tuple(ids[:n]) for ids in written for n in range(1, min(len(ids), DEEP) + 1))

    def place(number: int) -> tuple[list[tuple[int, int]], int]:
        ids = written[number]
        steps = range(1, min(len(ids), DEEP) + 1)
        return [(-shares[tuple(ids[:n])], ids[n - 1]) for n in steps], number

    return [runs[number] for number in sorted(range(len(runs)), key=place)]


def branches(runs: Sequence[Generated]) -> list[Branch]:
    """Every shared beginning of at least two runs, and the first token alone of each single one.

    `runs` as `ordered` gives them.
    """
    found: list[Branch] = []

    def split(rows: range, depth: int) -> None:
        start = rows.start
        for row in [*rows, rows.stop]:
            if row < rows.stop and _token(runs[row], depth) == _token(runs[start], depth):
                continue
            count = row - start
            if _token(runs[start], depth) is not None and (count > 1 or depth == 0):
                found.append(Branch(depth + 1, start, count, runs[start].texts[depth]))
                if count > 1 and depth + 1 < DEEP:
                    split(range(start, row), depth + 1)
            start = row

    if runs:
        split(range(len(runs)), 0)
    return found


def _token(column: Generated, depth: int) -> int | None:
    tokens = column.tokens
    return tokens[depth].id if depth < len(tokens) else None


def tree(runs: Sequence[Generated], title: str) -> str:
    """Beginnings as boxes as high as the number of runs that share them, then each run's rest."""
    rows = ordered(runs)
    found = branches(rows)
    lefts = _lefts(found)
    parts = [_box(branch, lefts, len(rows)) for branch in found]
    for number, column in enumerate(rows):
        depth = max((b.depth for b in found if b.first <= number < b.first + b.count), default=0)
        parts.append(_rest(column, number, depth, lefts[depth]))
    return document(WIDTH, len(rows) * ROW + 8, parts, title, summary(runs))


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


def _rest(column: Generated, row: int, depth: int, x: float) -> str:
    text = visible("".join(column.texts[depth:]), limit=400).replace("·", " ")
    words = shortened(text, WIDTH - x - 12, SIZE, mono=False)
    return label(words, x + 6, row * ROW + 4 + ROW / 2 + 4.5, size=SIZE, fill=palette.MUTED)


# --- First tokens: how often they came, and how often they should -------------------------------


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def firsts(runs: Sequence[Generated], found: Opened, spell: Spell) -> str:
    """Bars of the first token: the probability that it was drawn with, and how often it came."""
    counts = Counter(one.ids[0] for one in runs if one.tokens)
    total = max(1, counts.total())
    after = dict(zip(found.ids.tolist(), found.after.tolist(), strict=True))
    listed = sorted(after, key=lambda i: (-counts[i], -after[i]))[:10]
    most = max([*(after[i] for i in listed), *(counts[i] / total for i in listed), 1e-9])
    parts = [
        tag("rect", x=8.0, y=6.0, width=12.0, height=9.0, rx=2, fill=palette.PROBABILITY),
        label("probability after filters", 26, 14, size=12, fill=palette.MUTED),
        tag("rect", x=188.0, y=6.0, width=12.0, height=9.0, rx=2, fill=palette.CHOSEN),
        label(f"frequency in {total} runs", 206, 14, size=12, fill=palette.MUTED),
    ]
    for row, token_id in enumerate(listed):
        y, share = 26 + row * 30.0, counts[token_id] / total
        name = shortened(shown(token_id, spell), 104, 13)
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
                        percent(after[token_id]), 126 + long, y + 11, size=12, fill=palette.MUTED
                    ),
                    label(_times(counts[token_id]), 126 + seen, y + 23, size=12),
                ],
                data_id=f"f{token_id}",
                data_tip=f"probability {percent(after[token_id])}: expected "
                f"{after[token_id] * total:.1f} of {total} runs\n"
                f"sampled {_times(counts[token_id])}",
            )  # fmt: skip
        )
    return document(400, 34 + 30.0 * len(listed), parts, "First tokens", first_words(runs, found))


def first_words(runs: Sequence[Generated], found: Opened) -> str:
    """How near the sampled frequencies are to the probabilities, in this picture's numbers."""
    counts = Counter(one.ids[0] for one in runs if one.tokens)
    total = counts.total()
    if not total:
        return ""
    after = dict(zip(found.ids.tolist(), found.after.tolist(), strict=True))
    off = fmean(abs(after.get(i, 0.0) - n / total) for i, n in counts.items())
    different = "1 first token" if len(counts) == 1 else f"{len(counts)} different first tokens"
    words = f"{different} in {total} {'run' if total == 1 else 'runs'}."
    if found.kept == 1:
        return f"{words} The setting leaves one token, so that every run begins with it."
    return (
        f"{words} Their frequency is {100 * off:.1f} percentage points off their probability on "
        "average; the more runs, the nearer."
    )


def summary(runs: Sequence[Generated]) -> str:
    """How diverse the runs are, for a beginner, in their own numbers."""
    texts = [one.ids for one in runs if one.tokens]
    if len(texts) < 2:
        return ""
    different = len({tuple(ids) for ids in texts})
    if different == 1:
        certain = not runs[0].line.samples
        return f"All {len(texts)} runs have the same text" + (
            ": this setting samples nothing." if certain else "."
        )
    shared = fmean(
        len(one) if (at := first_difference(one, other)) is None else at
        for one, other in combinations(texts, 2)
    )
    pairs = [pair for ids in texts for pair in zip(ids, ids[1:], strict=False)]
    distinct = (
        f" {100 * len(set(pairs)) / len(pairs):.0f} % of all bigrams are different."
        if pairs
        else ""
    )
    return (
        f"{different} of {len(texts)} texts are different. Two runs share their first {shared:.1f} "
        f"{'token' if f'{shared:.1f}' == '1.0' else 'tokens'} on average.{distinct}"
    )


def table(runs: Sequence[Generated]) -> dict[str, list[Any]]:
    """Each run's text and how often it came."""
    texts = ["".join(one.texts) for one in runs]
    counts = Counter(texts)
    return {
        "run": [column.line.run + 1 for column in runs],
        "text": texts,
        "count": [counts[text] for text in texts],
        "tokens": [len(column.tokens) for column in runs],
        "ids": [" ".join(map(str, column.ids)) for column in runs],
    }


def first_table(runs: Sequence[Generated], found: Opened, spell: Spell) -> dict[str, list[Any]]:
    """Each first token: how likely it was after the filters, and in what share of runs it came."""
    counts = Counter(one.ids[0] for one in runs if one.tokens)
    total = max(1, counts.total())
    ids = found.ids.tolist()
    return {
        "id": ids,
        "text": [spell(token_id) for token_id in ids],
        "after_filters": found.after.tolist(),
        "frequency": [counts[token_id] / total for token_id in ids],
    }
