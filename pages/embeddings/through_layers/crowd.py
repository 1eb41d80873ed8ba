"""The tokens of several sentences together, after every layer: what the layers' map is made of.

In: the hidden states of each sentence. Out: a `Crowd`, its names and tables, and how alike its
tokens are layer by layer. Knows nothing of pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.space import projection
from engine.values import Hidden, Reading, Tokens
from pages.embeddings.map import charts
from pages.pictures.tokens import face

TWINS = 6
AROUND = 22  # characters of the sentence on each side of a token
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Crowd:
    """The tokens of all sentences together; token i has the id `t<i>`."""

    states: Float[np.ndarray, "layers_plus_1 token width"]
    names: list[str]
    sentence: list[int]
    place: list[int]
    contexts: list[str]
    readings: tuple[Reading, ...] = ()

    def where(self, i: int) -> str:
        """A token in two lines, for a hover."""
        return f"{self.shown[i]}\ntoken {self.place[i] + 1} of sentence {self.sentence[i] + 1}"

    @cached_property
    def shown(self) -> list[str]:
        """Names for people: a word that comes back is numbered, bank¹ bank²."""
        words = [_word(name) for name in self.names]
        total, seen = Counter(words), Counter[str]()
        shown = list[str]()
        for name, word in zip(self.names, words, strict=True):
            seen[word] += 1
            shown.append(name + str(seen[word]).translate(RAISED) * (total[word] > 1))
        return shown

    def short(self, i: int) -> str:
        """A token's name in a list or a sentence."""
        return self.shown[i].strip("·") or self.shown[i]

    @cached_property
    def twins(self) -> list[tuple[int, int]]:
        """Pairs of equal words, the longest first."""
        return charts.twins(self.names)

    @cached_property
    def parting(self) -> int:
        """The layer after which the first twins are least alike; the last one where none are."""
        last = len(self.states) - 1
        if not self.twins or not last:
            return last
        a, b = self.twins[0]
        return 1 + int(np.argmin(_cosines(self, a, b)[1:]))


def crowd(readings: Sequence[Reading], read: Sequence[Hidden]) -> Crowd:
    """Join sentences: what was read, and its hidden states."""
    names, sentence, place, contexts = list[str](), list[int](), list[int](), list[str]()
    for number, hidden in enumerate(read):
        for i in range(len(hidden.tokens)):
            names.append(face(hidden.tokens, i))
            sentence.append(number)
            place.append(i)
            contexts.append(_context(hidden.tokens, i))
    states = np.concatenate([h.states for h in read], axis=1)
    return Crowd(states, names, sentence, place, contexts, tuple(readings))


def _word(name: str) -> str:
    return name.strip("·").casefold() or name


def _context(tokens: Tokens, i: int) -> str:
    """The words around a token in its sentence; nothing for one that the tokenizer added."""
    start, end = (int(edge) for edge in tokens.spans[i])
    if start == end:
        return ""
    before, behind = tokens.text[:start][-AROUND:], tokens.text[end:][:AROUND]
    if start > AROUND:
        before = "…" + before.partition(" ")[2]
    if len(tokens.text) - end > AROUND:
        behind = behind.rpartition(" ")[0] + "…"
    return " ".join(f"{before}{tokens.text[start:end]}{behind}".split())


def _cosines(them: Crowd, a: int, b: int) -> list[float]:
    """The cosine of two tokens after each layer."""
    return [float(projection.distances(s[[a]], s[b])[0][0]) for s in them.states]


def drift(them: Crowd, number: int | None) -> tuple[list[tuple[int, int]], dict[str, list[float]]]:
    """Cosines after each layer: of pairs of tokens spelt alike; without any, of all to their start.

    `number` is the token that is picked, None for all.
    """
    lines = _pairs(them, number)
    if lines:
        cosines = {name: _cosines(them, a, b) for name, (a, b) in lines.items()}
        return list(lines.values()), cosines
    first = them.states[0]
    mean = [
        float(np.mean([projection.distances(s[[i]], first[i])[0][0] for i in range(len(first))]))
        for s in them.states
    ]
    return [], {"all tokens with their input to layer 1": mean}


def _pairs(them: Crowd, number: int | None) -> dict[str, tuple[int, int]]:
    if number is None:
        pairs = them.twins
    else:
        own = _word(them.names[number])
        alike = [i for i, name in enumerate(them.names) if i != number and _word(name) == own]
        pairs = [(number, i) for i in alike[:TWINS]]
    return {f"{them.short(a)} and {them.short(b)}": (a, b) for a, b in pairs}


def table(
    them: Crowd, places: Float[np.ndarray, "layers_plus_1 token axis"]
) -> dict[str, list[str | int | float]]:
    """Where every token is after every layer."""
    layers, count = places.shape[:2]
    columns: dict[str, list[str | int | float]] = {
        "after layer": [k for k in range(layers) for _ in range(count)],
        "sentence": [s + 1 for _ in range(layers) for s in them.sentence],
        "token": [p + 1 for _ in range(layers) for p in them.place],
        "text": [name for _ in range(layers) for name in them.names],
    }
    flat = places.reshape(-1, 3).round(5)
    return columns | {name: flat[:, k].tolist() for k, name in enumerate("xyz")}
