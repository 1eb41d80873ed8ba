"""Live answers about translation: what is written, from which words, by which search."""

from __future__ import annotations

import numpy as np

from engine.decoding.beams import Search
from engine.decoding.translation import Trace
from engine.learn.asking import (
    Answer,
    Asked,
    Candidate,
    NoQuestion,
    Number,
    chance,
    counted,
    first_of,
    live,
    percent,
)
from engine.learn.words import named, plain_word

BOTH = ("encoder-decoder",)
SURE = 1e-3
WIDEST = 8


@live(families=BOTH, facts=("best", "second", "second_share"))
def written_word(at: Asked, place: Number) -> Answer:
    """The token that the model ranks first at a place of its translation, from 1."""
    trace = _trace(at, 1)
    if not 1 <= place <= len(trace.target):
        raise NoQuestion(f"The translation has only {counted(len(trace.target), 'token')}.")
    ids = trace.scored.best_ids[place - 1]
    chances = np.exp(trace.scored.best_logits[place - 1] - trace.scored.log_sum[place - 1])
    found: dict[str, Candidate] = {}
    texts = at.engine.texts(at.model, [int(i) for i in ids], "decoder")
    for text, share in zip(texts, chances.tolist(), strict=True):
        name = named(text)
        found.setdefault(plain_word(name), Candidate(name, share, percent(share)))
    candidates = list(found.values())[:4]
    second = candidates[:2][-1]
    return first_of(
        candidates,
        lambda best: (
            f"At place {place} the model ranks “{best.name}” first with {best.shown}, then "
            f"“{second.name}” with {second.shown}."
        ),
        second=second.name,
        second_share=second.shown,
    )


@live(families=BOTH, facts=("source", "text"), counts=True)
def translation_length(at: Asked) -> Answer:
    """How many tokens the translation has, the end token included."""
    trace = _trace(at, 1)
    count, source = len(trace.target), len(trace.source)
    return Answer(
        float(count),
        counted(count, "token"),
        f"{counted(count, 'token')} are written, one a step, from {source} source tokens.",
        facts={"source": str(source), "text": trace.translation.texts[0]},
    )


@live(families=BOTH, facts=("best",))
def aligned(at: Asked, word: str) -> Answer:
    """The source word that a word of the translation attends to most, all heads together."""
    trace = _trace(at, 1)
    place = next(
        (i for i, text in enumerate(trace.target) if plain_word(text) == plain_word(word)), None
    )
    if place is None:
        raise NoQuestion(
            f"“{word}” is not in this translation, “{trace.translation.texts[0]}”, as a token."
        )
    weights = trace.cross.mean(axis=(0, 1))[place]
    tokens = at.engine.tokens(at.reading)
    real = [i for i in range(len(trace.source)) if not tokens.special[i]]
    found: dict[str, float] = {}
    for i in real:
        name = named(trace.source[i])
        found[name] = found.get(name, 0.0) + float(weights[i])
    candidates = [Candidate(name, weight, percent(weight)) for name, weight in found.items()]
    if len(candidates) < 2:
        raise NoQuestion("There is only one source word here.")
    return first_of(
        candidates,
        lambda best: (
            f"“{word}” attends most to “{best.name}”: {best.shown} as the mean of all heads."
        ),
    )


@live(families=BOTH, facts=("best",))
def least_sure(at: Asked) -> Answer:
    """The token of the translation that the model was least sure of."""
    trace = _trace(at, 1)
    found: dict[str, Candidate] = {}
    for text, share, special in zip(
        trace.target, trace.scored.probabilities, trace.special, strict=True
    ):
        if not special and any(c.isalnum() for c in text):
            name = named(text)
            one = Candidate(name, -float(share), percent(float(share)))
            if name not in found or found[name].score < one.score:
                found[name] = one
    candidates = list(found.values())
    if len(candidates) < 2:
        raise NoQuestion("The translation has only one word.")
    return first_of(
        candidates,
        lambda best: f"“{best.name}” was written with only {best.shown}, the least of all tokens.",
    )


@live(families=BOTH, facts=("greedy", "beam", "greedy_share", "beam_share"))
def beam_finds_better(at: Asked, width: int = 4) -> Answer:
    """Whether beam search finds a likelier translation than greedy: "yes" or "no"."""
    if not 2 <= width <= WIDEST:
        raise NoQuestion(f"A beam search here keeps 2 to {WIDEST} hypotheses.")
    greedy, beam = _trace(at, 1), _trace(at, width)
    logs = [float(one.scored.log.sum(dtype=np.float64)) for one in (greedy, beam)]
    texts = [one.translation.texts[0] for one in (greedy, beam)]
    right = "yes" if texts[0] != texts[1] and logs[1] > logs[0] + SURE else "no"
    shares = [chance(float(np.exp(log))) for log in logs]
    return Answer(
        right,
        right,
        f"Greedy: “{texts[0]}” ({shares[0]} as a whole). "
        f"{width} beams: “{texts[1]}” ({shares[1]}).",
        facts={
            "greedy": texts[0],
            "beam": texts[1],
            "greedy_share": shares[0],
            "beam_share": shares[1],
        },
    )


@live(families=BOTH, facts=("text",))
def translated_as(at: Asked, word: str) -> Answer:
    """Whether a word stands in the translation: "yes" or "no"."""
    trace = _trace(at, 1)
    text = trace.translation.texts[0]
    right = "yes" if plain_word(word) in [plain_word(one) for one in text.split()] else "no"
    return Answer(right, right, f"The model wrote: “{text}”", facts={"text": text})


def _trace(at: Asked, width: int) -> Trace:
    return at.engine.translation_trace(at.reading, Search(width=width))
