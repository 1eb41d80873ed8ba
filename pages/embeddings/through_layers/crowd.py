"""The tokens of several sentences together, after every layer: what the layers' map is made of.

In: the hidden states of each sentence. Out: a `Crowd`, its names and tables, and how alike its
tokens are layer by layer. Knows nothing of pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.space import projection
from engine.values import Hidden
from pages.embeddings.map import charts
from pages.pictures.tokens import face

TWINS = 6


@dataclass(frozen=True)
class Crowd:
    """The tokens of all sentences together; token i has the id `t<i>`."""

    states: Float[np.ndarray, "layers_plus_1 token width"]
    names: list[str]
    sentence: list[int]
    place: list[int]

    def where(self, i: int) -> str:
        """A token in two lines, for a hover."""
        return f"{self.names[i]}\ntoken {self.place[i] + 1} of sentence {self.sentence[i] + 1}"

    def tag(self, i: int) -> str:
        """Sentence and place: (1:4)."""
        return f"({self.sentence[i] + 1}:{self.place[i] + 1})"

    def short(self, i: int) -> str:
        """A token's name in a list."""
        tag = self.tag(i) if max(self.sentence) else f"({self.place[i] + 1})"
        return f"{self.names[i]} {tag}"


def crowd(read: Sequence[Hidden]) -> Crowd:
    """Join sentences."""
    names, sentence, place = list[str](), list[int](), list[int]()
    for number, hidden in enumerate(read):
        for i in range(len(hidden.tokens)):
            names.append(face(hidden.tokens, i))
            sentence.append(number)
            place.append(i)
    return Crowd(np.concatenate([h.states for h in read], axis=1), names, sentence, place)


def drift(them: Crowd, number: int | None) -> tuple[bool, dict[str, list[float]]]:
    """Cosines after each layer: of tokens spelt alike (True), else of all to where they began.

    `number` is the token that is picked, None for all.
    """
    lines = _pairs(them, number)
    if lines:
        return True, {
            name: [float(projection.distances(s[[a]], s[b])[0][0]) for s in them.states]
            for name, (a, b) in lines.items()
        }
    first = them.states[0]
    mean = [
        float(np.mean([projection.distances(s[[i]], first[i])[0][0] for i in range(len(first))]))
        for s in them.states
    ]
    return False, {"all tokens and where they began": mean}


def _pairs(them: Crowd, number: int | None) -> dict[str, tuple[int, int]]:
    names = [name.strip("·") for name in them.names]
    if number is None:
        pairs = charts.twins(them.names)
        return {f"{names[a]} {them.tag(a)} and {them.tag(b)}": (a, b) for a, b in pairs}
    own = names[number].casefold()
    alike = [i for i, name in enumerate(names) if i != number and name.casefold() == own]
    return {f"{them.tag(number)} and {them.tag(i)}": (number, i) for i in alike[:TWINS]}


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
