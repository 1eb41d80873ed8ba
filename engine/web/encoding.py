"""An answer as bytes: JSON for everybody, npz for numpy.

    as_json({"weights": array, "keys": ("a", "fox")})
    as_npz(...)         # np.load(io.BytesIO(answer)): float32 stays float32, to the bit

In: values by name: arrays, tuples of texts, texts, numbers, dictionaries (JSON only). Out: bytes.
Numbers that JSON does not have (NaN, infinities) are null. Long lists are written a row at a time,
as one long call would hold up every other thread.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from engine.web.refusals import Refusal

JSON_NUMBERS = 200_000  # in one answer: 4 MB, 0.2 s of a core
NPZ_BYTES = 64 * 10**6
TYPES = {"json": "application/json", "npz": "application/octet-stream"}


def check_size(numbers: int, form: str, instead: str) -> None:
    """Refuse an answer of too many float32 numbers before it is computed.

    `instead` is what to ask for instead, a whole sentence.
    """
    if form == "json" and numbers > JSON_NUMBERS:
        raise Refusal(
            413,
            f"The answer has {numbers:,} numbers; as JSON at most {JSON_NUMBERS:,} are sent. "
            f"{instead} Or ask for format=npz.",
        )
    if 4 * numbers > NPZ_BYTES:
        raise Refusal(
            413,
            f"The answer has {4 * numbers / 1e6:,.0f} MB; at most {NPZ_BYTES / 1e6:,.0f} MB are "
            f"sent. {instead}",
        )


def encoded(found: Mapping[str, Any], form: str) -> bytes:
    """An answer in the form that was asked for: "json" or "npz"."""
    return as_npz(found) if form == "npz" else as_json(found)


def as_json(found: Mapping[str, Any]) -> bytes:
    """An answer as one JSON object."""
    return "".join(_written(found)).encode()


def as_npz(found: Mapping[str, Any]) -> bytes:
    """An answer as an npz file: arrays as they are, texts as arrays of texts, no pickles."""
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **{name: _array(value) for name, value in found.items()})
    return out.getvalue()


def _array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    # An empty list of texts would be one of numbers.
    kind = np.str_ if isinstance(value, str | tuple | list) else None
    return np.array(value, dtype=kind)


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield "{"
        for place, (name, part) in enumerate(value.items()):
            yield f"{', ' if place else ''}{json.dumps(name)}: "
            yield from _written(part)
        yield "}"
    elif isinstance(value, np.ndarray) and value.ndim > 1:
        yield "["
        for place, part in enumerate(value):
            yield ", " if place else ""
            yield from _written(part)
        yield "]"
    elif isinstance(value, np.ndarray):
        yield json.dumps(_numbers(value))
    elif isinstance(value, list | tuple):
        yield "["
        for place, part in enumerate(value):
            yield ", " if place else ""
            yield from _written(part)
        yield "]"
    elif isinstance(value, float):
        yield json.dumps(value if np.isfinite(value) else None)
    else:
        yield json.dumps(value)


def _numbers(row: np.ndarray) -> list[Any]:
    if row.dtype.kind != "f" or np.isfinite(row).all():
        return row.tolist()
    return [one if np.isfinite(one) else None for one in row.tolist()]
