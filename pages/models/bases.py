"""The shapes that one may start from: well-known models, and installed ones that can be counted."""

from __future__ import annotations

from engine.costs.known_shapes import KNOWN, of_card
from engine.costs.shapes import Shape
from engine.errors import EngineError
from pages.shell.cache import engine


def bases() -> dict[str, Shape]:
    """Shapes by name; an installed model goes by its own."""
    found = dict(KNOWN)
    for entry in engine().models():
        if entry.ready:
            try:
                found[entry.name] = of_card(engine().card(entry.name))
            except EngineError:
                continue  # it has parts that are not counted, or cannot be read
    return found
