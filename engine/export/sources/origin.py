"""The checkpoint that a source stands for: of the Hub, of a package, a folder, a GGUF file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.errors import ExportFailed
from engine.export.sources import gguf, packages
from engine.export.sources.hub import Checkpoint, fetch, local
from engine.export.sources.place import scratch
from engine.models.source import GGUF, Source

Report = Callable[[str, float], None]


@contextmanager
def opened(source: Source, out: Path, report: Report) -> Iterator[Checkpoint]:
    """The checkpoint, fetched where it is not here; what was made for it is removed at the end.

    `out` is where the bundle will be: room for it is looked for before anything large is fetched.
    """
    package = None if source.folder is not None else packages.find(source.id)
    if source.folder is None and package is None:
        yield fetch(source.id, source.revision, report, out=out)
        return
    place = packages.fetch(package, report, out=out) if package else source.folder
    assert place is not None
    with _read(place, package.title if package else source.last, out, report) as found:
        if package:
            found = replace(
                found,
                source=package.model,
                revision=f"{package.project} {package.version}",
                licence=package.licence,
            )
        yield found


@contextmanager
def _read(place: Path, name: str, out: Path, report: Report) -> Iterator[Checkpoint]:
    """The checkpoint in a folder, or in the GGUF file that is there instead."""
    file = quantized(place)
    if file is None:
        yield replace(local(place), name=name)
        return
    report("De-quantizing the GGUF file", 1.0)
    with scratch(out, "gguf") as folder:
        yield gguf.checkpoint(file, name, folder, out)


def quantized(place: Path) -> Path | None:
    """The GGUF file that a place is, or that it has instead of a checkpoint; None: neither."""
    if place.is_file():
        return place
    if (place / "config.json").is_file():
        return None
    found = sorted(path for path in place.iterdir() if path.suffix.lower() == GGUF)
    if len(found) > 1:
        raise ExportFailed(
            f"{place.name} has {len(found)} GGUF files ({found[0].name}, say). Give one of them."
        )
    return found[0] if found else None
