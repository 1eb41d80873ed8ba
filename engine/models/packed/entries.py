"""The folder of packed weights: an entry for each model, bounded in bytes, the oldest gone first.

    packed/<key>/model.json         which files are the graph's, made from which graph
    packed/<key>/model-1f0c.onnx    the graph as ONNX Runtime optimized it
    packed/<key>/model-1f0c.bin     its weights, as they are and packed

The key is a digest of the model, of ONNX Runtime's version and of the kind of processor: packed
weights serve no other. Files are written under a name of their own and never changed; a record is
put in its place at last, by renaming, and says sizes and times of change. What it doesn't describe
exactly is not there. In: a bundle's identity. Knows nothing of sessions.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import onnxruntime

from engine.settings import settings

FORMAT = 1
MB = 10**6
FRESH = 3600.0  # seconds in which files without a record may still be in the making
USED = "used"  # its time of change is that of the entry's last use


@dataclass(frozen=True, slots=True)
class Record:
    """One graph of an entry: its file, empty where keeping it gains nothing; all that it needs."""

    graph: str
    files: dict[str, tuple[int, int]]


def root() -> Path:
    """The folder of all entries, beside that of exported models."""
    return settings().models.parent / "packed"


def limit() -> int:
    """The most bytes that all entries take; 0: none are kept."""
    return settings().packed_mb * MB


def place(digest: str) -> Path:
    """The folder of a model's entry, there or not."""
    parts = (FORMAT, digest, onnxruntime.__version__, processor())
    return root() / hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@cache
def processor() -> str:
    """The kind of processor and what it can do, in a line."""
    told = [platform.system(), platform.machine(), platform.processor()]
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        for wanted in ("model name", "flags", "Features"):
            told += [line for line in lines if line.startswith(wanted)][:1]
    return "\n".join(told)


def found(entry: Path, name: str, source: str) -> Record | None:
    """The record of a graph made from `source` (a digest), if all its files are as it says."""
    try:
        told = json.loads((entry / f"{name}.json").read_text(encoding="utf-8"))
        files = {file: (int(size), int(at)) for file, (size, at) in told["files"].items()}
        if told["key"] != entry.name or told["source"] != source:
            return None
        if any(stamp(entry / file) != files[file] for file in files):
            return None
        return Record(str(told["graph"]), files)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def graphs(entry: Path) -> list[str]:
    """The graphs of an entry whose files are all there, by their files' names."""
    names = []
    for path in sorted(entry.glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            source = json.loads(path.read_text(encoding="utf-8"))["source"]
            record = found(entry, path.stem, source)
            if record is not None and record.graph:
                names.append(record.graph)
    return names


def record(entry: Path, name: str, source: str, graph: str, files: Iterable[str]) -> None:
    """Say that a graph is ready, once its files are safe on the disk."""
    stamps = {}
    for file in files:
        with (entry / file).open("r+b") as opened:  # Windows flushes what may be written to
            os.fsync(opened.fileno())
        stamps[file] = stamp(entry / file)
    told = {"key": entry.name, "source": source, "graph": graph, "files": stamps}
    aside = entry / f".{name}.{uuid.uuid4().hex}"
    aside.write_text(json.dumps(told), encoding="utf-8")
    aside.replace(entry / f"{name}.json")


def discard(entry: Path, name: str) -> None:
    """Forget a graph of an entry; its files go when they are old."""
    with contextlib.suppress(OSError):
        (entry / f"{name}.json").unlink()


def stamp(path: Path) -> tuple[int, int]:
    """Bytes of a file and when it was changed, in nanoseconds."""
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def note_use(entry: Path) -> None:
    """Make this entry the one used last."""
    with contextlib.suppress(OSError):
        (entry / USED).touch()


def size(entry: Path) -> int:
    """Bytes of an entry; 0 where there is none."""
    total = 0
    with contextlib.suppress(OSError):
        for path in entry.iterdir():
            with contextlib.suppress(OSError):
                total += path.stat().st_size
    return total


def total() -> int:
    """Bytes of all entries."""
    return sum(size(entry) for entry in _entries())


def make_room(keeping: Path, needed: int = 0) -> None:
    """Throw away what was used longest ago until all fits, with `needed` bytes more."""
    _sweep(keeping)
    sizes = {entry: size(entry) for entry in sorted(_entries(), key=_last_used)}
    spare = limit() - needed - sum(sizes.values())
    for entry, held in sizes.items():
        if spare >= 0:
            return
        if entry != keeping:
            remove(entry)
            spare += held


def remove(entry: Path) -> None:
    """Throw an entry away; who has its files open keeps them."""
    shutil.rmtree(entry, ignore_errors=True)


def _sweep(entry: Path) -> None:
    """Remove what a process that ended left half made."""
    with contextlib.suppress(OSError):
        known = {USED}
        for path in entry.glob("*.json"):
            known |= {path.name}
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                known |= set(json.loads(path.read_text(encoding="utf-8"))["files"])
        for path in entry.iterdir():
            if path.name not in known and path.stat().st_mtime < time.time() - FRESH:
                path.unlink()


def _entries() -> list[Path]:
    try:
        return [path for path in root().iterdir() if path.is_dir()]
    except OSError:
        return []


def _last_used(entry: Path) -> float:
    with contextlib.suppress(OSError):
        return (entry / USED).stat().st_mtime
    with contextlib.suppress(OSError):
        return entry.stat().st_mtime
    return 0.0
