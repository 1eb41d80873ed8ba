"""Large arrays as files in the folder that fronts and replicas share: named, mapped, never sent.

    place = keep(array)               # arrays/3f9a….npy, named by a digest of all that it holds
    array = mapped(*place)            # the same to the bit, read-only; raises `Lost`

The folder lies beside the models and is bounded (ATLAS_SHARED_MB); what was used longest ago goes
first, and nothing that a process has mapped. A file is written under another name and renamed; its
digest is compared when a process maps it for the first time, later its size and time of change.
What is not as its name says is removed, and made anew at the next question.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.errors import EngineError
from engine.settings import settings

try:
    import fcntl
except ImportError:  # Windows, where a file that is mapped cannot be removed anyway
    fcntl = None

MB = 10**6
LARGE = MB  # bytes from which an array is kept as a file
HEADER = 256  # bytes before an array in its file, at most
FRESH = 3600.0  # seconds in which a file under another name may still be in the making
KNOWN = 10_000  # files that a process has compared
PIECE = 16 * MB  # bytes that are read at once

Place = tuple[str, str, tuple[int, ...]]
"""A file's name without its ending, the type and the shape of the array in it."""


class Lost(EngineError):
    """A file that is not there any more, or is not what its name says."""


def root() -> Path:
    """The folder of all files, beside that of exported models."""
    return settings().models.parent / "arrays"


def limit() -> int:
    """The most bytes that all files take; 0: none are kept."""
    return settings().shared_mb * MB


def fits(array: np.ndarray) -> bool:
    """Whether an array is one for a file: large, of plain numbers, row after row."""
    plain = array.dtype.kind in "biufc" and array.flags.c_contiguous
    return plain and LARGE <= array.nbytes <= limit()


def keep(array: np.ndarray) -> Place | None:
    """Where an array that `fits` is kept from now on; None where it cannot be."""
    place = _digest(array.dtype.str, array.shape, array), array.dtype.str, array.shape
    path = _path(place[0])
    with contextlib.suppress(OSError, Lost):
        _compared(path, place)
        _note_use(path)
        return place
    try:
        root().mkdir(parents=True, exist_ok=True)
        if not make_room(array.nbytes + HEADER):
            return None
        _write(path, array)
    except OSError:
        return None  # the folder is lost, or its disk full
    return place


def mapped(name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """The array of a file, read-only; raises `Lost`."""
    path, place = _path(name), (name, dtype, tuple(shape))
    try:
        held = _Held(path, _compared(path, place), place)
    except (OSError, ValueError) as error:
        raise Lost(f"{path.name} cannot be read here ({error}).") from None
    _note_use(path)
    return np.asarray(held)


def make_room(needed: int) -> bool:
    """Remove what was used longest ago until `needed` bytes more fit; False where they do not."""
    _sweep()
    files = sorted(_files(), key=lambda one: one[1].st_atime_ns)
    spare = limit() - needed - sum(about.st_size for _, about in files)
    for path, about in files:
        if spare >= 0:
            break
        if _removed(path):
            spare += about.st_size
    return spare >= 0


def total() -> int:
    """Bytes of all files."""
    return sum(about.st_size for _, about in _files())


class _Held:
    """A mapped file, safe from removal as long as an array looks into it.

    It counts as memory of who holds it, so that the bound of a store bounds it too.
    """

    __slots__ = ("__array_interface__", "_file", "_map", "_nbytes")

    def __init__(self, path: Path, offset: int, place: Place) -> None:
        _, dtype, shape = place
        self._file = path.open("rb")
        try:
            _lock(self._file, alone=False)
            if not os.fstat(self._file.fileno()).st_nlink:
                raise OSError("it was just removed")
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        except BaseException:
            self._file.close()
            raise
        whole = np.frombuffer(self._map, dtype=np.uint8)
        self._nbytes = whole.nbytes
        self.__array_interface__ = {
            "version": 3,
            "data": (whole.ctypes.data + offset, True),
            "typestr": dtype,
            "shape": shape,
        }

    def __sizeof__(self) -> int:
        return self._nbytes

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()  # and with it the lock


def _digest(dtype: str, shape: tuple[int, ...], data: np.ndarray) -> str:
    found = hashlib.sha256(repr((dtype, tuple(shape))).encode())
    found.update(data.data.cast("B"))
    return found.hexdigest()[:40]


def _path(name: str) -> Path:
    if not name.isalnum():
        raise Lost("That is no name of a file.")
    return root() / f"{name}.npy"


def _note_use(path: Path) -> None:
    """Make this file the one used last; its time of change stays."""
    with contextlib.suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def _write(path: Path, array: np.ndarray) -> None:
    aside = root() / f".{uuid.uuid4().hex}"
    try:
        with aside.open("xb") as file:
            np.lib.format.write_array(file, array, allow_pickle=False)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


_known: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
_guard = threading.Lock()


def _compared(path: Path, place: Place) -> int:
    """At which byte the array of a file begins; raises `Lost` and removes what is another one."""
    name, dtype, shape = place
    with path.open("rb") as file:
        about = os.fstat(file.fileno())
        stamp = (about.st_size, about.st_mtime_ns, about.st_ino)
        try:
            told = _header(file)
            offset = file.tell()
            fits = offset + np.dtype(dtype).itemsize * int(np.prod(shape)) == about.st_size
            if told != (dtype, tuple(shape)) or not fits:
                raise ValueError("it has another size, type or shape")
            with _guard:
                known = _known.get(name) == stamp
            if not known and _content(file, dtype, shape) != name:
                raise ValueError("it was changed")
        except ValueError as error:
            path.unlink(missing_ok=True)
            raise Lost(f"{path.name} is not what it was ({error}).") from None
    with _guard:
        _known[name] = stamp
        _known.move_to_end(name)
        if len(_known) > KNOWN:
            _known.popitem(last=False)
    return offset


def _header(file: BinaryIO) -> tuple[str, tuple[int, ...]]:
    """Type and shape that a file says; raises `ValueError`."""
    versions = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(file)
    if version not in versions:
        raise ValueError(f"version {version}")
    shape, fortran, dtype = versions[version](file)
    if fortran:
        raise ValueError("column after column")
    return dtype.str, tuple(shape)


def _content(file: BinaryIO, dtype: str, shape: tuple[int, ...]) -> str:
    # Read, not mapped: what fails while it is read is an error, and not the end of the process.
    found = hashlib.sha256(repr((dtype, tuple(shape))).encode())
    while piece := file.read(PIECE):
        found.update(piece)
    return found.hexdigest()[:40]


def _files() -> list[tuple[Path, os.stat_result]]:
    found = list[tuple[Path, os.stat_result]]()
    for path in _listed():
        if path.suffix == ".npy":
            with contextlib.suppress(OSError):
                found.append((path, path.stat()))
    return found


def _listed() -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from root().iterdir()


def _sweep() -> None:
    """Remove what a process that ended left half made."""
    for path in _listed():
        with contextlib.suppress(OSError):
            if path.suffix != ".npy" and path.stat().st_mtime < time.time() - FRESH:
                path.unlink()


def _removed(path: Path) -> bool:
    """Remove a file unless a process has it mapped; whether it is gone."""
    try:
        with path.open("r+b") as file:  # some file systems lock for writers only
            _lock(file, alone=True)
            path.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _lock(file: BinaryIO, *, alone: bool) -> None:
    """Lock a file until it is closed; raises OSError where another process has it."""
    if fcntl is not None:
        kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        fcntl.flock(file.fileno(), kind | fcntl.LOCK_NB)
