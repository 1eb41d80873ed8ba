"""Where adapters lie: those that come along, one's own, and bundles merged to be run.

In: names. Out: folders and cards. A damaged adapter is left out of the list, and said when it is
asked for by name. Merged bundles are a cache: the oldest goes when there are `MERGED` of them.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from engine.errors import BrokenBundle, NotOffered, UnknownModel
from engine.models import bundle, catalog, runtime
from engine.models.catalog import NAME
from engine.settings import settings
from engine.tuning import adapters, merging
from engine.tuning.adapters import CARD, Card

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "adapters"
AT_MOST, MERGED = 20, 6
_merging = threading.Lock()


def OWN() -> Path:  # noqa: N802
    """The folder of adapters that were trained here."""
    return settings().models.parent / "adapters"


def own() -> tuple[str, ...]:
    """Names of the adapters that were trained here."""
    return _names(OWN())


def names() -> tuple[str, ...]:
    """Names of all adapters, those that come along first."""
    return tuple(dict.fromkeys((*_names(SHIPPED), *own())))


def folder(name: str) -> Path:
    """Where an adapter lies; `UnknownModel` where there is none of that name."""
    if NAME.fullmatch(name):
        for place in (SHIPPED, OWN()):
            if (place / name / CARD).is_file():
                return place / name
    here = ", ".join(names()) or "none"
    raise UnknownModel(f"There is no adapter called {name[:80]!r} here. Adapters: {here}.")


def is_shipped(name: str) -> bool:
    """Whether an adapter came along."""
    return (SHIPPED / name / CARD).is_file()


def card(name: str) -> Card:
    """The card of an adapter, read again only when it changed."""
    place = folder(name)
    return adapters.card_at(place, (place / CARD).stat().st_mtime_ns)


def cards() -> tuple[Card, ...]:
    """Cards of the adapters that are whole and fit a model that is here."""
    found = []
    for name in names():
        try:
            one = card(name)
            if fits(one):
                found.append(one)
        except (BrokenBundle, UnknownModel):
            continue
    return tuple(found)


def fits(one: Card) -> bool:
    """Whether the base that it was trained on is the one that is here."""
    base = catalog.find(one.base).folder
    return base is not None and bundle.identity(bundle.read_card(base)) == one.base_digest


def base(one: Card) -> Path:
    """The folder of an adapter's base."""
    found = catalog.find(one.base).folder
    assert found is not None
    return found


def merged(name: str) -> Path:
    """The bundle of an adapter in its base, made at first use."""
    one = card(name)
    place = settings().models.parent / "tuned" / f"{name}-{one.sha256[:12]}"
    with _merging:
        if not (place / CARD).is_file():
            shutil.rmtree(place, ignore_errors=True)
            adapter = adapters.read(folder(name))
            try:
                _make_room(place.parent)
                merging.merge(base(one), adapter, place)
            except OSError as error:
                raise NotOffered(
                    f"{one.title} needs about 20 MB in {place.parent} to be merged "
                    f"({error.strerror}). Free some space and try again."
                ) from None
    return place


def delete(name: str) -> None:
    """Remove an adapter that was trained here."""
    place = OWN() / name
    if is_shipped(name) or not NAME.fullmatch(name) or not place.is_dir():
        raise UnknownModel(f"There is no adapter of yours called {name[:80]!r}.")
    doomed = place.with_name(f".deleted-{name}")
    shutil.rmtree(doomed, ignore_errors=True)
    place.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _make_room(place: Path) -> None:
    if not place.is_dir():
        return
    here = sorted((p for p in place.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for old in here[: max(0, len(here) - MERGED + 1)]:
        runtime.forget(old)
        shutil.rmtree(old, ignore_errors=True)


def _names(place: Path) -> tuple[str, ...]:
    try:
        found = sorted(path.name for path in place.iterdir() if (path / CARD).is_file())
    except OSError:
        return ()
    return tuple(name for name in found if NAME.fullmatch(name))
