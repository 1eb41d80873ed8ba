"""Checkpoints and bundles of the tests, kept from one run to the next in the user's cache folder.

What is kept is found by a digest of everything it was made of: the exporter's sources and those it
needs, the versions of the libraries, the checkpoint's files. A change of any of these makes it
anew, so nothing stale is ever compared. A run gets copies; each is compared with the digests taken
when it was kept. `ATLAS_TEST_CACHE` moves the folder; `ATLAS_TEST_CACHE=no` keeps nothing.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
import platform
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

from filelock import FileLock

from engine.settings import _cache_folder

ROOT = Path(__file__).resolve().parents[2]
MOST = 1_000_000_000  # bytes that are kept; what was used longest ago goes first
FRESH = 3600  # seconds after its last use in which nothing is removed: a run may need it yet
LIBRARIES = (
    "huggingface_hub",
    "numpy",
    "onnx",
    "onnx-ir",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxscript",
    "safetensors",
    "sentencepiece",
    "tokenizers",
    "torch",
    "transformers",
)

# What the exporter imports that may stop an export but cannot change a bundle. The exports made in
# every run (of a model just trained, by the app's own button) would show that it stops them.
STOPPING = ("engine/errors.py", "engine/settings.py", "engine/models/device.py")

Make = Callable[[Path], None]


class Kept:
    """Folders by digest under `root`; None keeps nothing. Safe for several processes at once."""

    def __init__(self, root: Path | None, most: int = MOST) -> None:
        self.root, self.most = root, most

    def into(self, folder: Path, key: str, make: Make) -> None:
        """Put what is kept under `key` at `folder`, or make it there and keep a copy."""
        if not self._copied(folder, key):
            make(folder)  # takes seconds: outside the lock
            with suppress(OSError):  # no room to keep it: the tests go on all the same
                self._keep(folder, key)

    def _copied(self, folder: Path, key: str) -> bool:
        if self.root is None or not (self.root / key).exists():
            return False
        with FileLock(self.root / "lock"):
            if not _whole(self.root / key):
                return False
            shutil.copytree(self.root / key / "files", folder)
            os.utime(self.root / key)
            return True

    def _keep(self, folder: Path, key: str) -> None:
        if self.root is None:
            return
        aside, place = self.root / f".new-{uuid.uuid4().hex}", self.root / key
        try:
            shutil.copytree(folder, aside / "files")
            (aside / "digests.json").write_text(json.dumps(_digests(aside / "files")))
            with FileLock(self.root / "lock"):
                shutil.rmtree(place, ignore_errors=True)
                aside.rename(place)
                self._tidy(besides=place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _tidy(self, *, besides: Path) -> None:
        """Remove what was used longest ago until the rest has room, and what was left half-made."""
        assert self.root is not None
        places = [path for path in self.root.iterdir() if path.is_dir() and path != besides]
        used = {path: path.stat().st_mtime for path in places}
        left = _size(besides) + sum(map(_size, places))
        for path in sorted(places, key=lambda path: used[path]):
            half_made = path.name.startswith(".new-")
            if time.time() - used[path] > FRESH and (half_made or left > self.most):
                left -= _size(path)
                shutil.rmtree(path, ignore_errors=True)


def folder() -> Path | None:
    """Where this user's test bundles are kept; None: nowhere."""
    given = os.environ.get("ATLAS_TEST_CACHE", "").strip()
    if given == "no":
        return None
    return (
        Path(given).expanduser()
        if given
        else _cache_folder(os.environ).with_name("transformer-atlas-tests")
    )


def key(*parts: str | bytes) -> str:
    """A digest of all parts, each with its length: `key("ab", "c") != key("a", "bc")`."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(f"{len(data)} ".encode() + data)
    return found.hexdigest()[:32]


def of_files(folder: Path, paths: Iterable[Path] | None = None) -> str:
    """A digest of files (all: None) and of their names in a folder."""
    chosen = folder.rglob("*") if paths is None else paths
    found: list[str] = []
    for path in sorted(path for path in chosen if path.is_file()):
        found += [path.relative_to(folder).as_posix(), _digest(path)]
    return key(*found)


@cache
def exporter() -> str:
    """A digest of the exporter: its command, all that makes a bundle, and the libraries."""
    command = ROOT / "engine" / "export" / "__main__.py"
    making = sources("engine.export.bundling") - {ROOT / name for name in STOPPING}
    return key(of_files(ROOT, {command, *making}), versions())


def files_of(*functions: Callable[..., object]) -> str:
    """A digest of the files that functions are written in."""
    return key(*(_digest(Path(inspect.getfile(function))) for function in functions))


@cache
def versions() -> str:
    """This Python and the libraries that take part in an export, one a line."""
    found = [f"python {'.'.join(map(str, sys.version_info[:2]))} {platform.machine()}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue  # one of the two builds of ONNX Runtime
    return "\n".join(found)


def sources(module: str, root: Path = ROOT) -> set[Path]:
    """The file of a module and of all of ours that it imports, at once or late."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _file(waiting.pop(), root)
        if path is not None and path not in found:
            found.add(path)
            waiting += _imported(path)
    return found


def _file(module: str, root: Path) -> Path | None:
    path = root.joinpath(*module.split("."))
    choices = (path.with_suffix(".py"), path / "__init__.py")
    return next((choice for choice in choices if choice.is_file()), None)


def _imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, each with every package above it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:n]) for n in range(1, len(parts) + 1))


def _whole(place: Path) -> bool:
    """Whether a kept folder is there and is what was kept."""
    try:
        return json.loads((place / "digests.json").read_text()) == _digests(place / "files")
    except (OSError, ValueError):
        return False


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _digest(path) for path in files}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
