"""The models that courses speak of, as their papers have them, and what is often said of them.

In: `assets/landscape/models.toml` and `claims.toml`, where every figure names its source. Out:
frozen values. Where Epoch's table says otherwise, the paper wins.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Literal

from engine.landscape.sources import FOLDER, Source, source

Family = Literal["before", "encoder", "decoder", "encoder-decoder"]


@dataclass(frozen=True, slots=True)
class NoteModel:
    """A model: `sizes` are parameters, smallest first; `after` the ids of what it grew out of.

    `tokens` are those seen in training, `compute` is in FLOP; None where the paper says neither.
    `epoch` is its row in Epoch's table, `hub` a checkpoint of its kind, `type` the exporter's name.
    """

    id: str
    name: str
    date: date
    family: Family
    sources: tuple[Source, ...]
    after: tuple[str, ...] = ()
    sizes: tuple[float, ...] = ()
    tokens: float | None = None
    compute: float | None = None
    note: str = ""
    kind: Literal["dense", "mixture"] = "dense"
    epoch: str = ""
    hub: str = ""
    type: str = ""

    @property
    def largest(self) -> float | None:
        """Parameters of the largest; None where the paper gives none."""
        return self.sizes[-1] if self.sizes else None


@dataclass(frozen=True, slots=True)
class Claim:
    """What is often said, what is right, and the two numbers of it where there are two."""

    about: str
    said: str
    right: str
    sources: tuple[Source, ...]
    told: float | None = None
    found: float | None = None
    unit: str = ""

    @property
    def times(self) -> float | None:
        """How many times the right number is said; None where it is no matter of numbers."""
        return None if self.told is None or self.found is None else self.told / self.found


@cache
def note_models() -> tuple[NoteModel, ...]:
    """The models by date."""
    found = [_model(one) for one in _file("models.toml")["model"]]
    return tuple(sorted(found, key=lambda one: (one.date, one.id)))


@cache
def claims() -> tuple[Claim, ...]:
    """What is often said, in the order of the file."""
    return tuple(_claim(one) for one in _file("claims.toml")["claim"])


def note_model(name: str) -> NoteModel | None:
    """The model of an id or a name, however it is written."""
    plain = name.casefold()
    return next((one for one in note_models() if plain in (one.id, one.name.casefold())), None)


def model_columns(models: Sequence[NoteModel]) -> dict[str, list[Any]]:
    """The models as columns; NaN where a paper gives no number."""
    nothing = float("nan")
    return {
        "model": [one.name for one in models],
        "published": [one.date.isoformat() for one in models],
        "family": [one.family for one in models],
        "after": [", ".join(one.after) for one in models],
        "smallest": [one.sizes[0] if one.sizes else nothing for one in models],
        "largest": [one.largest or nothing for one in models],
        "tokens": [one.tokens or nothing for one in models],
        "training_flop": [one.compute or nothing for one in models],
        "note": [one.note for one in models],
        "source": [_named(one.sources) for one in models],
        "link": [one.sources[0].link for one in models],
    }


def claim_columns(found: Sequence[Claim]) -> dict[str, list[Any]]:
    """What is said and what is right as columns; NaN where it is no matter of numbers."""
    nothing = float("nan")
    return {
        "about": [one.about for one in found],
        "often_said": [one.said for one in found],
        "right": [one.right for one in found],
        "said_number": [nothing if one.told is None else one.told for one in found],
        "right_number": [nothing if one.found is None else one.found for one in found],
        "times": [one.times or nothing for one in found],
        "unit": [one.unit for one in found],
        "source": [_named(one.sources) for one in found],
        "link": [one.sources[0].link for one in found],
    }


def _named(found: Sequence[Source]) -> str:
    return "; ".join(one.name for one in found)


def _file(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


def _sources(data: Mapping[str, Any]) -> tuple[Source, ...]:
    found = tuple(source(one) for one in data["sources"])
    if not found:
        raise ValueError(f"{data} names no source")
    return found


def _model(data: Mapping[str, Any]) -> NoteModel:
    given: dict[str, Any] = {**data, "sources": _sources(data)}
    for name in ("after", "sizes"):
        given[name] = tuple(data.get(name, ()))
    return NoteModel(**given)


def _claim(data: Mapping[str, Any]) -> Claim:
    given: dict[str, Any] = {**data, "sources": _sources(data)}
    return Claim(**given)
