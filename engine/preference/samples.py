"""Completions of one prompt, drawn independently in one batch: what is asked for, and its figures.

In: a setting and how many. Out: lines for `engine.decoding`, which keeps the seed of each apart;
and how probable a completion was under that very setting, filters included. Pure.
"""

from __future__ import annotations

import math

from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.decoding.sampling import Sampling, parse

MOST = 64  # completions
LENGTH, SEED = 32, 1  # new tokens and seed, until somebody asks for others
SETTING = parse("top-p 0.9")
STOPS = ('"', "\n")  # the end of a speech or a line


def usual(model: str, ids: tuple[int, ...], length: int = LENGTH) -> Task:
    """The task of completing a prompt as nobody has asked for otherwise."""
    return Task(model, ids, seed=SEED, limit=length, stops=STOPS)


def lines(sampling: Sampling, count: int) -> list[Line]:
    """So many independent samples of a setting; the first ones stay when more are asked for."""
    if not 1 <= count <= MOST:
        raise ValueError(f"completions must be 1 to {MOST}, got {count}")
    return [Line(sampling, run=run) for run in range(count)]


def log_probability(text: Generated) -> float:
    """The natural logarithm of the probability with which exactly these tokens are drawn."""
    return sum(math.log(max(token.after, 1e-30)) for token in text.tokens)
