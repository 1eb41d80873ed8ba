"""The recipes by name, imported when asked for."""

from __future__ import annotations

import importlib
from types import ModuleType

NAMES = ("tales-gpt", "fr-en", "tales-bert")
BESIDE = ("tales-rnn", "tales-mini")  # not on every page: trained and packed on their own


def find(name: str) -> ModuleType:
    """The module of a recipe: `Settings` and `prepare(corpus, folder, settings, fraction=..)`."""
    if name not in (*NAMES, *BESIDE):
        raise ValueError(f"no recipe is called {name}; there are {', '.join((*NAMES, *BESIDE))}")
    return importlib.import_module(f"engine.training.{name.replace('-', '_')}")
