"""Lines of Python that compute the numbers of Home's pictures again: tokens in, predictions out."""

from __future__ import annotations

from collections.abc import Sequence

from engine.values import Reading, Side
from pages.pictures.recipe import recipe


def whole_path(reading: Reading, sides: Sequence[Side], shown: int) -> str:
    """The tokens of each tower, and how likely what comes out above each token shown is.

    What was written is known for a target; else it is the likeliest token.
    """
    return recipe(
        """
        engine, reading, sides = local(), $reading, $sides
        tokens = [engine.tokens(reading, side) for side in sides]
        count, shown = len(tokens[-1]), $shown
        probability = np.full(sum(map(len, tokens)), np.nan)
        if engine.card(reading.model).predicts:
            places = tuple(dict.fromkeys((*range(min(count, shown)), count - 1)))
            logits = engine.logits(reading, places).logits
            likely = np.exp(logits - logits.max(axis=1, keepdims=True))
            likely /= likely.sum(axis=1, keepdims=True)
            chosen = likely.argmax(axis=1)
            if reading.target:  # what a translator wrote after each token
                after = [reading.target[at + 1] for at in places if at + 1 < count]
                chosen[: len(after)] = after
            first = len(probability) - count  # of the tower that predicts
            some = min(count, shown)
            rows = np.arange(some)
            probability[first : first + some] = likely[rows, chosen[:some]]
        table = {
            "position": np.concatenate([np.arange(1, len(one) + 1) for one in tokens]),
            "id": np.concatenate([one.ids for one in tokens]),
            "probability": probability,
        }
        """,
        reading=reading,
        sides=list(sides),
        shown=shown,
    )


def precisions(one: Reading, other: Reading, count: int) -> str:
    """How far two models' predictions after each of the first tokens are from each other."""
    return recipe(
        """
        engine, readings, rows = local(), $readings, tuple(range($count))
        found = divergence(*(engine.logits(reading, rows).logits for reading in readings))
        table = {
            "divergence_bits": found.bits,
            "first_probability": found.sure[0],
            "second_probability": found.sure[1],
        }
        """,
        readings=(one, other),
        count=count,
    )
