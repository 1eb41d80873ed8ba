"""Which models there are, and what each of them is."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable

import numpy as np

from engine.models import adding, catalog, runtime
from engine.models.bundle import Card, Stack
from engine.models.catalog import Entry
from engine.models.device import Device
from engine.policy import Visitor
from engine.tokenizers import reader_pool
from engine.tokenizers.reader import came_along
from engine.trace import tracing
from engine.values import Kind, Reading

FRESH = 0.05  # seconds
_seen = threading.local()


class Models:
    """The part of `engine.api.Engine` about models; the other parts build on it."""

    def models(self) -> tuple[Entry, ...]:
        return catalog.entries()

    def find(self, name: str) -> Entry:
        return catalog.find(name)

    def delete(self, name: str, visitor: Visitor) -> None:
        adding.delete(name, visitor)

    def card(self, model: str) -> Card:
        return bundle(model).card

    def device(self, model: str) -> Device:
        return bundle(model).device

    def is_open(self, model: str) -> bool:
        return bundle(model).is_open

    def open(self, model: str) -> None:
        opened = bundle(model)
        if not came_along(opened.folder):
            # The process that reads its texts needs a second, as the graph does: at once.
            reader_pool.begin(opened.folder / "tokenizer.json")
        opened.session("model")

    def digest(self, model: str) -> str:
        return digest(model)

    def stack(self, model: str, kind: Kind) -> Stack:
        found = self.card(model)
        return (found.encoder if kind == "encoder" else found.decoder) or found.tower

    def gives_attention(self, model: str, kind: Kind) -> bool:
        return tracing.gives_attention(bundle(model), kind)

    def others_with(self, model: str, kind: Kind) -> tuple[str, ...]:
        return tuple(
            entry.name
            for entry in self.models()
            if entry.folder is not None
            and entry.name != model
            and (entry.family == "encoder-decoder" or entry.family == kind)
        )

    def vectors(self, model: str, name: str) -> np.ndarray:
        return bundle(model).vectors(name)


def bundle(model: str) -> runtime.Bundle:
    """The opened bundle of a model; `runtime` decides how many stay open.

    Raises `UnknownModel`, `ModelNotExported`, `BrokenBundle`.
    """
    # A run of a page asks some fifty times, and each look at the folders is 20 calls of the system:
    # a quarter of the time of a click. A thread believes what it saw a moment ago.
    seen: dict[str, tuple[float, runtime.Bundle]] = _seen.__dict__
    when, found = seen.get(model, (-1.0, None))
    now = time.monotonic()
    if found is None or now - when > FRESH:
        folder = catalog.find(model).folder
        assert folder is not None, "find() gives exported models only"
        found = runtime.open_bundle(folder)
        seen[model] = (now, found)
    return found


def digest(model: str) -> str:
    """Which model this is, by its files' contents: part of every key that a model is in."""
    return bundle(model).digest


def of(reading: Reading) -> Hashable:
    """A reading and the digest of its model: the part of a key that says what was read."""
    return (reading, digest(reading.model))
