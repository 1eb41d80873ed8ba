"""Language models of the world: what Epoch AI's table says of them, chosen and as columns.

In: `assets/landscape/language-models.csv` (Epoch AI, "Parameter, Compute and Data Trends in Machine
Learning", CC BY 4.0). Out: `KnownModel`s, oldest first. Parameters, compute and data are Epoch's
estimates with a confidence; data are words or tokens, differently by row. Only models since 2017
are given: the time line is that of transformers and of what they were compared with.
"""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from engine.landscape.sources import FOLDER, Source, links, number, words

CREDIT = (
    "Epoch AI, “Parameter, Compute and Data Trends in Machine Learning”, "
    "epoch.ai/data/notable-ai-models, CC BY 4.0"
)
FIRST, LAST = 2017, 2026  # years
MOST = 2000  # rows that are read
Confidence = Literal["Confident", "Likely", "Speculative", "Unknown"]
Weights = Literal["open", "closed", "unknown"]
_WEIGHTS: dict[str, Weights] = {"Yes": "open", "No": "closed"}


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One row: sizes are None where Epoch has none; `data` is in words or tokens.

    `kind` is "n-gram" or "mixture" where that was looked up, "" elsewhere. `hub` is a checkpoint's
    id and `type` the exporter's name of its kind, where this app's exporter knows it.
    """

    name: str
    organizations: tuple[str, ...]
    published: date
    parameters: float | None
    compute: float | None
    data: float | None
    base: str
    weights: Weights
    access: str
    confidence: Confidence
    sources: tuple[Source, ...]
    kind: str = ""
    hub: str = ""
    type: str = ""

    @property
    def sure(self) -> bool:
        """Whether Epoch is confident of its figures; drawn hollow where it is not."""
        return self.confidence == "Confident"

    @property
    def year(self) -> float:
        """The date as a year with its part."""
        first = date(self.published.year, 1, 1)
        return self.published.year + (self.published - first).days / 365.25


@dataclass(frozen=True, slots=True)
class Selection:
    """Which models are shown: "" and "all" leave nothing out."""

    search: str = ""
    organization: str = ""
    weights: Weights | Literal["all"] = "all"
    confidence: Literal["all", "confident"] = "all"
    openable: bool = False

    def takes(self, one: KnownModel) -> bool:
        """Whether a model is shown."""
        said = " ".join((one.name, *one.organizations, one.base)).casefold()
        return (
            all(word in said for word in self.search.casefold().split()[:12])
            and (not self.organization or self.organization in one.organizations)
            and (self.weights == "all" or self.weights == one.weights)
            and (self.confidence == "all" or one.sure)
            and (not self.openable or bool(one.hub))
        )


def read(path: Path, extra: dict[str, Any]) -> tuple[KnownModel, ...]:
    """The rows of a file that have a name and a date from 2017 on; other rows are left out."""
    found = []
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for place, row in enumerate(csv.DictReader(file)):
            if place >= MOST:
                break
            one = _model({key: value or "" for key, value in row.items() if key}, extra)
            if one is not None:
                found.append(one)
    return tuple(sorted(found, key=lambda one: (one.published, one.name)))


@cache
def known_models() -> tuple[KnownModel, ...]:
    """Every model of the table since 2017, oldest first; names are unique."""
    extra = tomllib.loads((FOLDER / "models.toml").read_text(encoding="utf-8"))
    return read(FOLDER / "language-models.csv", extra)


def chosen(selection: Selection) -> tuple[KnownModel, ...]:
    """The models that a selection shows, oldest first."""
    return tuple(one for one in known_models() if selection.takes(one))


@cache
def organizations() -> tuple[str, ...]:
    """Every organization, those with most models first."""
    counts = Counter(name for one in known_models() for name in one.organizations)
    return tuple(sorted(counts, key=lambda name: (-counts[name], name.casefold())))


def find(name: str) -> KnownModel | None:
    """The model of a name."""
    return next((one for one in known_models() if one.name == name), None)


def columns(models: Sequence[KnownModel]) -> dict[str, Sequence[Any] | np.ndarray]:
    """The models as columns, NaN where Epoch has no number; the last column is the credit."""
    return {
        "model": [one.name for one in models],
        "organization": [", ".join(one.organizations) for one in models],
        "published": [one.published.isoformat() for one in models],
        "parameters": _numbers([one.parameters for one in models]),
        "training_flop": _numbers([one.compute for one in models]),
        "words_or_tokens": _numbers([one.data for one in models]),
        "weights": [one.weights for one in models],
        "confidence": [one.confidence for one in models],
        "hub": [one.hub for one in models],
        "source": [one.sources[0].link if one.sources else "" for one in models],
        "credit": [CREDIT] * len(models),
    }


def _numbers(found: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if one is None else one for one in found], dtype=np.float64)


def _model(row: dict[str, str], extra: dict[str, Any]) -> KnownModel | None:
    name = words(row.get("model", ""))
    try:
        published = date.fromisoformat(row.get("published", "").strip())
    except ValueError:
        return None
    if not name or not FIRST <= published.year <= LAST:
        return None
    confidence: Any = row.get("confidence", "")
    hub, kind = extra.get("hub", {}).get(name, ("", ""))
    makers = (words(one) for one in row.get("organization", "").split(","))
    return KnownModel(
        name=name,
        organizations=tuple(dict.fromkeys(one for one in makers if one)),
        published=published,
        parameters=number(row.get("parameters", "")),
        compute=number(row.get("training_flop", "")),
        data=number(row.get("training_dataset_size", "")),
        base=words(row.get("base_model", "")),
        weights=_WEIGHTS.get(row.get("open_weights", ""), "unknown"),
        access=words(row.get("access", "")),
        confidence=confidence if confidence in get_args(Confidence) else "Unknown",
        sources=links(row.get("link", "")),
        kind=extra.get("kinds", {}).get(name, ""),
        hub=hub,
        type=kind,
    )
