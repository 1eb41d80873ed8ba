"""safetensors files, read and written with numpy alone: the app runs where that package is not.

The format: eight bytes that say how long the header is, the header as JSON, then the numbers. A
file comes from outside, so whatever the header says is held against the file's length.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.errors import BrokenBundle

DTYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}
HEADER_AT_MOST = 1 << 20
BYTES_AT_MOST = 64 * 10**6


def read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file by name, as they are stored; `BrokenBundle` names what is wrong."""
    try:
        size = path.stat().st_size
        if size > BYTES_AT_MOST:
            raise BrokenBundle(
                f"{path.name} has {size / 1e6:,.0f} MB; at most {BYTES_AT_MOST / 1e6:.0f} are read."
            )
        return _tensors(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise BrokenBundle(f"{path.name} cannot be read as safetensors ({error}).") from None


def write(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write tensors of float32 or float16, aside and renamed."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header, body = {}, b""
    for name, array in tensors.items():
        data = np.ascontiguousarray(array).tobytes()
        place = [len(body), len(body) + len(data)]
        kind = names[array.dtype.newbyteorder("<")]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": place}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(struct.pack("<Q", len(text)) + text + body)
    aside.replace(path)


def _tensors(data: bytes) -> dict[str, np.ndarray]:
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(HEADER_AT_MOST, len(data) - 8):
        raise ValueError(f"a header of {length} bytes in a file of {len(data)}")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    return {name: _tensor(told, data, 8 + length) for name, told in header.items()}


def _tensor(told: dict[str, object], data: bytes, base: int) -> np.ndarray:
    dtype, shape = DTYPES[str(told["dtype"])], [int(n) for n in told["shape"]]  # type: ignore[union-attr]
    start, end = (int(n) for n in told["data_offsets"])  # type: ignore[union-attr]
    if min([start, *shape]) < 0 or not start <= end <= len(data) - base:
        raise ValueError(f"a tensor from byte {start} to {end}")
    if end - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{end - start} bytes for a shape of {shape}")
    return np.frombuffer(data, dtype, math.prod(shape), base + start).reshape(shape)
