"""The two words of a link: found in a lock, in a sample, among the words of a text; and named.

In: tokens. Out: the tokens of the word that attends and of the word attended to. A lock such as
`q8 k2` names tokens; the link is between the whole words that they belong to. Knows no page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.attention.baselines import Links
from engine.attention.notable import strongest
from engine.attention.transforms import words
from engine.values import Tokens
from pages.pictures.scale import number
from pages.pictures.svg import visible

NEGLIGIBLE = 0.02


@dataclass(frozen=True)
class Link:
    """A word that attends and a word attended to, each as its tokens, with names and a lock."""

    queries: tuple[int, ...]
    keys: tuple[int, ...]
    query: str
    key: str

    @property
    def name(self) -> str:
        """The link as people say it."""
        return f"“{self.query}” → “{self.key}”"

    @property
    def spot(self) -> str:
        """The lock of a picture that stands for the link."""
        return f"q{self.queries[0]} k{self.keys[0]}"


def whole_words(tokens: Tokens, names: Sequence[str]) -> dict[int, str]:
    """The words of a text by their first token; `names` are those of its tokens."""
    groups = words(tokens)
    found: dict[int, str] = {}
    for group in range(int(groups.max()) + 1):
        places = np.flatnonzero(groups == group).tolist()
        found[places[0]] = "".join(names[place] for place in places)
    return found


def word_at(tokens: Tokens, place: int) -> tuple[int, ...]:
    """The tokens of the word that a token belongs to."""
    groups = words(tokens)
    return tuple(int(i) for i in np.flatnonzero(groups == groups[place]))


def first_of(tokens: Tokens, place: int) -> int:
    """The first token of the word that a token belongs to."""
    return word_at(tokens, place)[0]


def locked(spot: str, n_query: int, n_key: int) -> tuple[int | None, int | None] | None:
    """The first query and key of a lock, None for what it does not name or does not fit."""
    found: dict[str, int | None] = {"q": None, "k": None}
    for name in spot.split(" ") if spot else ():
        letter, place = name[:1], name[1:]
        size = {"q": n_query, "k": n_key}.get(letter, 0)
        if not place.isdecimal() or len(place) > 6 or int(place) >= size:
            return None
        found[letter] = int(place) if found[letter] is None else found[letter]
    return found["q"], found["k"]


def link(
    sides: tuple[Tokens, Tokens], names: tuple[Sequence[str], Sequence[str]], query: int, key: int
) -> Link:
    """The link between the words of two tokens."""
    one, two = word_at(sides[0], query), word_at(sides[1], key)
    named = (
        visible("".join(side[place] for place in places), limit=16)
        for side, places in zip(names, (one, two), strict=True)
    )
    return Link(one, two, *named)


def last_occurrence(tokens: Tokens, names: Sequence[str], word: str) -> int | None:
    """The first token of a word's last occurrence."""
    found = [
        place
        for place, name in whole_words(tokens, names).items()
        if re.fullmatch(re.escape(word), name, re.IGNORECASE)
    ]
    return found[-1] if found else None


def link_says(link: Link, found: Sequence[Links], *, sinks: frozenset[tuple[int, int]]) -> str:
    """The head that the link singles out, with its baseline; `sinks` are heads in which the word
    attended to is an attention sink.
    """
    if not found[0].open:
        return (
            f"“{link.query}” may not attend to “{link.key}”: this attention is causal, and "
            f"“{link.key}” does not come before it."
        )
    excess = np.stack([one.excess for one in found])
    weight = np.stack([one.weight for one in found])
    others = np.stack([one.others for one in found])
    place = strongest(excess)
    level = float(others[place])
    compared = (
        f"other tokens give it {number(level, True)} on average"
        if np.isfinite(level)
        else f"uniform attention would give {number(found[0].uniform, True)}"
    )
    if excess[place] < NEGLIGIBLE:
        said = f"No head attends from “{link.query}” to “{link.key}” more than other tokens do."
    else:
        said = (
            f"Head {_name(place)} attends {number(float(weight[place]), True)} from "
            f"“{link.query}” to “{link.key}”; {compared}."
        )
    most = strongest(weight)
    if most in sinks and most != place:
        said += (
            f" In head {_name(most)} the weight is {number(float(weight[most]), True)}, "
            f"but “{link.key}” is an attention sink there: the others give it "
            f"{number(float(others[most]), True)}."
        )
    return said


def _name(place: tuple[int, int]) -> str:
    return f"{place[0] + 1}.{place[1] + 1}"


def choice(place: int, names: dict[int, str]) -> str:
    """A word in a list of choices; one that occurs several times is numbered.

    >>> choice(3, {0: "the", 1: "boat", 3: "the"})
    'the (2 of 2)'
    """
    name = names.get(place, "")
    same = [at for at, other in names.items() if other == name]
    count = f" ({same.index(place) + 1} of {len(same)})" if len(same) > 1 else ""
    return f"{visible(name, limit=24)}{count}"
