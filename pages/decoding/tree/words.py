"""Branches in words and as a table: what a forced token cost, in this tree's own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.decoding.generated import statistics
from pages.decoding.tree.branches import Branch
from pages.decoding.words import Spell, forced, percent, title


def name(row: Branch, spell: Spell) -> str:
    """What a branch is called: where it is shown and what was forced at its fork."""
    where = "hidden" if row.column is None else f"column {row.column + 1}"
    if row.parent is None:
        return f"{where}: {row.line.setting}"
    return f"{where}: {forced(row.line, row.fork, spell)} forced at token {row.fork + 1}"


def tip(row: Branch, spell: Spell) -> str:
    """What a tooltip says of a branch."""
    lines = [name(row, spell)]
    if row.parent is not None and row.fork < len(row.text.tokens):
        token = row.text.tokens[row.fork]
        lines.append(f"model probability there {percent(token.probability)}, rank {token.rank:,}")
    if row.text.tokens:
        found = statistics(row.text)
        lines.append(f"perplexity {found.perplexity:.1f} over {found.length} tokens")
    lines.append("click: go to this branch" if row.column is not None else "click: show it here")
    return "\n".join(lines)


def summary(rows: Sequence[Branch], spell: Spell, here: int | None = None) -> str:
    """What a forced token cost and brought.

    Of the branch looked at, or the first one where that is no branch.
    """
    grown = [i for i, row in enumerate(rows) if row.parent is not None]
    written = [i for i in grown if rows[i].fork < len(rows[i].text.tokens)]
    if not written:
        return ""
    last = rows[here if here in written else written[0]]
    trunk = last
    while trunk.parent is not None:
        trunk = rows[trunk.parent]
    token = last.text.tokens[last.fork]
    words = (
        f"{len(rows)} branches. {forced(last.line, last.fork, spell)} forced at token "
        f"{last.fork + 1} has rank {token.rank:,} in the model's distribution "
        f"({percent(token.probability)})."
    )
    if trunk.text.tokens and len(trunk.text.tokens) == len(last.text.tokens):
        ours, theirs = (minus(row.text.log_probability) for row in (last, trunk))
        if ours == theirs:
            return f"{words} Both texts are equally likely: log-probabilities sum to {ours}."
        more = last.text.log_probability > trunk.text.log_probability
        words += (
            f" The whole text is {'more' if more else 'less'} likely than without it: "
            f"log-probabilities sum to {ours} instead of {theirs}."
        )
    return words


def minus(value: float) -> str:
    """A number with one digit and a true minus sign."""
    return f"{value:.1f}".replace("-", "−")


def table(rows: Sequence[Branch], spell: Spell) -> dict[str, list[Any]]:
    """Each branch: which it grows from and where, what was forced, its text and figures."""
    return {
        "branch": [index + 1 for index in range(len(rows))],
        "shown_in": ["hidden" if r.column is None else f"column {r.column + 1}" for r in rows],
        "grows_from": ["" if r.parent is None else r.parent + 1 for r in rows],
        "at_token": ["" if r.parent is None else r.fork + 1 for r in rows],
        "setting": [title(row.line, spell) for row in rows],
        "text": [row.text.text for row in rows],
        "tokens": [len(row.text.tokens) for row in rows],
        "sum_log_probability": [round(row.text.log_probability, 3) for row in rows],
        "perplexity": [round(statistics(row.text).perplexity, 3) for row in rows],
    }
