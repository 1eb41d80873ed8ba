"""Values on their way between a replica and a front: equal to the bit, arrays beside the rest.

    packed = pack(engine.layer(reading, "decoder", 0), "node/4711")
    packed.value()                                   # the same value, its arrays read-only

Pickle's fifth protocol hands each array over as a buffer, which Ray keeps in the node's shared
memory; nothing is written as text. A large array that is mapped from a file of a model travels as
the name of its place in that file: whoever receives it maps the file in the folder that all share.
Between nodes, where there is no memory to share, other large arrays become such files (`arrays`).
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.cluster import arrays
from engine.cluster.origins import Origin
from engine.errors import BrokenBundle
from engine.models import catalog
from engine.settings import settings

MAPPED_FROM = 10**6  # bytes from which a mapped array travels as its place in a file


@dataclass(frozen=True, slots=True)
class Refused:
    """In the place of a value: why there is none."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Packed:
    """A value in transit: its structure, its arrays' bytes, and which replica it is from.

    `origin` says where the replica had it from; empty for a refusal and for a stream's later items.
    """

    data: bytes
    buffers: list[Any] = field(default_factory=list)
    replica: str = ""
    origin: Origin | Literal[""] = ""

    def value(self) -> Any:
        """The value; raises what it was refused with, or `arrays.Lost` for its file."""
        # Copied out of the shared memory, which is the cluster's and small. What reads from `bytes`
        # cannot be written to, as every value of the engine.
        found = pickle.loads(self.data, buffers=[bytes(one) for one in self.buffers])
        if isinstance(found, Refused):
            raise found.error
        return found


def pack(
    value: Any, replica: str = "", origin: Origin | Literal[""] = "", *, files: bool = False
) -> Packed:
    """Pack a value; raises `TypeError` or `pickle.PicklingError` for what cannot travel.

    With `files` large arrays are handed over as files, as far as those can be kept.
    """
    stream, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
    _Pickler(stream, protocol=5, buffer_callback=buffers.append, files=files).dump(value)
    return Packed(stream.getvalue(), buffers, replica, origin)


class _Pickler(pickle.Pickler):
    """Protocol 5 for all plain arrays, those that jump over parts of their memory too."""

    def __init__(self, *args: Any, files: bool, **named: Any) -> None:
        super().__init__(*args, **named)
        self._files = files

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, np.ndarray) or value.dtype.hasobject:
            return NotImplemented
        place = _place(value)
        if place is not None:
            return _mapped, place
        plain = type(value) is np.ndarray
        whole = plain and (value.flags.c_contiguous or value.flags.f_contiguous)
        found = value if whole else np.ascontiguousarray(value)
        if self._files and arrays.fits(found) and (kept := arrays.keep(found)) is not None:
            return arrays.mapped, kept
        return NotImplemented if whole else found.__reduce_ex__(5)


def _roots() -> dict[str, Path]:
    """Folders of models: the front's and the replica's hold the same, perhaps elsewhere."""
    return {"models": settings().models, "shipped": catalog.SHIPPED, "moments": catalog.MOMENTS}


def _bases(array: np.ndarray) -> Iterator[np.ndarray]:
    found: Any = array
    while isinstance(found, np.ndarray):
        yield found
        found = found.base


def _place(array: np.ndarray) -> tuple[str, str, int, str, tuple[int, ...]] | None:
    """Root, file, offset in bytes, type and shape of an array that a model's file holds."""
    if array.nbytes < MAPPED_FROM or not array.flags.c_contiguous:
        return None
    # The outermost map knows the file's name and at which offset it begins.
    maps = [one for one in _bases(array) if isinstance(one, np.memmap) and one.filename]
    if not maps:
        return None
    whole, path = maps[-1], Path(str(maps[-1].filename)).resolve()
    offset = array.ctypes.data - whole.ctypes.data + whole.offset
    for name, folder in _roots().items():
        if path.is_relative_to(folder.resolve()):
            inside = str(path.relative_to(folder.resolve()))
            return name, inside, offset, array.dtype.str, array.shape
    return None


def _mapped(root: str, inside: str, offset: int, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    path = _roots()[root] / inside
    try:
        found = np.asarray(np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape))
    except (OSError, ValueError) as error:
        raise BrokenBundle(
            f"{inside} cannot be read here ({error}). Fronts and replicas of a cluster need the "
            "same models in the folder that they share."
        ) from None
    found.setflags(write=False)
    return found
