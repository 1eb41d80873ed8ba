"""Short prompts of the kinds that a first course shows, generated for `tales-gpt` to learn from.

Five tasks: a question about a sentence, the sentiment of a review, the people and the place in a
sentence, a two-line dialogue and its summary, a French word in English. A lesson is a few solved
items of one task. All its items keep to one layout (the labels) and to one manner of answering
(`positive`, `good` or `happy`; a word or a sentence), which only the items before can tell: so
that examples in a prompt are of use, and their use can be measured.

Every fifth word and the last pattern of every list are held out: lessons for training hold
none of them, lessons for measuring hold nothing else. What a held-out French word means stands in
plain sentences (`known`), never in a prompt. Knows nothing of tokens or models.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FIFTH = 5
NAMED = ("people", "towns")
MADE_UP = 0.7  # share of names in training that nobody could know by heart: they must be copied
MANNERS = 3  # ways of answering; the first is taken as often as the two others together


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a lesson, up to the place of its answer, and the answer."""

    asked: str
    answer: str

    def solved(self) -> str:
        """The item with its answer: `Item("chat =", "cat").solved()` is `"chat = cat"`."""
        return f"{self.asked} {self.answer}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a lesson takes its words from: chance, and which side of the split."""

    rng: random.Random
    held_out: bool

    def word(self, kind: str, *, but: Sequence[str] = ()) -> str:
        """A word of one list."""
        if kind in NAMED and not self.held_out and self.rng.random() < MADE_UP:
            return made_up(self.rng)
        return self.rng.choice([w for w in self._side(data()["words"][kind]) if w not in but])

    def french(self) -> tuple[str, str]:
        """A French noun and its English."""
        nouns: dict[str, str] = data()["french"]
        french = self.rng.choice(self._side(list(nouns)))
        return french, nouns[french]

    def pattern(self, kind: str) -> str:
        """A sentence to be filled in; the last of each list is the one held out."""
        every: list[str] = data()["patterns"][kind]
        return every[-1] if self.held_out else self.rng.choice(every[:-1])

    def _side(self, words: list[str]) -> list[str]:
        return [word for word in words if (word in held_out()) == self.held_out]


def made_up(rng: random.Random) -> str:
    """A name of nobody: `Belwin`."""
    parts = data()["names"]
    return rng.choice(parts["beginnings"]) + rng.choice(parts["ends"])


@cache
def held_out() -> frozenset[str]:
    """The words that prompts are measured with and never trained on: every fifth of each list."""
    every = [*data()["words"].values(), list(data()["french"])]
    return frozenset(word for words in every for word in words[::FIFTH])


@cache
def data() -> dict[str, Any]:
    """Words, layouts and patterns, from the file beside this module."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


# -- the five tasks ------------------------------------------------------------------------------


def answer(source: Source, layout: Sequence[str], manner: int) -> Item:
    """A sentence, a question about it, and its answer: a few words or a sentence."""
    person, thing = source.word("people"), source.word("things")
    kind = source.rng.choice(["where", "colour"])
    near, place, colour = source.word("nearness"), source.word("places"), source.word("colours")
    text = source.pattern(kind).format(
        person=person, thing=thing, near=near, place=place, colour=colour
    )
    ask = f"Where is the {thing}?" if kind == "where" else f"What colour is the {thing}?"
    short = f"{near} the {place}" if kind == "where" else colour
    reply = (short, f"The {thing} is {short}.", f"It is {short}.")[manner]
    return Item(f"{layout[0]}{text}\n{layout[1]}{ask}\n{layout[2]}", reply)


def feeling(source: Source, layout: Sequence[str], manner: int) -> Item:
    """A review and its sentiment, in one of three pairs of words."""
    side = source.rng.choice(["good", "bad"])
    text = source.pattern(side).format(thing=source.word("reviewed"), word=source.word(side))
    pair = (("positive", "negative"), ("good", "bad"), ("happy", "sad"))[manner]
    return Item(f"{layout[0]}{text}\n{layout[1]}", pair[side == "bad"])


def names(source: Source, layout: Sequence[str], manner: int) -> Item:
    """A sentence, and the people and the place that it names, in one of three orders."""
    one = source.word("people")
    two, town = source.word("people", but=[one]), source.word("towns")
    text = source.pattern("names").format(one=one, two=two, town=town)
    found = (f"{one}, {two}, {town}", f"{town}: {one}, {two}", f"{one} and {two} in {town}")
    return Item(f"{layout[0]}{text}\n{layout[1]}", found[manner])


def summary(source: Source, layout: Sequence[str], manner: int) -> Item:
    """A dialogue of two lines and its summary, a sentence or a note."""
    one = source.word("people")
    two = source.word("people", but=[one])
    deed, thing, time = source.word("deeds"), source.word("things"), source.word("times")
    plan = f"{deed} the {thing}"
    ask, yes = (
        source.pattern("ask").format(deed=deed, thing=thing),
        source.pattern("yes").format(time=time),
    )
    told = (f"{one} and {two} will {plan} {time}.", f"{plan}, {time}", f"They {plan} {time}.")
    return Item(f"{layout[0]}{one}: {ask}\n{two}: {yes}\n{layout[1]}", told[manner])


def words(source: Source, layout: Sequence[str], manner: int) -> Item:
    """A French noun and its English, bare or with an article."""
    french, english = source.french()
    return Item(
        f"{layout[0]}{french}{layout[1]}", (english, f"the {english}", f"{english}!")[manner]
    )


Task = Callable[[Source, Sequence[str], int], Item]
TASKS: dict[str, Task] = {
    "answer": answer,
    "feeling": feeling,
    "names": names,
    "summary": summary,
    "words": words,
}


# -- lessons -------------------------------------------------------------------------------------


def lesson(task: str, source: Source, count: int) -> list[Item]:
    """Different items of one task, alike in layout and manner of answering."""
    layout = source.rng.choice(data()["layouts"][task])
    manner = source.rng.choice([0, 0, *range(1, MANNERS)])
    found: dict[str, Item] = {}
    while len(found) < count:
        item = TASKS[task](source, layout, manner)
        found[item.asked] = item
    return list(found.values())


def texts(seed: int) -> Iterator[str]:
    """Lessons for training, for ever, and between them plain sentences with every word."""
    source = Source(random.Random(seed), held_out=False)
    while True:
        task = source.rng.choice(list(TASKS))
        yield written(lesson(task, source, source.rng.randint(2, 6)))
        if source.rng.random() < 0.3:
            yield " ".join(known(source.rng) for _ in range(6))


def written(items: Sequence[Item]) -> str:
    """Solved items, an empty line between two."""
    return "\n\n".join(item.solved() for item in items)


def known(rng: random.Random) -> str:
    """A plain sentence with any word, held out of the prompts or not."""
    kind = rng.choice(["french", "french", *sorted(data()["known"])])
    pattern = rng.choice(data()["known"][kind])
    if kind == "french":
        french, english = rng.choice(list(data()["french"].items()))
        return pattern.format(french=french, english=english)
    return pattern.format(word=rng.choice(data()["words"][kind]))


def prompts(task: str, examples: int, *, count: int, seed: int = 0) -> list[Item]:
    """Prompts with held-out words and patterns: solved examples first, then what is asked.

    The same `seed` asks the same last items whatever the number of examples.
    """
    found = []
    for number in range(count):
        rng = random.Random(f"{task} {number} {seed}")
        *shown, last = reversed(lesson(task, Source(rng, held_out=True), 4))
        before = "".join(f"{item.solved()}\n\n" for item in shown[len(shown) - examples :])
        found.append(Item(before + last.asked, last.answer))
    return found
