"""Lines of Python that compute the numbers of an opened block's pictures again.

In: what a picture is about. Out: programs for notebooks, made by `pages.pictures.recipe`; each
binds `table`, the columns of that picture's CSV file.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.values import Reading, Side
from pages.pictures.recipe import recipe


def commitment(reading: Reading, side: Side, place: int) -> str:
    """The layer at which each place settles on its prediction."""
    return recipe(
        """
        engine, reading = local(), $reading
        found = engine.commitment(reading, $side, $place)
        table = {
            "position": found.places + 1,
            "predicted": engine.texts(reading.model, found.ids.tolist(), $side),
            "probability": found.probabilities,
            "settled after layer": found.settled,
        }
        """,
        reading=reading,
        side=side,
        place=place,
    )


def updates(reading: Reading, side: Side, position: int) -> str:
    """How long the vector is that each part of each layer adds to a token, and at what angle."""
    return recipe(
        """
        found = local().updates($reading, $side)
        layers, parts = found.norms.shape[:2]
        table = {
            "layer": np.repeat(np.arange(1, layers + 1), parts),
            "part": list(found.sublayers) * layers,
            "norm added": found.norms[:, :, $position].ravel(),
            "added to norm": found.into[:, :, $position].ravel(),
            "cosine": found.cosines[:, :, $position].ravel(),
            "stream after the layer": np.repeat(found.stream[1:, $position], parts),
        }
        """,
        reading=reading,
        side=side,
        position=position,
    )


def block(reading: Reading, side: Side, layer: int, position: int) -> str:
    """One block at one token: what enters, what each part adds to what, what leaves."""
    return recipe(
        """
        found = local().parts($reading, $side, $layer)
        added, into, cosine = found.sizes($position)
        table = {
            "part": [one.sublayer for one in found.updates],
            "norm added": added,
            "added to norm": into,
            "cosine": cosine,
        }
        """,
        reading=reading,
        side=side,
        layer=layer,
        position=position,
    )


def units(reading: Reading, side: Side, layer: int, position: int, shown: Sequence[int]) -> str:
    """What hidden units push up and down: `raised` and `lowered` are ids [unit, best]."""
    return recipe(
        """
        engine, reading = local(), $reading
        found = engine.pushes(reading, $side, $layer, $position, $units)
        raised, lowered = found.raised, found.lowered
        table = {
            "unit": found.units + 1,
            "activation": found.activations,
            "norm of its vector": found.lengths,
        }
        """,
        reading=reading,
        side=side,
        layer=layer,
        position=position,
        units=tuple(shown),
    )


def firing(reading: Reading, side: Side, layer: int, unit: int) -> str:
    """The activation of one hidden unit at every token of the text."""
    return recipe(
        """
        activations = local().parts($reading, $side, $layer).units[:, $unit]
        table = {
            "position": np.arange(1, len(activations) + 1),
            "activation": activations,
        }
        """,
        reading=reading,
        side=side,
        layer=layer,
        unit=unit,
    )
