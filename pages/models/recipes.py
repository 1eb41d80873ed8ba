"""Lines of Python that compute the numbers of the pictures of Models again.

In: selections, shapes, uses. Out: programs for notebooks, made by `pages.pictures.recipe`; each
binds `table`, the columns of that picture's CSV file.
"""

from __future__ import annotations

from engine.costs.memory import Use
from engine.costs.shapes import Shape
from engine.landscape.known import Selection
from pages.pictures.recipe import recipe


def timeline(asked: Selection, axis: str) -> str:
    """The models of a selection that have a number on the axis."""
    return recipe(
        """
        models = known.chosen($asked)
        table = known.columns([one for one in models if getattr(one, $axis)])
        """,
        asked=asked,
        axis=axis,
    )


def family_tree() -> str:
    """The models that courses speak of, as their papers have them."""
    return recipe("table = notes.model_columns(notes.note_models())")


def order(seed: int) -> str:
    """Six models drawn by a seed, the largest first."""
    return recipe(
        """
        models = ordering.by_size(ordering.six($seed))
        table = {
            "model": [one.name for one in models],
            "parameters": [one.largest for one in models],
            "source": [one.sources[0].link for one in models],
        }
        """,
        seed=seed,
    )


def figures() -> str:
    """What is often said, and what is right."""
    return recipe("table = notes.claim_columns(notes.claims())")


def memory_by_part(shape: Shape, use: Use) -> str:
    """Bytes of a use by part."""
    return recipe(
        """
        shape = $shape
        table = memory.columns(shape, $use)
        """,
        shape=shape,
        use=use,
    )


def loss(law: str, flop: float) -> str:
    """The models of one budget, and their loss by a fit."""
    return recipe(
        """
        table = scaling.along(scaling.LAWS[$law], $flop)
        """,
        law=law,
        flop=flop,
    )


def shape(of: Shape) -> str:
    """Parameters by part."""
    return recipe(
        """
        parts = $of.parts
        table = {"part": list(parts), "parameters": list(parts.values())}
        """,
        of=of,
    )


def lifecycle() -> str:
    """The stages from an idea to an application."""
    return recipe("table = stages.columns()")
