"""Where a bundle is made: room for it in memory and on the disk, one export at a time, all or none.

A bundle is written in a folder beside its place, whose name begins with a dot, and renamed when it
is complete and proved; whatever goes wrong before leaves nothing that is ever listed. What would
not fit is refused before anything is downloaded or loaded. Nothing here knows of torch.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import EngineError, ExportFailed

COPIES = 3  # of the weights in memory at the most: the model, the graph's, the session's
NUMBER = 4  # bytes of a weight while it is exported
SPARE = 1.1  # graphs, tokenizer and card come on top of the weights


def check_memory(name: str, parameters: int) -> None:
    """Refuse, with the numbers, a model that would not fit in memory."""
    needed, free = parameters * NUMBER * COPIES, memory_free()
    if free is not None and needed > free:
        raise ExportFailed(
            f"{name} needs about {_gb(needed)} of memory to be exported; {_gb(free)} are free. "
            "Choose a smaller model or close programs."
        )


def check_disk(name: str, parameters: int, out: Path) -> None:
    """Refuse, with the numbers, a bundle that would not fit on the disk of its place."""
    _check_space(out, parameters * NUMBER * SPARE, f"{name} needs")


def check_download(name: str, size: int, cache: Path, parameters: int, out: Path) -> None:
    """Refuse, with the numbers, `size` bytes to be downloaded, with the bundle that follows."""
    bundle = parameters * NUMBER * SPARE
    together = _disk(cache) == _disk(out)
    needs = f"{name} is {_gb(size)} to download"
    if together and bundle:
        needs += f" and {_gb(bundle)} as a bundle: it needs"
    else:
        needs += ": it needs"
    _check_space(cache, size + bundle * together, needs)
    if not together:
        check_disk(name, parameters, out)


def _check_space(place: Path, needed: float, needs: str) -> None:
    folder = existing(place)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ExportFailed(
            f"{needs} {_gb(needed)} on the disk of {folder}; {_gb(free)} are free. Free some "
            "space and try again."
        )


def existing(place: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(folder for folder in (place, *place.resolve().parents) if folder.exists())


def _disk(place: Path) -> int:
    return existing(place).stat().st_dev


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"


def memory_free() -> int | None:
    """Bytes of memory that can be taken; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = {line.split(":")[0]: line.split()[1] for line in lines}
    return int(found["MemAvailable"]) * 1024 if "MemAvailable" in found else None


# How a full disk is spelt where no error number is left: by pip, and by libraries written in Rust.
FULL = re.compile(r"No space left on device|Disk quota exceeded|\b(?:os error|Errno) (?:28|122)\b")


def full(error: BaseException | str) -> bool:
    """Whether an error, or what a program said of one, is that of a full disk."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return True
    return not isinstance(error, EngineError) and FULL.search(str(error)) is not None


def disk_full(place: Path) -> ExportFailed:
    """The sentence for a disk that filled up."""
    folder = existing(place)
    free = shutil.disk_usage(folder).free
    return ExportFailed(
        f"The disk of {folder} is full ({free / 1e6:,.0f} MB free). Free some space and try again; "
        "nothing half-made was kept."
    )


@contextmanager
def full_disk_explained(place: Path) -> Iterator[None]:
    """Turn a disk that fills up into a sentence."""
    try:
        yield
    except Exception as error:
        if not full(error):
            raise
        raise disk_full(place) from None


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Be the only export of this bundle on this machine; a second one is told so, and ends.

    The lock lies among the user's temporary files: beside the bundle it would stay behind.
    """
    out = out.resolve()
    owner = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    folder = Path(tempfile.gettempdir()) / f"transformer-atlas-{owner}"
    folder.mkdir(mode=0o700, exist_ok=True)
    name = hashlib.blake2b(str(out).encode(), digest_size=12).hexdigest()
    lock = FileLock(folder / f"{name}.lock")
    try:
        # The system lets go of the lock of a process that was killed.
        lock.acquire(timeout=0)
    except Timeout:
        raise ExportFailed(
            f"Another export of {out.name} is under way on this machine. Wait until it has ended, "
            "or stop it, and try again."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def aside(out: Path) -> Iterator[Path]:
    """A folder to write into that takes the place of `out` when the block ends well."""
    out = out.resolve()
    with scratch(out, "part") as part:
        yield part
        with scratch(out, "old") as old:
            if out.exists():
                out.rename(old / out.name)
            part.rename(out)


@contextmanager
def scratch(out: Path, purpose: str) -> Iterator[Path]:
    """An empty folder beside `out` for as long as the block runs; what a killed one left is swept.

    Its name begins with a dot, so that it is never listed.
    """
    out = out.resolve()
    folder = out.parent / f".{out.name}.{purpose}-{os.getpid()}"
    with full_disk_explained(out.parent):
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            _sweep(out)
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(out: Path) -> None:
    """Remove what killed processes left beside this folder: half a bundle, half a download."""
    for path in out.parent.glob(f".{out.name}.*-*"):
        process = path.name.rpartition("-")[2]
        if process.isdigit() and not _running(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
