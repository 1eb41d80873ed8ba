"""What one session is given is what all are given: nothing of it can be changed."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from engine.store import store
from engine.tokenizers.tokenization_steps import Cutter
from engine.values import FrozenDict
from tests.pages.conftest import Open, crash

FRENCH = "Le petit chien dort sur la table."
VISITS = (
    ("1_Tokenization", {"text": "Once upon a time"}),
    ("1_Tokenization", {"view": "Vocabulary"}),
    ("1_Tokenization", {"view": "Step by step", "text": "unbelievable"}),
    ("2_Embeddings", {}),
    ("2_Embeddings", {"view": "Through the layers", "text": "the bank of the river"}),
    ("3_Attention", {"text": "The cat sat on the mat"}),
    ("3_Attention", {"model": "fr-en", "kind": "cross", "text": FRENCH}),
    ("4_Translation", {"text": FRENCH}),
    ("5_Decoding", {"text": "The king said that"}),
    ("Home", {}),
)
PLAIN = (str, bytes, int, float, bool, type(None), np.generic)


@pytest.mark.parametrize(("page", "address"), VISITS)
def test_nothing_that_pages_share_can_be_changed(
    open_page: Open, page: str, address: dict[str, str]
) -> None:
    """Dictionaries and lists that were kept could be written to by whoever was given them."""
    store().clear()
    assert not crash(open_page(page, **address))
    kept = store().values()
    assert kept
    found = [what for value in kept for what in _changeable(value, type(value).__name__)]
    assert found == []


def _changeable(value: Any, path: str) -> list[str]:
    """Where a value can be written to: the names that lead there."""
    if isinstance(value, np.ndarray):
        return [f"{path}: array"] if value.flags.writeable else []
    if isinstance(value, PLAIN) or type(value) is Cutter:  # its rules are nobody's to see
        return []
    if isinstance(value, FrozenDict):
        return [w for key, part in value.items() for w in _changeable(part, f"{path}[{key!r}]")]
    if isinstance(value, tuple | frozenset):
        return [w for part in list(value)[:50] for w in _changeable(part, f"{path}[]")]
    if is_dataclass(value) and value.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        names = [field.name for field in fields(value)]
        return [w for n in names for w in _changeable(getattr(value, n), f"{path}.{n}")]
    return [f"{path}: {type(value).__name__}"]
