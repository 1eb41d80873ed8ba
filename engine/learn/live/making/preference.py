"""Live answers about preferences: what a ready judge scores higher, what the best of n is like."""

from __future__ import annotations

from typing import Literal

import numpy as np

from engine import policy
from engine.learn.asking import (
    Answer,
    Asked,
    Candidate,
    NoQuestion,
    Number,
    counted,
    first_of,
    live,
)
from engine.preference import best_of_n, samples
from engine.preference.judges import Judge
from engine.preference.measures import MEASURES

DECODER = ("decoder",)
LOOKS, PATIENCE = 20, 6.0  # how often completions are looked at, seconds that each look waits
STILL = 0.25  # standard deviations below which a mean is said to stay

Second = Literal["length", "fluency", "variety", "courtesy"]
Measured = Literal["reward", "length", "fluency", "variety", "courtesy"]


@live(families=DECODER, facts=("best", "second"))
def judge_prefers(at: Asked, a: str, b: str) -> Answer:
    """Which of two texts the ready judge scores higher."""
    judge = _judge(at)
    scores = at.engine.judged(at.model, judge.name, [a, b])
    named = [
        Candidate(text, float(score), f"{score:+.1f}")
        for text, score in zip((a, b), scores, strict=True)
    ]
    second = min(named, key=lambda one: one.score).shown
    return first_of(
        named,
        lambda best: (
            f"The judge scores it {best.shown}, and the other one {second}; above 0 is "
            f"{judge.positive}."
        ),
        second=second,
    )


@live(families=DECODER, facts=("one", "of"))
def best_of_mean(at: Asked, measure: Measured, n: Number) -> Answer:
    """The mean of the judge's reward or of another measure over the best of n completions."""
    rewards, values = _scored(at, measure)
    _known(n, len(rewards))
    one, many = float(values.mean()), float(best_of_n.chances(rewards, n) @ values)
    return Answer(
        many,
        f"{many:.3g}",
        f"Over the best of {n} the mean {measure} is {many:.3g}; for one draw it is {one:.3g}.",
        facts={"one": f"{one:.3g}", "of": counted(len(rewards), "completion")},
    )


@live(families=DECODER, facts=("first", "last", "of"))
def measure_with_n(at: Asked, measure: Second) -> Answer:
    """Whether another measure rises, falls or stays while the best of more and more is kept."""
    rewards, values = _scored(at, measure)
    count, spread = len(rewards), float(values.std())
    first, last = float(values.mean()), float(best_of_n.chances(rewards, count) @ values)
    still = spread == 0 or abs(last - first) < STILL * spread
    right = "stays" if still else "rises" if last > first else "falls"
    return Answer(
        right,
        right,
        f"From one draw to the best of {count} the mean {measure} goes from {first:.3g} to "
        f"{last:.3g}.",
        facts={
            "first": f"{first:.3g}",
            "last": f"{last:.3g}",
            "of": counted(count, "completion"),
        },
    )


@live(families=DECODER, facts=("n",))
def kl_of_best(_at: Asked, n: Number) -> Answer:
    """How far the best of n is from the model at most, in nats."""
    _known(n, samples.MOST)
    bound = best_of_n.kl_bound(n)
    return Answer(
        bound,
        f"{bound:.2f} nats",
        f"log {n} − {n - 1}/{n} = {bound:.2f} nats.",
        facts={"n": str(n)},
    )


def _judge(at: Asked) -> Judge:
    found = at.engine.judges(at.model)
    if not found:
        raise NoQuestion(f"No ready judge was trained on {at.engine.card(at.model).title}.")
    return found[0]


def _known(n: int, count: int) -> None:
    if n > count:
        raise NoQuestion(f"The best of {n} needs as many completions; {count} are drawn here.")


def _scored(at: Asked, measure: str) -> tuple[np.ndarray, np.ndarray]:
    """The judge's reward of each completion as the page draws them at first, and a measure."""
    judge = _judge(at)
    ids = tuple(at.engine.tokens(at.reading).ids.tolist())
    length = min(samples.LENGTH, at.engine.room_left(at.model, len(ids)))
    count = policy.columns_that_fit(samples.MOST, length)
    lines = samples.lines(samples.SETTING, count)
    task = samples.usual(at.model, ids, length)
    for _ in range(LOOKS):  # a text that nobody looks at for long is not written to its end
        texts = at.engine.write(task, lines, patience=PATIENCE)
        if all(text.end for text in texts):
            break
    else:
        raise NoQuestion("The completions are not written yet. Ask again in a moment.")
    vectors = at.engine.representations(at.model, ids, [text.ids for text in texts])
    rewards = judge.values(vectors)
    if measure == "reward":
        return rewards, rewards
    return rewards, np.array([MEASURES[measure].of(text) for text in texts])
