"""Two rankings of the same passages side by side, each passage joined with itself.

In: rankings and texts. Out: SVG in a wide and a narrow form; a passage has the id `p3` in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.space.retrieval import InCommon, Ranking
from pages.pictures import palette
from pages.pictures.svg import document, label, shortened, tag, text_width
from pages.pictures.widths import either

WIDTH, NARROW, ROW, TOP = 960.0, 350.0, 44.0, 40.0
COLUMN, GAP, SIZE = 410.0, 140.0, 13.0
BAR = 92.0
TITLE = "Passages ranked by vectors and by words in common"


@dataclass(frozen=True)
class Scene:
    """What is drawn; `before` is the ranking by vectors of the whole query, where words are out."""

    passages: Sequence[str]
    vectors: Ranking
    words: InCommon
    answers: int | None = None
    before: Ranking | None = None


def rankings(scene: Scene) -> str:
    """The picture in both widths."""
    return either(wide(scene), _narrow(scene))


def wide(scene: Scene) -> str:
    """Both rankings with a curve from each passage to itself."""
    by_words, right = scene.words.ranking, COLUMN + GAP
    parts = [
        *_head("By vectors: cosine", 0.0),
        *_head("By words in common: BM25", right),
    ]
    for passage in range(len(scene.passages)):
        here, there = scene.vectors.rank(passage), by_words.rank(passage)
        y, other = (TOP + (rank - 0.5) * ROW - 2 for rank in (here, there))
        middle = COLUMN + GAP / 2
        path = f"M{COLUMN},{y:.1f} C{middle},{y:.1f} {middle},{other:.1f} {right},{other:.1f}"
        colour = palette.RIGHT if passage == scene.answers else palette.LINE
        thick = 3 if passage == scene.answers else 1.5
        parts.append(
            tag("path", d=path, fill="none", stroke=colour, stroke_width=thick,
                data_on=f"p{passage}")
        )  # fmt: skip
        parts.append(_row(scene, passage, here, 0.0, COLUMN, scene.vectors, _moved(scene, passage)))
        parts.append(_row(scene, passage, there, right, COLUMN, by_words, ""))
    height = TOP + ROW * len(scene.passages) + 4
    return document(WIDTH, height, parts, TITLE, _description(scene))


def _narrow(scene: Scene) -> str:
    """The ranking by vectors; the other rank stands beside each."""
    parts = [*_head("By vectors (rank by words beside)", 0.0)]
    for passage in range(len(scene.passages)):
        there = scene.words.ranking.rank(passage)
        note = f"by words {there}"
        moved = _moved(scene, passage)
        rank = scene.vectors.rank(passage)
        parts.append(
            _row(scene, passage, rank, 0.0, NARROW, scene.vectors, f"{moved}, {note}".strip(", "))
        )
    return document(NARROW, TOP + ROW * len(scene.passages) + 4, parts, TITLE, _description(scene))


def _head(text: str, x: float) -> list[str]:
    return [label(text, x + 6, 20, size=14, font_weight=600)]


def _row(
    scene: Scene, passage: int, rank: int, x: float, width: float, ranking: Ranking, note: str
) -> str:
    y = TOP + (rank - 1) * ROW
    text, score = scene.passages[passage], float(ranking.scores[passage])
    most = float(abs(ranking.scores).max(initial=0)) or 1.0
    answer = passage == scene.answers
    room = width - 40
    first, second = wrapped(text, room, SIZE)
    bar = BAR * min(abs(score) / most, 1.0)
    at = x + width - BAR - 50
    colour = palette.KEPT if score >= 0 else palette.NEGATIVE
    parts = [
        tag("rect", x=x, y=y, width=width, height=ROW - 4, rx=5, fill=palette.SURFACE,
            stroke=palette.RIGHT if answer else "none", stroke_width=2),
        label(str(rank), x + 22, y + 25, size=16, text_anchor="end", font_weight=600),
        label(first, x + 34, y + 16, size=SIZE),
    ]  # fmt: skip
    noted = text_width(note, 12, mono=False) + 12 if note else 0.0
    if second:
        shown = shortened(second, at - x - 40 - noted, SIZE, mono=False)
        parts.append(label(shown, x + 34, y + 33, size=SIZE))
    if note:
        parts.append(label(note, at - 8, y + 33, size=12, fill=palette.MUTED, text_anchor="end"))
    parts += [
        tag("rect", x=at, y=y + 25, width=bar, height=8.0, rx=2, fill=colour),
        label(f"{score:.2f}", x + width - 8, y + 33, size=12, text_anchor="end"),
    ]
    tip = [text, f"cosine {scene.vectors.scores[passage]:.3f}, rank {scene.vectors.rank(passage)}"]
    tip.append(
        f"BM25 {scene.words.ranking.scores[passage]:.3f}, rank {scene.words.ranking.rank(passage)}"
    )
    shares = scene.words.shares[:, passage]
    held = [
        f"{word} {share:.2f}"
        for word, share in zip(scene.words.words, shares, strict=True)
        if share
    ]
    tip.append(f"Words in common: {', '.join(held[:8])}" if held else "No word in common")
    if moved := _moved(scene, passage):
        tip.append(f"Rank by vectors with the whole query: {moved.removeprefix('was ')}")
    if answer:
        tip.append("It answers the query.")
    return tag("g", parts, data_id=f"p{passage}", data_name=text[:60], data_tip="\n".join(tip))


def wrapped(text: str, width: float, size: float) -> tuple[str, str]:
    """The words that fit into a first line of `width` pixels, and the rest.

    >>> wrapped("one two", 30, 13)
    ('one', 'two')
    """
    flat = " ".join(text.split())
    if text_width(flat, size, mono=False) <= width:
        return flat, ""
    words = flat.split(" ")
    count = 1
    while text_width(" ".join(words[: count + 1]), size, mono=False) <= width:
        count += 1
    first = " ".join(words[:count])
    if text_width(first, size, mono=False) > width:  # one endless word
        first = shortened(first, width, size, mono=False)
    return first, " ".join(words[count:])


def _moved(scene: Scene, passage: int) -> str:
    """How a passage's rank changed by what was left out of the query."""
    if scene.before is None:
        return ""
    before, now = scene.before.rank(passage), scene.vectors.rank(passage)
    return "" if before == now else f"was {before}"


def _description(scene: Scene) -> str:
    first = scene.passages[int(scene.vectors.order[0])]
    by_words = scene.words.ranking
    if not by_words.scores.any():
        return f"First by vectors: {first} No passage shares a word with the query."
    other = scene.passages[int(by_words.order[0])]
    return f"First by vectors: {first} First by words in common: {other}"
