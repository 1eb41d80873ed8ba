"""Tokens on their way from a process: one JSON object that is read at once, however long the text.

In: `Tokens`. Out: a dict for JSON, and the same tokens again. Arrays and bytes travel in base 64:
long lists in JSON would hold the app's interpreter while they are read.
"""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import Any

import numpy as np

from engine.values import Tokens

ARRAYS = {
    "ids": "<i8",
    "spans": "<i8",
    "special": "?",
    "unknown": "?",
    "segments": "<i8",
    "left_out": "u1",
}


def packed(tokens: Tokens) -> dict[str, Any]:
    """Tokens as JSON takes them."""
    lengths = np.array([len(part) for part in tokens.data], dtype="<i8")
    return {
        "text": tokens.text,
        "pieces": tokens.pieces,
        "data": _written(b"".join(tokens.data)),
        "lengths": _written(lengths.tobytes()),
        **{
            name: _written(getattr(tokens, name).astype(kind).tobytes())
            for name, kind in ARRAYS.items()
        },
    }


def unpacked(said: dict[str, Any]) -> Tokens:
    """What `packed` made, as it was."""
    found = {name: _array(said[name], kind) for name, kind in ARRAYS.items()}
    found["spans"] = found["spans"].reshape(-1, 2)
    data = base64.b64decode(said["data"])
    places = np.concatenate([[0], np.cumsum(_array(said["lengths"], "<i8"))]).tolist()
    return Tokens(
        text=said["text"],
        pieces=tuple(said["pieces"]),
        data=tuple(data[start:end] for start, end in pairwise(places)),
        **found,
    )


def _written(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _array(text: str, kind: str) -> np.ndarray:
    # A copy: what comes out of bytes cannot be written, and holds on to them.
    return np.frombuffer(base64.b64decode(text), dtype=kind).copy()
