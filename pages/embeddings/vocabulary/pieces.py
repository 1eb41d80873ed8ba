"""The points of the vocabulary's map: its pieces, and the tokens of a text after one layer.

In: a vocabulary with its vectors, the hidden states of a text. Out: for a point (`v12` a piece,
`t3` a token) its name and vector, what is told of it, and the tables of all points. Knows nothing
of maps, cameras or pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.space.projection import Neighbours
from engine.tokenizers.vocabulary import Vocabulary
from engine.values import Hidden
from pages.embeddings.map.picture import Mark
from pages.pictures.svg import visible
from pages.pictures.tokens import face


@dataclass(frozen=True)
class Pieces:
    """A vocabulary, and the text's tokens after layer `after` (0: what enters layer 1)."""

    whole: Vocabulary
    vectors: Float[np.ndarray, "point width"]
    hidden: Hidden | None
    after: int

    @property
    def states(self) -> Float[np.ndarray, "token width"]:
        """The text's tokens after that layer; none without a text."""
        if self.hidden is None:
            return np.zeros((0, self.vectors.shape[1]), np.float32)
        return self.hidden.states[self.after]

    @property
    def names(self) -> list[str]:
        """What the text's tokens are called."""
        if self.hidden is None:
            return []
        return [face(self.hidden.tokens, i) for i in range(len(self.hidden.tokens))]

    def has(self, point: str) -> bool:
        """Whether there is such a point."""
        number = point[1:]
        if not number.isdecimal() or len(point) > 8:
            return False
        sizes = {"v": len(self.whole), "t": len(self.states)}
        return int(number) < sizes.get(point[0], 0)

    def name(self, point: str) -> str:
        """The piece or token itself."""
        number = int(point[1:])
        return self.names[number] if point[0] == "t" else self.whole.texts[number]

    def vector(self, point: str) -> Float[np.ndarray, "width"]:
        """Its numbers."""
        number = int(point[1:])
        return self.states[number] if point[0] == "t" else self.vectors[number]

    def tokens(self, places: Float[np.ndarray, "token axis"]) -> list[Mark]:
        """The text's tokens at their places on a map."""
        return [
            Mark(f"t{i}", tuple(places[i, :3]), name, f"{name}, token {i + 1} of the text")
            for i, name in enumerate(self.names)
        ]

    def marks(self, ids: Sequence[int], places: Float[np.ndarray, "point axis"]) -> list[Mark]:
        """Some pieces at their places on a map."""
        texts = self.whole.texts
        return [
            Mark(f"v{i}", tuple(places[i, :3]), texts[i], f"{visible(texts[i])}, ID {i}")
            for i in ids
        ]


def told(them: Pieces, point: str, found: Neighbours) -> str:
    """What the list of a point's neighbours says, with its own numbers."""
    if not len(found.indices):
        return "There is no other point."
    first = visible(them.whole.texts[int(found.indices[0])], limit=24)
    lines = [f"Nearest is “{first}”: cosine {found.cosine[0]:.2f}, {found.degrees[0]:.0f}°."]
    if point[0] == "t" and them.hidden is not None:
        number = int(them.hidden.tokens.ids[int(point[1:])])
        rank = list(found.indices).index(number) + 1 if number in found.indices else None
        where = f"neighbor {rank}" if rank else f"not among the first {len(found.indices)}"
        moved = f"{them.after} layer{'s' if them.after > 1 else ''} of context moved it."
        if them.after == 0:
            moved = "the difference is what the position embedding adds."
        lines.append(f"Its own token embedding, ID {number}, is {where}: {moved}")
    return " ".join(lines)


def table(
    them: Pieces, own: Sequence[Mark], places: Float[np.ndarray, "point axis"]
) -> dict[str, Sequence[object]]:
    """Coordinates of everything on the map: the text's tokens, then the vocabulary."""
    mine = np.array([mark.place for mark in own], dtype=np.float32).reshape(-1, 3)
    every = np.concatenate([mine, places[:, :3]])
    names = [mark.text for mark in own] + [visible(text) for text in them.whole.texts]
    points = [mark.id for mark in own] + [f"v{i}" for i in range(len(them.whole))]
    axes = {name: every[:, k].round(5).tolist() for k, name in enumerate("xyz")}
    return {"point": points, "text": names, **axes}


def chosen(
    them: Pieces, some: Sequence[str], most: int
) -> tuple[list[str], list[str], Float[np.ndarray, "row width"]]:
    """Ids, names and vectors of the text's tokens and of the vocabulary.

    Of a vocabulary of more than `most` numbers only those pieces that are among `some`.
    """
    ids = list(range(len(them.whole)))
    if them.vectors.size > most:
        ids = sorted({int(one[1:]) for one in some if one[0] == "v"})
    labels = [f"t{i}" for i in range(len(them.names))] + [f"v{i}" for i in ids]
    names = them.names + [visible(them.whole.texts[i]) for i in ids]
    return labels, names, np.concatenate([them.states, them.vectors[ids]])
