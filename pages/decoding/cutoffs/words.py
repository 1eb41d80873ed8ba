"""What one sees at a sharp and at a flat place, from their numbers.

In: `Ranked`, `Heated`, names. Out: sentences of at most 60 words, tables. Knows no page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.decoding.sampling import label
from engine.distributions.cutoffs import Cut, Heated, Ranked
from pages.decoding.words import percent
from pages.pictures.names import quoted

NAMED = 5  # tokens that are named under a picture


def cuts_said(sharp: Ranked, flat: Ranked) -> str:
    """The same settings at both places: a fixed number against a sum and a share."""
    parts = []
    for one, two in zip(sharp.cuts, flat.cuts, strict=True):
        here = f"{one.kept:,}" if one.kept == two.kept else f"{one.kept:,} and {two.kept:,}"
        parts.append(f"{label(one.name)} {one.value:g} keeps {here}")
    p = next(cut for cut in flat.cuts if cut.name == "top_p")
    return (
        f"Sharp ({sharp.entropy:.1f} bits) and flat ({flat.entropy:.1f} bits): {', '.join(parts)}. "
        f"Top-p keeps the smallest set whose sum reaches at least {p.value:g}: at the flat place "
        f"{100 * p.mass:.3f} %; one token less would hold {100 * without_last(flat, p):.3f} %."
    )


def likeliest(found: Ranked, names: Sequence[str]) -> str:
    """The first tokens with their probabilities."""
    parts = [
        f"{quoted(name)} {percent(float(share))}"
        for name, share in zip(names[:NAMED], found.share[:NAMED].tolist(), strict=True)
    ]
    return f"Likeliest: {', '.join(parts)}."


def without_last(found: Ranked, cut: Cut) -> float:
    """What the kept set would hold without its least likely token."""
    if cut.kept <= 1:
        return 0.0
    at = np.flatnonzero(found.ranks == cut.kept)
    if len(at):
        return cut.mass - float(found.share[at[0]])
    # A rank between two that are kept: those differ little so far down.
    return cut.mass - float(np.interp(cut.kept, found.ranks, found.share))


def heat_said(sharp: Heated, flat: Heated, chosen: float) -> str:
    """What the chosen temperature does to the first token at both places."""

    def first(found: Heated, heat: float) -> float:
        return float(found.share[row(found, heat), 0])

    way = "sharpens" if chosen < 1 else "flattens" if chosen > 1 else "changes nothing of"
    return (
        f"Temperature {chosen:g} {way} both: the likeliest token goes from "
        f"{percent(first(sharp, 1.0))} to {percent(first(sharp, chosen))} at the sharp place, from "
        f"{percent(first(flat, 1.0))} to {percent(first(flat, chosen))} at the flat one. The order "
        "of the tokens stays."
    )


def row(found: Heated, heat: float) -> int:
    """The row of a temperature."""
    return next(i for i, one in enumerate(found.temperatures.tolist()) if math.isclose(one, heat))


def totals(places: Mapping[str, Ranked]) -> dict[str, list[Any]]:
    """A line for each rank: probability and running total at each place."""
    first = next(iter(places.values()))
    table: dict[str, list[Any]] = {"rank": first.ranks.tolist()}
    for name, found in places.items():
        table[f"{name}: probability"] = found.share.tolist()
        table[f"{name}: running total"] = found.total.tolist()
    return table


def heats(places: Mapping[str, Heated]) -> dict[str, list[Any]]:
    """A line for each rank: its probability at each place and temperature."""
    first = next(iter(places.values()))
    table: dict[str, list[Any]] = {"rank": first.ranks.tolist()}
    for name, found in places.items():
        for at, heat in enumerate(found.temperatures.tolist()):
            table[f"{name}: T = {heat:g}"] = found.share[at].tolist()
    return table
