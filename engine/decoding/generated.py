"""A generated text as it is at one moment, and its figures.

In: tokens as they were chosen. Out: frozen values that pages draw: no jobs, no locks, no models.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.decoding.choosing import End, Written
from engine.decoding.continuation import Line


@dataclass(frozen=True, eq=False)
class Generated:
    """One continuation as far as it is written.

    `texts[i]` is what token i adds to the text on screen: a character that several tokens share
    comes with the last of them, the others add "". `writing` says that more may come, `problem`
    why nothing more comes, where that is an error.
    """

    line: Line
    tokens: tuple[Written, ...] = ()
    texts: tuple[str, ...] = ()
    seconds: tuple[float, ...] = ()
    writing: bool = False
    problem: Exception | None = None

    @property
    def end(self) -> End:
        """Why the text ended, "" while it has not."""
        return self.tokens[-1].end if self.tokens else ""

    @property
    def ids(self) -> list[int]:
        """Ids of the new tokens."""
        return [token.id for token in self.tokens]

    @property
    def text(self) -> str:
        """The new text, without an end token."""
        pairs = zip(self.texts, self.tokens, strict=True)
        return "".join(text for text, token in pairs if token.end != "end")

    @property
    def log_probability(self) -> float:
        """Sum of the natural logarithms of the model's own probabilities, forced ones included."""
        return sum(math.log(max(token.probability, 1e-30)) for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Statistics:
    """A text in figures; `distinct` and `repeated` are None while there are too few tokens.

    `surprisal` is the mean of -log p in nats under the model's own distribution, forced tokens left
    out, and `perplexity` its exponential. `distinct` is the share of different bigrams among all
    (distinct-2), `repeated` the share of 4-grams that occurred before.
    """

    length: int
    surprisal: float
    perplexity: float
    entropy: float
    distinct: float | None
    repeated: float | None
    seconds: float
    milliseconds: float


def statistics(text: Generated) -> Statistics:
    """Measure a text."""
    tokens, ids = text.tokens, text.ids
    own = [-math.log(max(token.probability, 1e-30)) for token in tokens if not token.forced]
    surprisal = sum(own) / len(own) if own else 0.0
    seconds = sum(text.seconds)
    different = _distinct(ids, 4)
    return Statistics(
        length=len(tokens),
        surprisal=surprisal,
        perplexity=math.exp(surprisal),
        entropy=sum(token.entropy for token in tokens) / len(tokens) if tokens else 0.0,
        distinct=_distinct(ids, 2),
        repeated=None if different is None else 1 - different,
        seconds=seconds,
        milliseconds=1000 * seconds / len(tokens) if tokens else 0.0,
    )


def first_difference(first: Sequence[int], second: Sequence[int]) -> int | None:
    """Index of the first token in which two texts differ; None while one begins the other.

    >>> first_difference([1, 2, 3], [1, 2, 4, 5])
    2
    """
    for index, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return index
    return None


def _distinct(ids: Sequence[int], size: int) -> float | None:
    """Share of different n-grams among all of this size."""
    found = Counter(zip(*(ids[i:] for i in range(size)), strict=False))
    return len(found) / found.total() if found else None
