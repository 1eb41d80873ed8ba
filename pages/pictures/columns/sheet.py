"""Columns of generated text: what the component shows, and the same in words and as a table.

In: texts as they are by now (`engine.decoding.generated`), what they are called, how to spell a
token. Out: the component's data (plain lists, small enough to be sent ten times a second), a
sentence on what one sees, a table of every token. Knows nothing of Streamlit, models and jobs.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cachetools import LRUCache

from engine.decoding.choosing import Written
from engine.decoding.generated import Generated, Statistics, first_difference, statistics
from pages.pictures import palette
from pages.pictures.columns.words import Spell, title
from pages.pictures.svg import visible

ENDS = {
    "": "",
    "end": "■ End-of-text token.",
    "limit": "Length limit reached.",
    "window": "Context window full.",
    "stop": "Stop text reached.",
}
TAIL = 40  # characters of the prompt repeated at the head of each column
TOP = 3  # candidates in a tooltip
KEPT = 8192  # tokens of which it is remembered how they are shown


@dataclass(frozen=True)
class Sheet:
    """All columns side by side: `chosen` is the one compared with.

    `held` is the place in it that is looked at. `room` says whether one more column may be added,
    `idle` what stands in a column that nobody writes. `named` are the columns' titles where they
    are not those of their settings.
    """

    columns: tuple[Generated, ...]
    prompt: str
    spell: Spell
    chosen: int = 0
    held: int | None = None
    tint: str = "probability"
    idle: str = ""
    height: int = 190
    room: bool = False
    named: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The columns' titles."""
        if self.named:
            return list(self.named)
        return [title(column.line, self.spell) for column in self.columns]

    @property
    def at(self) -> str:
        """The place that is looked at, as links write it: `c2 t14`."""
        return f"c{self.chosen + 1}" + (f" t{self.held + 1}" if self.held is not None else "")


def payload(sheet: Sheet) -> dict[str, Any]:
    """What `assets/components/columns.js` is given."""
    reference = sheet.columns[sheet.chosen].ids if sheet.columns else []
    whole = not any(column.writing for column in sheet.columns)
    names = sheet.names
    columns = [
        _column(sheet, names[i], column, reference if i != sheet.chosen else None, whole)
        for i, column in enumerate(sheet.columns)
    ]
    differ = any(column["d"] >= 0 for column in columns)
    return {
        "columns": columns,
        "prompt": tail(sheet.prompt),
        "tint": sheet.tint,
        "height": sheet.height,
        "hues": [palette.hexadecimal(colour) for colour in palette.CATEGORIES],
        "chosen": sheet.chosen,
        "mark": f"▾ first difference from column {sheet.chosen + 1}" if differ else "",
        "room": sheet.room,
    }


def _column(
    sheet: Sheet, name: str, column: Generated, reference: list[int] | None, whole: bool
) -> dict[str, Any]:
    """One column as short lists; keys are one letter, as they are sent again and again.

    What only a tooltip shows (probability after the filters, tokens kept, top tokens, names) comes
    when all columns are done: it is most of the bytes.
    """
    tokens = column.tokens
    in_tips = tokens if whole else ()
    brief = list(map(_brief, tokens))
    entropies = [entropy for _, _, entropy in brief]
    differs = None if reference is None else first_difference(column.ids, reference)
    stopped = bool(tokens) and not column.writing
    return {
        "name": name,
        "t": list(column.texts),
        "v": list(map(_visible, column.texts)) if whole else [],
        "p": [probability for probability, _, _ in brief],
        "a": [after for _, after, _ in brief] if whole else [],
        "k": [token.kept for token in in_tips],
        "r": [token.rank for token in tokens],
        "b": [_top(token, sheet.spell) for token in in_tips],
        "d": -1 if differs is None else differs,
        "f": [place for place, token in enumerate(tokens) if token.forced],
        "w": column.writing,
        "end": ENDS[column.end] or ("Stopped." if stopped else ""),
        "idle": _idle(column, sheet.idle),
        "h": entropies,
        "peak": max([8.0, *entropies]),
        "s": figures(statistics(column)) if whole and tokens else [],
    }


def _idle(column: Generated, idle: str) -> str:
    if not column.writing:
        return idle
    beams = column.line.beams
    return f"beam search: {beams} hypotheses …" if beams else "generating …"


@lru_cache(maxsize=KEPT)
def _brief(token: Written) -> tuple[float, float, float]:
    """Probabilities before and after the filters, and entropy.

    Rounded once, as the tokens are sent again with every look.
    """
    return _short(token.probability), _short(token.after), round(token.entropy, 1)


def _top(token: Written, spell: Spell) -> list[str | float]:
    """The likeliest tokens at a place, texts and probabilities in turn; spelt once a token."""
    with _guard:
        if token in _tops:
            return _tops[token]
    ids, shares = token.best[:TOP].tolist(), token.best_probability.tolist()
    pairs = [(_visible(spell(i)), _short(p)) for i, p in zip(ids, shares, strict=False)]
    found: list[str | float] = [part for pair in pairs for part in pair]
    with _guard:
        _tops[token] = found
    return found


_tops: LRUCache[Written, list[str | float]] = LRUCache(KEPT)
_guard = threading.Lock()
_visible = lru_cache(maxsize=KEPT)(visible)


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def figures(found: Statistics) -> list[tuple[str, str, str]]:
    """A column's figures: label, value, and what it means, the most telling first."""
    speed = 1000 / found.milliseconds if found.milliseconds else 0.0
    rows: list[tuple[str, str, str] | None] = [
        (
            "perplexity",
            f"{found.perplexity:.1f}",
            "exp of the mean −log p: as if so many tokens had been equally likely each time.",
        ),
        _share("repeated 4-grams", found.repeated, "Four-token sequences that occurred before."),
        (
            "mean entropy",
            f"{found.entropy:.1f} bits",
            "Uncertainty before each token: 0 is certain, 10 bits are 1,024 equal choices.",
        ),
        _share("distinct bigrams", found.distinct, "Share of different pairs of neighbors."),
        (
            "mean log p",
            f"{-found.surprisal:.2f}".replace("-", "−"),
            "Mean natural logarithm of the model probabilities; nearer 0 is likelier.",
        ),
        ("tokens", f"{found.length}", "New tokens, without the prompt."),
        ("tokens per s", f"{speed:.0f}", "Of this column, all being generated in one batch."),
        ("ms per token", f"{found.milliseconds:.1f}", "From one token to the next."),
    ]
    return [row for row in rows if row is not None]


def _share(name: str, share: float | None, why: str) -> tuple[str, str, str] | None:
    return None if share is None else (name, f"{100 * share:.0f} %", why)


def tail(prompt: str) -> str:
    """The end of the prompt, from a word's beginning."""
    if len(prompt) <= TAIL:
        return prompt
    cut = prompt[-TAIL:]
    head, space, rest = cut.partition(" ")
    return "…" + (space + rest if space and len(rest) > TAIL // 3 else cut)


def table(sheet: Sheet) -> dict[str, list[Any]]:
    """Every token of every column, one row each."""
    rows = [
        {
            "column": number + 1,
            "setting": name,
            "position": place + 1,
            "id": token.id,
            "text": column.texts[place],
            "probability": token.probability,
            "after_filters": token.after,
            "rank": token.rank,
            "kept": token.kept,
            "entropy_bits": token.entropy,
            "forced": token.forced,
            "milliseconds": 1000 * column.seconds[place],
        }
        for number, (column, name) in enumerate(zip(sheet.columns, sheet.names, strict=True))
        for place, token in enumerate(column.tokens)
    ]
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def summary(sheet: Sheet) -> str:
    """What one sees in these columns, in their own numbers, for a beginner."""
    full = [(i, c) for i, c in enumerate(sheet.columns) if c.tokens]
    if not full:
        return ""
    found = {i: statistics(c) for i, c in full}
    words = [_differences(sheet, full)]
    dull = max(found, key=lambda i: found[i].repeated or 0.0)
    share = found[dull].repeated or 0.0
    if share >= 0.15:
        words.append(
            f"Column {dull + 1} ({sheet.names[dull]}) repeats itself: "
            f"{100 * share:.0f} % of its 4-grams occurred before."
        )
    high = max(found, key=lambda i: found[i].perplexity)
    low = min(found, key=lambda i: found[i].perplexity)
    if round(found[high].perplexity, 1) > round(found[low].perplexity, 1):
        words.append(
            f"Perplexity is highest in column {high + 1} ({found[high].perplexity:.1f}) and lowest "
            f"in column {low + 1} ({found[low].perplexity:.1f})."
        )
    return " ".join(filter(None, words))


def _differences(sheet: Sheet, full: Sequence[tuple[int, Generated]]) -> str:
    """Where the columns leave the chosen one."""
    reference, chosen = sheet.columns[sheet.chosen].ids, sheet.chosen + 1
    differ = sorted(
        (at + 1, i)
        for i, column in full
        if i != sheet.chosen and (at := first_difference(column.ids, reference)) is not None
    )
    if not differ:
        if len(full) < 2:
            return ""
        same = len({tuple(column.ids) for _, column in full}) == 1
        return (
            "All columns have the same text."
            if same
            else f"No column differs from column {chosen} as far as both go."
        )
    (first, early), (last, late) = differ[0], differ[-1]
    if len(differ) == 1:
        return f"Column {early + 1} differs from column {chosen} from token {first} on."
    if first == last:
        *others, other = sorted(str(i + 1) for _, i in differ)
        return (
            f"Columns {', '.join(others)} and {other} differ from column {chosen} "
            f"from token {first} on."
        )
    return (
        f"Column {early + 1} differs from column {chosen} from token {first} on, "
        f"column {late + 1} only from token {last} on."
    )
