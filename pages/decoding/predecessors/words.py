"""What there is to be seen in the pictures of Before transformers, from their own numbers.

In: engine values. Out: sentences and tables. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.predecessors.comparing import Continuations, HiddenStates, Standing
from engine.predecessors.influence import Influence
from engine.predecessors.windows import Windows
from pages.decoding.words import percent
from pages.pictures.names import quoted

NOT_MEASURED = "not measured"
MATTERS = 0.1  # bits from which a replaced token counts as having changed the answer


def names(standings: Sequence[Standing]) -> dict[str, str]:
    """What each predictor that is here is called."""
    return {one.name: one.title for one in standings if not one.missing}


def next_said(
    found: Continuations, called: Mapping[str, str], texts: Mapping[int, str], place: int
) -> str:
    """The likeliest next token of each, and what the text's own token cost."""
    firsts: dict[str, list[str]] = {}
    for row, name in enumerate(found.predictors):
        share = percent(float(found.shares[row, place, 0]))
        word = quoted(texts[int(found.best[row, place, 0])])
        firsts.setdefault(word, []).append(f"{called[name]}: {share}")
    parts = [f"{word} ({', '.join(who)})" for word, who in firsts.items()]
    said = f"Likeliest next token: {'; '.join(parts)}."
    if place + 1 < len(found.tokens):
        cost = found.surprise[:, place]
        best, worst = int(cost.argmin()), int(cost.argmax())
        own = quoted(texts[int(found.tokens.ids[place + 1])])
        said += f" The text goes on with {own}: {cost[best]:.1f} bits of surprise for "
        said += called[found.predictors[best]]
        if len(cost) > 1:
            said += f", {cost[worst]:.1f} for {called[found.predictors[worst]]}"
        said += "."
    return said


def reach(found: Influence) -> list[int]:
    """How far back each predictor's answer still changes by `MATTERS` bits; 0: nowhere."""
    far = found.mean >= MATTERS
    return [int(np.flatnonzero(row).max(initial=-1)) + 1 for row in far]


def influence_said(found: Influence, called: Mapping[str, str]) -> str:
    """How far back each predictor looks, and that a window ends where it ends."""
    parts = [
        f"{called[name]}: {far}" for name, far in zip(found.predictors, reach(found), strict=True)
    ]
    said = f"Farthest token whose replacement changes the next distribution by {MATTERS:g} bits or "
    said += f"more, in tokens back: {', '.join(parts)}."
    if any(name.startswith("window") for name in found.predictors):
        said += " Beyond its window an n-gram table changes by exactly 0."
    return said


def states_said(found: HiddenStates, texts: Sequence[str]) -> str:
    """Which token moved the state most and which least."""
    most, least = int(found.moved.argmax()), int(found.moved.argmin())
    return (
        f"{quoted(texts[most])} moves the state most, by {found.moved[most]:.2f} of its length; "
        f"{quoted(texts[least])} least, by {found.moved[least]:.2f}. On average the update gates "
        f"keep {percent(float(found.kept.mean()))} of the state at a token."
    )


def standing_table(standings: Sequence[Standing]) -> dict[str, list[Any]]:
    """The comparison as columns."""
    here = [one for one in standings if not one.missing]
    return {
        "predictor": [one.title for one in here],
        "window": [_window(one) for one in here],
        "numbers kept": [one.numbers for one in here],
        "files (MB)": [round(one.nbytes / 1e6, 2) for one in here],
        "bits per byte, held-out prose": [
            NOT_MEASURED if one.bits_per_byte is None else f"{one.bits_per_byte:.3f}"
            for one in here
        ],
    }


def _window(one: Standing) -> str:
    if one.window is not None:
        return f"{one.window} tokens" if one.window > 1 else "1 token"
    return "all before" if one.kind == "recurrent" else "its context window"


def next_table(
    found: Continuations, called: Mapping[str, str], texts: Mapping[int, str], place: int
) -> dict[str, list[Any]]:
    """The best tokens of every predictor after one token."""
    rows = [
        (called[name], rank + 1, int(token), texts[int(token)], float(share))
        for row, name in enumerate(found.predictors)
        for rank, (token, share) in enumerate(
            zip(found.best[row, place], found.shares[row, place], strict=True)
        )
    ]
    columns = ("predictor", "rank", "id", "token", "probability")
    return {name: list(part) for name, part in zip(columns, zip(*rows, strict=True), strict=True)}


def influence_table(found: Influence, called: Mapping[str, str]) -> dict[str, list[Any]]:
    """Mean divergence at every distance, a column for each predictor."""
    distances: dict[str, list[Any]] = {"tokens back": list(range(1, found.tokens.shape[1] + 1))}
    return distances | {
        called[name]: found.mean[row].tolist() for row, name in enumerate(found.predictors)
    }


def states_table(found: HiddenStates, texts: Sequence[str]) -> dict[str, list[Any]]:
    """How much every token moved the state."""
    return {
        "token": list(texts),
        "moved": found.moved.tolist(),
        "kept by the update gate": found.kept.tolist(),
    }


def power(value: float) -> str:
    """A large number: in full up to a million, then as digits and a power of ten.

    >>> power(6144), power(1.424967e15), power(1e30)
    ('6,144', '1.4 × 10¹⁵', '10³⁰')
    """
    if value < 1e6:
        return f"{value:,.0f}"
    digits, _, exponent = f"{value:.1e}".partition("e+")
    raised = str(int(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if digits == "1.0" else f"{digits} × 10{raised}"


def windows_said(found: Windows) -> str:
    """What the longest window of the table covers, and what one more token would need."""
    n = found.longest
    kept = found.contexts(n) or 0
    return (
        f"With a window of {n} there are {power(found.possible(n))} contexts; the table keeps "
        f"{kept:,} of them. {found.seen:,} tokens were counted, so no text of that length has more "
        f"than {found.met(n):,}. One token more makes it {found.vocabulary:,} times as many; the "
        f"next token then takes {_micro(found.time(n + 1))} instead of {_micro(found.time(n))}."
    )


def window_tip(found: Windows, window: int) -> str:
    """All numbers of one window."""
    kept = found.contexts(window)
    measured = "measured" if window <= found.longest else "predicted"
    lines = [
        f"Window of {window}",
        f"possible contexts: {power(found.possible(window))}",
        f"in the text at most: {found.met(window):,}",
        *([f"kept in the table: {kept:,}"] if kept is not None else []),
        f"bytes of a whole table: {power(found.whole(window))}",
        f"time of a next token: {_micro(found.time(window))}, {measured}",
    ]
    return "\n".join(lines)


def windows_table(found: Windows, longest: int) -> dict[str, list[Any]]:
    """A line for each window; what the table does not have is predicted."""
    every = range(1, longest + 1)
    return {
        "window": list(every),
        "possible contexts": [float(found.possible(n)) for n in every],
        "in the text at most": [found.met(n) for n in every],
        "kept in the table": [
            float("nan") if (kept := found.contexts(n)) is None else float(kept) for n in every
        ],
        "bytes of a whole table": [found.whole(n) for n in every],
        "milliseconds": [1000 * found.time(n) for n in every],
        "time is": ["measured" if n <= found.longest else "predicted" for n in every],
    }


def _micro(seconds: float) -> str:
    return f"{1e6 * seconds:,.0f} µs"
