"""What Preference is asked to show, and the numbers that its pictures are made of.

In: checked controls, texts, rewards. Out: frozen values. Knows nothing of Streamlit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.preference import best_of_n, samples
from engine.preference.choices import Pair
from engine.preference.measures import MEASURES, Measure

SMALL = 0.25  # standard deviations below which a mean is said to stay where it is


@dataclass(frozen=True)
class Plan:
    """What is drawn: the task, its lines, and the setting that they share; `n` is chosen."""

    task: Task
    lines: tuple[Line, ...]
    n: int
    second: Measure

    @property
    def count(self) -> int:
        """How many completions are drawn."""
        return len(self.lines)


@dataclass(frozen=True, eq=False)
class Scored:
    """Completions with their rewards: all that the pictures of best of n show.

    `axis` says what the reward is, in words with its unit; `judged`: by a ready judge.
    """

    plan: Plan
    texts: tuple[Generated, ...]
    rewards: np.ndarray
    axis: str
    judged: bool

    @property
    def seconds(self) -> np.ndarray:
        """The second measure of each completion."""
        return np.array([self.plan.second.of(text) for text in self.texts])

    @property
    def numbers(self) -> list[int]:
        """The n that curves go through: powers of two, the chosen one, all."""
        powers = [2**k for k in range(7) if 2**k < self.plan.count]
        return sorted({*powers, self.plan.n, self.plan.count})

    def chances(self, n: int) -> np.ndarray:
        """The chance of each completion to be the best of n."""
        return best_of_n.chances(self.rewards, n)

    def measured(self, n: int) -> float:
        """The divergence of the best of n from one draw, as measured, in nats."""
        logs = np.array([samples.log_probability(text) for text in self.texts])
        return best_of_n.kl_measured(logs, self.rewards, n, [tuple(t.ids) for t in self.texts])

    @cached_property
    def divergence(self) -> float:
        """The same for the chosen n."""
        return self.measured(self.plan.n)

    def means(self, values: np.ndarray) -> list[float]:
        """The mean of something over the best of each of `numbers`."""
        return [float(self.chances(n) @ values) for n in self.numbers]

    def first(self) -> Generated:
        """One draw: the first completion."""
        return self.texts[0]

    def kept(self) -> Generated:
        """The best of the first n completions."""
        return self.texts[best_of_n.best(self.rewards, self.plan.n)]


@dataclass(frozen=True)
class Told:
    """One choice as it was: the pair, who won, and what the reward gave that before it was made."""

    pair: Pair
    won: Pair
    probability: float
    low: float
    high: float


def samples_table(scored: Scored) -> dict[str, list[Any]]:
    """Every completion with its reward, its measures, and its chance to be the best of n."""
    return {
        "completion": [text.text for text in scored.texts],
        "reward": scored.rewards.tolist(),
        "log_probability": [samples.log_probability(text) for text in scored.texts],
        "chance_of_best": scored.chances(scored.plan.n).tolist(),
    } | {name: [one.of(text) for text in scored.texts] for name, one in MEASURES.items()}


def curve_table(scored: Scored) -> dict[str, list[Any]]:
    """Mean reward, mean of the second measure and divergence against n."""
    return {
        "n": scored.numbers,
        "reward": scored.means(scored.rewards),
        "second": scored.means(scored.seconds),
        "kl_bound": [best_of_n.kl_bound(n) for n in scored.numbers],
        "kl_measured": [scored.measured(n) for n in scored.numbers],
    }
