"""Answers about time, once more: a clock around plain runs. Times agree in size, not in digits."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from engine.decoding.batch import Decoder
from engine.models.runtime import open_bundle
from tests.engine.truths.raw import SHIPPED, Between, card, truth

TIMES = 6  # of which the fastest counts
OFF = 8.0  # times that two measurements on a busy machine may be apart


@truth
def runs_needed(model: str, text: str, way: str, tokens: int) -> float:
    return {"at once": 1.0}.get(way, float(tokens))


@truth
def tokens_computed(model: str, text: str, tokens: int, cache: str) -> float:
    return float({"kept": 1, "anew": tokens}[cache])


@truth
def cache_bytes(model: str, text: str, tokens: int) -> float:
    stack = card(model).decoder
    assert stack is not None
    keys = np.zeros((stack.layers, tokens, stack.key_heads, stack.dim), dtype=np.float32)
    return float(2 * keys.nbytes)


def fastest(act: Callable[[], object]) -> float:
    found = []
    for _ in range(TIMES):
        start = time.perf_counter()
        act()
        found.append(time.perf_counter() - start)
    return min(found)


def read(model: str, tokens: int) -> float:
    """One run over so many tokens."""
    ids = np.arange(300, 300 + tokens)[None]
    with Decoder(open_bundle(SHIPPED / model)) as decoder:
        return fastest(lambda: decoder.prefill(ids))


def write(model: str, tokens: int) -> float:
    """So many runs over one token."""

    def steps() -> None:
        with Decoder(open_bundle(SHIPPED / model)) as decoder:
            decoder.prefill(np.array([[300]]))
            for token in range(301, 300 + tokens):
                decoder.step([token], [0])

    return fastest(steps)


def step(model: str, tokens: int) -> float:
    """One run over one token, after so many."""
    with Decoder(open_bundle(SHIPPED / model)) as decoder:
        decoder.prefill(np.arange(300, 300 + tokens)[None])
        return fastest(lambda: decoder.copy().step([300], [0]))


def near(ratio: float) -> Between:
    return Between(ratio / OFF, ratio * OFF)


@truth
def times_as_long(model: str, text: str, way: str, few: int, many: int) -> Between:
    if way == "recurrent":
        return Between(1.0, 4.0 * many / few)  # each step is the same work
    each = read if way == "at once" else write
    return near(each(model, many) / each(model, few))


@truth
def slowest_way(model: str, text: str, tokens: int) -> str:
    assert write(model, tokens) > read(model, tokens)
    return "the transformer, writing one by one"


@truth
def cache_saves(model: str, text: str, tokens: int) -> Between:
    return near(read(model, tokens) / step(model, tokens))


@truth
def decode_against_prefill(model: str, text: str, tokens: int) -> Between:
    return near(step(model, tokens) * tokens / read(model, tokens))
