"""Accelerators: their memory and their speed, each with the data sheet it is from."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from engine.landscape.sources import FOLDER, Source, source

GB = 1e9
"""Bytes of a GB, as the makers of accelerators and this app write it."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One accelerator: `memory` in GB, `flops` a second in 16 bits with dense matrices."""

    name: str
    memory: float
    flops: float
    source: Source


@cache
def gpus() -> tuple[Gpu, ...]:
    """All of them, the smallest first."""
    data = tomllib.loads((FOLDER / "gpus.toml").read_text(encoding="utf-8"))
    return tuple(
        Gpu(one["name"], float(one["memory"]), float(one["flops"]), source(one["source"]))
        for one in data["gpu"]
    )


def gpu(name: str) -> Gpu:
    """The one of a name. Raises `KeyError`."""
    return {one.name: one for one in gpus()}[name]
