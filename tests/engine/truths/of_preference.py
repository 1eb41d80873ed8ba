"""What a judge scores and what the best of n is like, once more, from states and coefficients."""

from __future__ import annotations

import json
import math
import re
from itertools import groupby
from pathlib import Path

import numpy as np

from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.decoding.sampling import parse
from engine.values import Reading
from tests.engine.truths.raw import ENGINE, ids_of, truth

FILE = Path(__file__).parents[3] / "assets" / "judges" / "manners.json"
JUDGE = json.loads(FILE.read_text("utf-8"))


def reward(model: str, before: list[int], after: list[int]) -> float:
    """One text at a time: states of the last layer, normalized, averaged, times coefficients."""
    states = ENGINE.hidden(Reading(model, "-", target=(*before, *after))).states[-1][len(before) :]
    normed = (states - states.mean(1, keepdims=True)) / states.std(1, keepdims=True)
    return float(normed.mean(axis=0) @ np.array(JUDGE["weights"]) + JUDGE["intercept"])


def judged(model: str, text: str) -> float:
    before, whole = ids_of(model, JUDGE["context"]), ids_of(model, JUDGE["context"] + text)
    return reward(model, before, whole[len(before) :])


def drawn(model: str, text: str) -> tuple[list[Generated], list[float]]:
    """64 completions as the page draws them, each with the judge's reward."""
    ids = ids_of(model, text)
    task = Task(model, tuple(ids), seed=1, limit=32, stops=('"', "\n"))
    lines = [Line(parse("top-p 0.9"), run=run) for run in range(64)]
    texts = list(ENGINE.write(task, lines, patience=600))
    return texts, [reward(model, ids, one.ids) for one in texts]


def value(one: Generated, name: str) -> float:
    if name == "length":
        return len(one.tokens)
    if name == "fluency":
        return sum(math.log(token.probability) for token in one.tokens) / len(one.tokens)
    if name == "variety":
        return len(set(one.ids)) / len(one.ids)
    good = (
        "please thank thanks thankful grateful kind kindly pardon sorry pleasure dear welcome "
        "gladly honour obliged beg friend forgive"
    ).split()
    bad = (
        "fool foolish stupid lazy ugly wretch wretched thief rascal beggar idiot greedy silly "
        "rotten nasty rogue villain dolt donkey pest"
    ).split()
    words = re.findall("[a-z]+", one.text.lower())
    return sum(word in good for word in words) - sum(word in bad for word in words)


def mean_of_best(rewards: list[float], values: list[float], n: int) -> float:
    """Over all n of them: those that are ever best are worth the mean of their equals."""
    pairs = sorted(zip(np.round(rewards, 3).tolist(), values, strict=True))
    total, below, count = 0.0, 0, len(pairs)
    for _, level in groupby(pairs, key=lambda pair: pair[0]):
        equal = [one for _, one in level]
        upto = below + len(equal)
        share = (math.comb(upto, n) - math.comb(below, n)) / math.comb(count, n)
        total += share * sum(equal) / len(equal)
        below = upto
    return total


@truth
def judge_prefers(model: str, text: str, a: str, b: str) -> str:
    return a if judged(model, a) > judged(model, b) else b


@truth
def best_of_mean(model: str, text: str, measure: str, n: int) -> float:
    texts, rewards = drawn(model, text)
    values = rewards if measure == "reward" else [value(one, measure) for one in texts]
    return mean_of_best(rewards, values, n)


@truth
def measure_with_n(model: str, text: str, measure: str) -> str:
    texts, rewards = drawn(model, text)
    values = [value(one, measure) for one in texts]
    change = mean_of_best(rewards, values, 64) - float(np.mean(values))
    if abs(change) < np.std(values) / 4:
        return "stays"
    return "rises" if change > 0 else "falls"


@truth
def kl_of_best(model: str, text: str, n: int) -> float:
    return math.log(n) + 1 / n - 1
