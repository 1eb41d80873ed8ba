"""Live answers about time and memory: runs, bytes by formula, times measured on this machine."""

from __future__ import annotations

from typing import Literal

import numpy as np

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
from engine.timing.measuring import Timings, Way, spread

DECODER = ("decoder",)
LONGEST = 128  # tokens that are measured for an answer, at most
CALLED: dict[Way, str] = {
    "at once": "the transformer in one run",
    "recurrent": "the recurrent network step by step",
    "written": "the transformer, writing one by one",
}
Cache = Literal["kept", "anew"]
"""Whether keys and values of earlier tokens are kept, or computed anew."""


@live(families=DECODER, facts=("tokens",), counts=True)
def runs_needed(at: Asked, way: Way, tokens: Number) -> Answer:
    """How many runs, or steps, come one after the other for so many tokens."""
    runs = 1 if way == "at once" else tokens
    name = "step" if way == "recurrent" else "run"
    return Answer(
        float(runs),
        counted(runs, name),
        f"For {counted(tokens, 'token')} {CALLED[way]} takes {counted(runs, name)}.",
        facts={"tokens": counted(tokens, "token")},
    )


@live(families=DECODER, facts=("kept", "anew"), counts=True)
def tokens_computed(at: Asked, tokens: Number, cache: Cache) -> Answer:
    """How many tokens go through the layers to write the one after so many."""
    count = 1 if cache == "kept" else tokens
    how = "With keys and values kept" if cache == "kept" else "With everything computed anew"
    return Answer(
        float(count),
        counted(count, "token"),
        f"{how}, {counted(count, 'token')} of {tokens:,} "
        f"{'goes' if count == 1 else 'go'} through the layers.",
        facts={"kept": "1 token", "anew": counted(tokens, "token")},
    )


@live(families=DECODER, facts=("each", "layers", "heads", "width"), counts=True)
def cache_bytes(at: Asked, tokens: Number) -> Answer:
    """How many bytes the keys and values of so many tokens take."""
    shape = at.engine.cache_size(at.model)
    count = shape.nbytes(tokens)
    return Answer(
        float(count),
        f"{count:,} bytes",
        f"2 × {shape.layers} layers × {shape.key_heads} key heads × {shape.width} numbers × "
        f"{shape.item} bytes are {shape.each:,} bytes a token, so {counted(tokens, 'token')} "
        f"take {count:,}.",
        facts={
            "each": f"{shape.each:,} bytes",
            "layers": counted(shape.layers, "layer"),
            "heads": counted(shape.key_heads, "key head"),
            "width": f"{shape.width}",
        },
    )


@live(families=DECODER, facts=("few", "many"))
def times_as_long(at: Asked, way: Way, few: Number, many: Number) -> Answer:
    """How many times as long many tokens take as few, measured on this machine."""
    found = _found(at)
    low = _fastest(found, way)
    first, then = low[_place(found, few)], low[_place(found, many)]
    ratio = float(then / first)
    told = {"few": _ms(first), "many": _ms(then)}
    return Answer(
        ratio,
        f"{ratio:.1f} times",
        f"{CALLED[way].capitalize()}: {told['few']} for {counted(few, 'token')}, {told['many']} "
        f"for {counted(many, 'token')}, {ratio:.1f} times as long.",
        facts=told,
    )


@live(families=DECODER, facts=("best",))
def slowest_way(at: Asked, tokens: Number) -> Answer:
    """What takes longest for so many tokens: one run, steps, or writing, measured here."""
    found = _found(at)
    low: dict[Way, float] = {
        way: float(_fastest(found, way)[_place(found, tokens)]) for way in found.ways
    }
    return first_of(
        [Candidate(CALLED[way], one, _ms(one)) for way, one in low.items()],
        lambda best: f"For {counted(tokens, 'token')} {best.name} takes longest: {best.shown}.",
    )


@live(families=DECODER, facts=("kept", "anew"))
def cache_saves(at: Asked, tokens: Number) -> Answer:
    """How many times as long the next token takes without the cache, measured on this machine."""
    found = _found(at)
    place = _place(found, tokens)
    kept, anew = (float(spread(found.next_token(kept=one))[0][place]) for one in (True, False))
    told = {"kept": _ms(kept), "anew": _ms(anew)}
    return Answer(
        anew / kept,
        f"{anew / kept:.1f} times",
        f"After {counted(tokens, 'token')} the next takes {told['kept']} with the cache and "
        f"{told['anew']} without: {anew / kept:.1f} times as long.",
        facts=told,
    )


@live(families=DECODER, facts=("decode", "prefill"))
def decode_against_prefill(at: Asked, tokens: Number) -> Answer:
    """How many times as long a written token takes as one of a prompt, measured on this machine."""
    found = _found(at)
    place = _place(found, tokens)
    decode, whole = (float(spread(found.next_token(kept=one))[0][place]) for one in (True, False))
    told = {"decode": _ms(decode), "prefill": _ms(whole / tokens)}
    ratio = decode * tokens / whole
    return Answer(
        ratio,
        f"{ratio:.1f} times",
        f"A written token takes {told['decode']}. Of a prompt of {counted(tokens, 'token')} each "
        f"takes {told['prefill']}: writing is {ratio:.1f} times as slow.",
        facts=told,
    )


def _found(at: Asked) -> Timings:
    lengths = at.engine.lengths_timed(at.model)
    longest = max((one for one in lengths if one <= LONGEST), default=lengths[0])
    return at.engine.timings(at.model, longest)


def _fastest(found: Timings, way: Way) -> np.ndarray:
    if way not in found.ways:
        raise NoQuestion("No recurrent network in this model's tokens is here.")
    return spread(found.total(way))[0]


def _place(found: Timings, tokens: int) -> int:
    counts = found.counts.tolist()
    if tokens not in counts:
        told = ", ".join(map(str, counts))
        raise NoQuestion(f"{counted(tokens, 'token')} were not measured here, but {told}.")
    return counts.index(tokens)


def _ms(seconds: float) -> str:
    value = 1000 * float(seconds)
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2g} ms"
