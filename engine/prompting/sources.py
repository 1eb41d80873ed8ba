"""Where a model attends while it is about to answer: to which examples, in which heads.

In: a prompt's tokens and the attention of its last token, the one that predicts the answer. Out:
`Sources`: how much each head gives to the answers of the examples, and to those that begin as the
model's own answer does. Attention is no explanation: a head that attends there need not be the
one that decides. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.values import Frozen, Tokens


@dataclass(frozen=True, eq=False, slots=True)
class Sources(Frozen):
    """What the token that predicts the answer attends to; each head's weights sum to 1.

    `answers[i]` are the tokens (0-based) of example i's answer, `next_id` the token that the model
    would write first, `same` says of each example whether its answer begins with that token.
    """

    tokens: Tokens
    weights: Float[np.ndarray, "layer head token"]
    examples: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[int, ...], ...]
    next_id: int
    next_probability: float
    same: tuple[bool, ...]

    @property
    def to_answers(self) -> Float[np.ndarray, "layer head"]:
        """The share of each head's weight on the answers of all examples."""
        return self._share([place for places in self.answers for place in places])

    @property
    def to_same(self) -> Float[np.ndarray, "layer head"]:
        """The share on answers that begin as the model's own does."""
        pairs = zip(self.answers, self.same, strict=True)
        return self._share([place for places, same in pairs if same for place in places])

    @property
    def uniform(self) -> float:
        """The share that attention spread evenly would give to the answers."""
        return sum(map(len, self.answers)) / len(self.tokens)

    @property
    def copying(self) -> tuple[int, int]:
        """Layer and head (0-based) that give most to answers that begin as the model's own.

        To any answers, where no example has one that does.
        """
        share = self.to_same if any(self.same) else self.to_answers
        layer, head = np.unravel_index(int(share.argmax()), share.shape)
        return int(layer), int(head)

    def to_examples(self, layer: int, head: int) -> Float[np.ndarray, "example"]:
        """The share of one head's weight on each example, its answer included."""
        weights = self.weights[layer, head]
        return np.array([weights[list(places)].sum() for places in self.examples])

    def _share(self, places: list[int]) -> Float[np.ndarray, "layer head"]:
        return self.weights[:, :, places].sum(axis=2)


def tokens_at(tokens: Tokens, span: tuple[int, int]) -> tuple[int, ...]:
    """The tokens (0-based) that cover characters of a stretch of the text."""
    starts, ends = tokens.spans[:, 0], tokens.spans[:, 1]
    inside = (starts < span[1]) & (ends > span[0]) & (starts < ends)
    return tuple(np.flatnonzero(inside).tolist())


def sources(
    tokens: Tokens,
    weights: Float[np.ndarray, "layer head token"],
    *,
    examples: Sequence[tuple[int, int]],
    answers: Sequence[tuple[int, int]],
    logits: Float[np.ndarray, "vocabulary"],
) -> Sources:
    """Put together what is known; `examples` and `answers` are stretches of characters."""
    places = tuple(tokens_at(tokens, span) for span in answers)
    next_id = int(logits.argmax())
    powers = np.exp(logits - logits.max())
    first = [int(tokens.ids[own[0]]) if own else -1 for own in places]
    return Sources(
        tokens=tokens,
        weights=weights,
        examples=tuple(tokens_at(tokens, span) for span in examples),
        answers=places,
        next_id=next_id,
        next_probability=float(powers[next_id] / powers.sum()),
        same=tuple(one == next_id for one in first),
    )
