"""Lines of Python that compute the numbers of What if again.

In: readings, with their `Change`. Out: programs for notebooks, as in `pages.attention.recipes`.
"""

from __future__ import annotations

from engine.values import Reading, Side
from engine.whatif.orders import Positions
from pages.pictures.recipe import recipe


def changed(intact: Reading, other: Reading, position: int, side: Side, count: int) -> str:
    """What is predicted at a position by the model as it was made, and changed."""
    return recipe(
        """
        engine = local()

        def probabilities(reading):
            logits = engine.logits(reading, ($position,)).logits[0].astype(np.float64)
            shares = np.exp(logits - logits.max())
            return shares / shares.sum()

        before, after = probabilities($intact), probabilities($other)
        best = np.argsort(-np.maximum(before, after), kind="stable")[:$count]
        table = {
            "token": engine.texts($model, best.tolist(), $side),
            "before": before[best],
            "after": after[best],
        }
        """,
        intact=intact,
        other=other,
        position=position,
        model=intact.model,
        side=side,
        count=count,
    )


def orders(reading: Reading, side: Side, positions: Positions, seed: int) -> str:
    """The largest difference to the words in another order, undone, layer by layer."""
    return recipe(
        """
        found = local().orders($reading, $side, $positions, $seed)
        table = {
            "after layer": np.arange(len(found.changed)),
            "as made": found.as_made,
            $name: found.changed,
        }
        """,
        reading=reading,
        side=side,
        positions=positions,
        seed=seed,
        name=f"positions {positions}",
    )


def surprise(reading: Reading, unmasked: Reading) -> str:
    """Surprise of each next token, in bits, with the mask and without."""
    return recipe(
        """
        engine, reading = local(), $reading
        ids = engine.tokens(reading, "decoder").ids[1:]
        table = {
            "token": engine.texts(reading.model, ids.tolist(), "decoder"),
            "as made": engine.next_token_bits(reading),
            "mask off": engine.next_token_bits($unmasked),
        }
        """,
        reading=reading,
        unmasked=unmasked,
    )
