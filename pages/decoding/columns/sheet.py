"""Columns of text being written: what the component shows, and the same as words and a table.

In: columns of `engine.decoding.writing`, what they are called, how to spell a token. Out: the
component's data (plain lists, small enough to be sent eight times a second), a sentence on what one
sees, a table of every token. Knows nothing of Streamlit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from engine.decoding.writing import Column, Statistics, parting, statistics
from pages.pictures import palette

ENDS = {
    "": "",
    "end": "■ The model ended the text.",
    "limit": "Limit reached.",
    "window": "The model's positions are used up.",
    "stop": "The stop text came.",
}
TAIL = 40  # characters of the prompt repeated at the head of each column
PREFERRED = 3


@dataclass(frozen=True)
class Sheet:
    """All columns side by side: `names` are their settings, `chosen` the one compared with.

    `held` is the place in it that is looked at.
    """

    columns: tuple[Column, ...]
    names: tuple[str, ...]
    prompt: str
    spell: Callable[[int], str]
    chosen: int = 0
    held: int | None = None
    tint: str = "probability"
    idle: str = ""
    height: int = 190

    @property
    def at(self) -> str:
        """The place that is looked at, as links write it: `c2 t14`."""
        return f"c{self.chosen + 1}" + (f" t{self.held + 1}" if self.held is not None else "")


def payload(sheet: Sheet) -> dict[str, Any]:
    """What `assets/components/columns.js` is given."""
    reference = _ids(sheet.columns[sheet.chosen]) if sheet.columns else []
    whole = not any(column.writing for column in sheet.columns)
    columns = [
        _column(sheet, number, reference if number != sheet.chosen else None, whole)
        for number in range(len(sheet.columns))
    ]
    parted = any(column["d"] >= 0 for column in columns)
    return {
        "columns": columns,
        "prompt": tail(sheet.prompt),
        "tint": sheet.tint,
        "height": sheet.height,
        "hues": [palette.hexadecimal(colour) for colour in palette.CATEGORIES],
        "chosen": sheet.chosen,
        "mark": f"▾ parts from column {sheet.chosen + 1}" if parted else "",
    }


def _column(sheet: Sheet, number: int, reference: list[int] | None, whole: bool) -> dict[str, Any]:
    """One column as short lists; keys are one letter, as they are sent again and again.

    What only a tooltip tells (probability after the settings, tokens kept, preferred ones) comes
    when all columns are done: it is most of the bytes.
    """
    column = sheet.columns[number]
    so_far = _so_far(column)
    tokens, ids = column.tokens[: len(so_far["i"])], so_far["i"]
    told = tokens if whole else []
    parts = None if reference is None else parting(ids, reference)
    last = tokens[-1].end if tokens else ""
    return {
        "name": sheet.names[number],
        "t": so_far["t"],
        "p": so_far["p"],
        "a": [_short(token.after) for token in told],
        "k": [token.kept for token in told],
        "r": so_far["r"],
        "b": _all_preferred(column, sheet.spell) if told else [],
        "d": -1 if parts is None else parts,
        "f": so_far["f"],
        "w": column.writing,
        "end": ENDS[last] if last else ("" if column.writing or not tokens else "Stopped."),
        "idle": _idle(column, sheet.idle),
        "h": so_far["h"],
        "peak": max(8, *so_far["h"]) if tokens else 8,
        "s": figures(statistics(column)) if whole and tokens else [],
    }


def _idle(column: Column, idle: str) -> str:
    if not column.writing:
        return idle
    return f"weighing {column.line.beams} beginnings …" if column.line.beams else "writing …"


def figures(found: Statistics) -> list[tuple[str, str, str]]:
    """A column's numbers: label, value, and what it means."""
    speed = 1000 / found.milliseconds if found.milliseconds else 0.0
    rows = [
        ("tokens", f"{found.length}", "New tokens, the prompt not counted."),
        ("tokens a second", f"{speed:.0f}", "Of this column, all being written in one batch."),
        ("ms a token", f"{found.milliseconds:.1f}", "From one token to the next."),
        (
            "mean log p",
            f"{-found.surprise:.2f}",
            "Mean natural logarithm of the model's own probabilities; nearer 0 is likelier.",
        ),
        (
            "perplexity",
            f"{found.perplexity:.1f}",
            "e to the mean surprise: as if it chose among so many equal tokens each time.",
        ),
        (
            "entropy, bits",
            f"{found.entropy:.1f}",
            "How open the model was on average: 0 is certain, 10 is 1,024 equal choices.",
        ),
    ]
    if found.distinct is not None:
        share = f"{100 * found.distinct:.0f} %"
        rows.append(("distinct pairs", share, "Different pairs of neighbours (distinct-2)."))
    if found.repeated is not None:
        share = f"{100 * found.repeated:.0f} %"
        rows.append(("repeated fours", share, "Sequences of four tokens that came before."))
    return rows


def tail(prompt: str) -> str:
    """The end of the prompt, from a word's beginning."""
    if len(prompt) <= TAIL:
        return prompt
    cut = prompt[-TAIL:]
    head, space, rest = cut.partition(" ")
    return "…" + (space + rest if space and len(rest) > TAIL // 3 else cut)


def table(sheet: Sheet) -> dict[str, list[Any]]:
    """Every token of every column, one row each."""
    rows: dict[str, list[Any]] = {
        name: []
        for name in (
            "column",
            "setting",
            "position",
            "id",
            "text",
            "probability",
            "after_settings",
            "rank",
            "kept",
            "entropy_bits",
            "forced",
            "milliseconds",
        )
    }
    for number, column in enumerate(sheet.columns):
        tokens = column.tokens[:]
        for place, token in enumerate(tokens):
            values = (
                number + 1,
                sheet.names[number],
                place + 1,
                token.id,
                column.texts[place],
                token.probability,
                token.after,
                token.rank,
                token.kept,
                token.entropy,
                token.forced,
                1000 * column.seconds[place],
            )
            for name, value in zip(rows, values, strict=True):
                rows[name].append(value)
    return rows


def summary(sheet: Sheet) -> str:
    """What one sees in these columns, in their own numbers, for a beginner."""
    full = [(i, c) for i, c in enumerate(sheet.columns) if c.tokens]
    if not full:
        return ""
    found = {i: statistics(c) for i, c in full}
    parted = [
        (at + 1, i)
        for i, c in full
        if i != sheet.chosen
        and (at := parting(_ids(c), _ids(sheet.columns[sheet.chosen]))) is not None
    ]
    words = []
    if parted:
        (first, early), (last, late) = min(parted), max(parted)
        if len(parted) == 1:
            words.append(f"Column {early + 1} leaves column {sheet.chosen + 1} at token {first}.")
        elif first == last:
            words.append(f"All leave column {sheet.chosen + 1} at token {first}.")
        else:
            words.append(
                f"Column {early + 1} leaves column {sheet.chosen + 1} at token {first}, "
                f"column {late + 1} only at token {last}."
            )
    elif len(full) > 1:
        words.append("All columns wrote the same text.")
    dull = max(found, key=lambda i: found[i].repeated or 0.0)
    share = found[dull].repeated or 0.0
    if share >= 0.15:
        words.append(
            f"Column {dull + 1} ({sheet.names[dull]}) repeats itself: "
            f"{100 * share:.0f} % of its four-token sequences came before."
        )
    bold = max(found, key=lambda i: found[i].perplexity)
    safe = min(found, key=lambda i: found[i].perplexity)
    if round(found[bold].perplexity, 1) > round(found[safe].perplexity, 1):
        words.append(
            f"The boldest is column {bold + 1} (perplexity {found[bold].perplexity:.1f}), "
            f"the safest column {safe + 1} ({found[safe].perplexity:.1f})."
        )
    return " ".join(words)


def _ids(column: Column) -> list[int]:
    return [token.id for token in column.tokens[:]]


def _short(value: float) -> float:
    return float(f"{value:.3g}")


_told: WeakKeyDictionary[Column, dict[str, list[Any]]] = WeakKeyDictionary()
_telling = threading.Lock()


def _so_far(column: Column) -> dict[str, list[Any]]:
    """Texts, ids, probabilities, ranks, entropies and forced places of the tokens so far.

    They are told again with each look, of which there are eight a second: only new tokens are
    rounded. The lists are copies, as others may be looking at the same column.
    """
    with _telling:
        kept = _told.setdefault(column, {name: [] for name in "tiprhf"})
        done = len(kept["i"])
        for place, token in enumerate(column.tokens[done:], done):
            kept["t"].append(column.texts[place])
            kept["i"].append(token.id)
            kept["p"].append(_short(token.probability))
            kept["r"].append(token.rank)
            kept["h"].append(round(token.entropy, 1))
            if token.forced:
                kept["f"].append(place)
        return {name: values[:] for name, values in kept.items()}


_preferred: WeakKeyDictionary[Column, list[list[str | float]]] = WeakKeyDictionary()


def _all_preferred(column: Column, spell: Callable[[int], str]) -> list[list[str | float]]:
    """The best candidates of each token, texts and probabilities in turn; spelt once a column."""
    found = _preferred.setdefault(column, [])
    for token in column.tokens[len(found) :]:
        ids, chances = token.best[:PREFERRED].tolist(), token.best_probability.tolist()
        pairs = [(spell(i), _short(p)) for i, p in zip(ids, chances, strict=False)]
        found.append([part for pair in pairs for part in pair])
    return found
