"""From an idea to an application: the stages, as data; which page shows one is data too.

In: `assets/landscape/stages.toml`. Out: frozen values. Which pages there are is not known here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from engine.landscape.sources import FOLDER
from engine.values import FrozenDict


@dataclass(frozen=True, slots=True)
class Place:
    """A page by its title, with values of its link."""

    page: str
    state: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; `outside` is what no model holds and is only connected with one."""

    id: str
    name: str
    says: str
    places: tuple[Place, ...]
    outside: bool = False


@cache
def stages() -> tuple[Stage, ...]:
    """All of them, in their order."""
    data = tomllib.loads((FOLDER / "stages.toml").read_text(encoding="utf-8"))
    return tuple(
        Stage(
            one["id"],
            one["name"],
            one["says"],
            tuple(Place(place["page"], FrozenDict(place["state"])) for place in one["pages"]),
            bool(one.get("outside", False)),
        )
        for one in data["stage"]
    )


def columns() -> dict[str, list[str]]:
    """The stages as columns."""
    return {
        "stage": [one.name for one in stages()],
        "what": [one.says for one in stages()],
        "where": ["outside" if one.outside else "in the app" for one in stages()],
        "pages": [", ".join(dict.fromkeys(place.page for place in one.places)) for one in stages()],
    }
