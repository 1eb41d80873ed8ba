"""What the moments of a training cost, write and attend to, once more: one model at a time."""

from __future__ import annotations

import json
import re

import numpy as np

from engine.api import Line
from engine.models.catalog import MOMENTS
from engine.moments.course import WORDS
from engine.values import Reading
from tests.engine.truths.raw import ENGINE, all_weights, ids_of, softmax, truth

STEPS = [
    one["step"] for one in json.loads((MOMENTS / "tales-mini/training.json").read_text())["moments"]
]
MODELS = [f"tales-mini-{step:06d}" if step else "untrained" for step in STEPS]


def mean_losses(text: str) -> list[float]:
    found = []
    for model in MODELS:
        ids = ids_of(model, text)
        rows = ENGINE.logits(Reading(model, text), tuple(range(len(ids) - 1))).logits
        costs = [-np.log(softmax(row)[i]) for row, i in zip(rows, ids[1:], strict=True)]
        found.append(float(np.mean(costs)))
    return found


@truth
def moment_loss(model: str, text: str, moment: int) -> float:
    return mean_losses(text)[moment - 1]


@truth
def falls_most(model: str, text: str) -> float:
    means = np.array(mean_losses(text))
    return float(STEPS[1 + int((means[:-1] - means[1:]).argmax())])


@truth
def nearest_word(model: str, text: str, word: str, moment: int) -> str:
    name = MODELS[moment - 1]
    table = ENGINE.vectors(name, "token")
    cosines = {}
    (own,) = ids_of(name, f" {word}")
    for other in WORDS:
        ids = ids_of(name, f" {other}")
        if len(ids) == 1 and other != word:
            a, b = table[own].astype(np.float64), table[ids[0]].astype(np.float64)
            cosines[other] = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    return max(cosines, key=lambda one: cosines[one])


@truth
def to_previous(model: str, text: str, layer: int, head: int, moment: int) -> float:
    weights = all_weights(MODELS[moment - 1], text)[layer - 1, head - 1]
    return float(100 * np.mean([weights[i, i - 1] for i in range(1, len(weights))]))


@truth
def spells_from(model: str, text: str, seed: int = 1) -> float:
    size = ENGINE.card("tales-bert").vocabulary
    vocabulary = {ENGINE.piece("tales-bert", i) for i in range(size)}
    words = {one for one in vocabulary if one.isalpha() and (len(one) > 1 or one in "aio")}
    line = Line.parse("temperature 0.7")
    good = []
    for one in ENGINE.moments_written(text, line, length=32, seed=seed):
        found = list(re.finditer(r"[^\W\d_]+(?:['’][^\W\d_]+)?", one.text))
        if found and found[-1].end() == len(one.text):
            found = found[:-1]
        parts = [re.split(r"['’]", match[0].lower()) for match in found]
        endings = {"s", "t", "d", "m", "ll", "re", "ve"}
        right = sum(all(part in words | endings for part in each) for each in parts)
        good.append(bool(found) and right / len(found) >= 0.9)
    first = max(k for k in range(len(good)) if not good[k]) + 1
    return float(STEPS[first])
