"""Answers about sizes, costs and loss, once more: from the tables and from formulas by hand."""

from __future__ import annotations

import csv
import random
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from tests.engine.truths.raw import truth

FOLDER = Path(__file__).parents[3] / "assets" / "landscape"
# Layers, width, heads, key heads, head width; parameters as the checkpoints have them.
SHAPES = {
    "Llama 2 7B": (32, 4096, 32, 32, 128, 6_738_415_616),
    "Mistral 7B": (32, 4096, 32, 8, 128, 7_241_732_096),
    "GPT-2 small": (12, 768, 12, 12, 64, 124_439_808),
}
BYTES = {"fp32": 4, "bf16": 2, "int8": 1, "int4": 0.5}
SUMS = {
    "Chinchilla": (1.69, 406.4, 410.7, 0.34, 0.28),
    "Chinchilla, unrounded": (1.6934, 406.4, 410.7, 0.3392, 0.2849),
    "Refit 2024": (1.8172, 482.01, 2085.43, 0.3478, 0.3658),
}


def models() -> list[dict[str, Any]]:
    return tomllib.loads((FOLDER / "models.toml").read_text("utf-8"))["model"]


def rows() -> list[dict[str, str]]:
    with (FOLDER / "language-models.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["published"] >= "2017"]


def of_name(name: str) -> dict[str, Any]:
    return next(one for one in models() if one["name"] == name)


def loss(law: str, n: Any, d: Any) -> Any:
    if law == "Kaplan":
        return ((6.4e13 / n) ** (0.076 / 0.103) + 1.8e13 / d) ** 0.103
    e, a, b, alpha, beta = SUMS[law]
    return e + a / n**alpha + b / d**beta


@truth
def family_of(model: str, text: str, of: str) -> str:
    return of_name(of)["family"]


@truth
def times_larger(model: str, text: str, of: str, than: str) -> float:
    return max(of_name(of)["sizes"]) / max(of_name(than)["sizes"])


@truth
def size_order(model: str, text: str, seed: int) -> str:
    pool = sorted((one for one in models() if one.get("sizes")), key=lambda o: (o["date"], o["id"]))
    random.Random(f"six models {seed}").shuffle(pool)
    drawn: list[dict[str, Any]] = []
    for one in pool:
        ratios = [max(one["sizes"]) / max(other["sizes"]) for other in drawn]
        if len(drawn) < 6 and all(max(ratio, 1 / ratio) >= 1.25 for ratio in ratios):
            drawn.append(one)
    return max(drawn, key=lambda one: max(one["sizes"]))["name"]


@truth
def first_above(model: str, text: str, billions: int) -> str:
    kinds = tomllib.loads((FOLDER / "models.toml").read_text("utf-8"))["kinds"]
    dense = [
        row
        for row in rows()
        if row["model"] not in kinds
        and row["confidence"] == "Confident"
        and float(row["parameters"] or 0) > billions * 1e9
    ]
    return min(dense, key=lambda row: row["published"])["model"]


@truth
def open_share(model: str, text: str, billions: int) -> float:
    large = [row for row in rows() if float(row["parameters"] or 0) > billions * 1e9]
    return 100 * float(np.mean([row["open_weights"] == "Yes" for row in large]))


@truth
def outside_parts(model: str, text: str) -> float:
    return float((FOLDER / "stages.toml").read_text("utf-8").count("outside = true"))


@truth
def weights_gigabytes(model: str, text: str, of: str, precision: str) -> float:
    return SHAPES[of][-1] * BYTES[precision] / 1e9


@truth
def cache_gigabytes(model: str, text: str, of: str, tokens: int) -> float:
    layers, _, _, key_heads, head_width, _ = SHAPES[of]
    return 2 * layers * key_heads * head_width * tokens * 2 / 1e9


@truth
def training_bytes(model: str, text: str, of: str) -> float:
    return 2.0 + 2 + 4 + 4 + 4  # weights, gradients, a float32 copy, two moments


@truth
def adapter_parameters(model: str, text: str, of: str, rank: int) -> float:
    layers, width, heads, key_heads, head_width, _ = SHAPES[of]
    query, value = width + heads * head_width, width + key_heads * head_width
    return float(rank * layers * (query + value))


@truth
def bigger_or_longer(
    model: str, text: str, law: str, bigger: int, short: int, smaller: int, long: int
) -> str:
    first, second = loss(law, bigger * 1e9, short * 1e9), loss(law, smaller * 1e9, long * 1e9)
    return "bigger" if first < second else "longer"


@truth
def best_ratio(model: str, text: str, law: str) -> float:
    """Not in closed form: the least of a million models of the budget."""
    n = np.geomspace(1e8, 1e13, 1_000_001)
    d = 5.76e23 / 6 / n
    place = int(np.argmin(loss(law, n, d)))
    return float(d[place] / n[place])
