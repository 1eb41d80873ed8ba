"""Pairs of completions, and what somebody chose of each: a letter a pair.

In: completions as texts, a code as links carry it. Out: pairs of places, choices. Completions are
drawn independently of each other, so that neighbours make a fair pair and each is in one pair
alone. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

A, B, NEITHER = "a", "b", "x"
MOST = 32  # pairs
Pair = tuple[int, int]


def pairs(texts: Sequence[str]) -> tuple[Pair, ...]:
    """Neighbours whose texts differ, as places from 0: of equal ones nobody can prefer one.

    >>> pairs(["one", "two", "same", "same ", "five", "six"])
    ((0, 1), (4, 5))
    """
    every = [(place, place + 1) for place in range(0, len(texts) - 1, 2)]
    return tuple((a, b) for a, b in every if texts[a].strip() != texts[b].strip())[:MOST]


def read_choices(code: str) -> str:
    """Choices as a link writes them, a letter for each pair; `ValueError` says what is wrong.

    >>> read_choices("abxa")
    'abxa'
    """
    strange = sorted(set(code) - {A, B, NEITHER})
    if strange:
        raise ValueError(f"“{strange[0]}” is no choice: write {A}, {B} or {NEITHER} for each pair")
    if len(code) > MOST:
        raise ValueError(f"{len(code)} choices are given; at most {MOST} are taken")
    return code


def decided(every: Sequence[Pair], choices: str) -> tuple[tuple[Pair, ...], str]:
    """(winner, loser) of each pair that was decided, and which side each winner stood on."""
    told = [(pair, side) for pair, side in zip(every, choices, strict=False) if side != NEITHER]
    won = tuple(pair if side == A else (pair[1], pair[0]) for pair, side in told)
    return won, "".join(side for _, side in told)
