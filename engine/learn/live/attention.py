"""Live answers about attention: where a word attends, which head does what, masks and scales."""

from __future__ import annotations

from typing import Literal

import numpy as np

from engine.attention import heads
from engine.attention.baselines import column_means
from engine.decoding.ranking import probabilities
from engine.learn.asking import (
    Answer,
    Asked,
    Candidate,
    NoQuestion,
    Number,
    first_of,
    live,
    percent,
)
from engine.learn.words import distinct, find, token_names, words_of
from engine.values import Attention, Kind, Reading, Tokens

Baseline = Literal["none", "column"]
Measure = Literal["previous", "next", "first", "same", "induction", "local", "marks"]
"""The measures of `heads.MEASURES` that are shares of a head's weight."""
EQUAL = 1e-6
"""Weights nearer to each other than this are equal: float32 knows them no better."""


@live(facts=("best",))
def attends_most(
    at: Asked,
    word: str,
    layer: Number,
    head: Number,
    baseline: Baseline = "none",
    others: Literal["yes", "only"] = "yes",
) -> Answer:
    """The word that a word attends to most in a head (layer and head from 1).

    With the baseline "column" what every query gives to a word on average is taken off first;
    with `others` = "only" the word itself and special tokens do not count.
    """
    reading, kind = _read(at)
    queries, keys = at.engine.sides(reading, kind)
    found, open_cells = _head_of(at, reading, kind, layer, queries, keys)
    weights = found.weights[_head(found, head)]
    rows = list(find(queries, word).tokens)
    level = column_means(weights, open_cells) if baseline == "column" else np.zeros_like(weights[0])
    row = weights[rows].mean(axis=0)
    able: np.ndarray = np.logical_or.reduce(open_cells[rows], axis=0)
    candidates = []
    for one in distinct(list(words_of(keys))):
        places = [i for i in one.tokens if able[i]]
        own = kind != "cross" and set(one.tokens) & set(rows)
        if not places or (others == "only" and (own or keys.special[places[0]])):
            continue
        weight, usual = float(row[places].sum()), float(level[places].sum())
        told = percent(weight)
        if baseline == "column":
            told += f", {100 * (weight - usual):+.1f} points against the mean word"
        candidates.append(Candidate(one.name, weight - usual, told))
    if len(candidates) < 2:
        raise NoQuestion(f"“{word}” has only one word to attend to here.")
    return first_of(
        candidates,
        lambda best: f"In head {layer}.{head} “{word}” gives “{best.name}” the most: {best.shown}.",
    )


@live(facts=("best", "a", "b", "heads"))
def heads_prefer(at: Asked, word: str, a: str, b: str, baseline: Baseline = "none") -> Answer:
    """Which of two words more heads prefer, seen from a third: `a`, `b`.

    With the baseline "column" a head counts for the word that it gives more above that word's mean.
    A head that gives both the same counts for neither.
    """
    reading, kind = _read(at)
    queries, keys = at.engine.sides(reading, kind)
    row = find(queries, word).tokens
    first, second = find(keys, a).tokens, find(keys, b).tokens
    counts = [0, 0]
    total = 0
    for layer in range(at.engine.stack(at.model, kind).layers):
        pair = [at.engine.links(reading, kind, layer, row, one) for one in (first, second)]
        if not all(one.open for one in pair):
            raise NoQuestion(f"“{word}” may not attend to both “{a}” and “{b}” here.")
        gap = pair[0].excess - pair[1].excess
        if baseline == "none":
            gap = pair[0].weight - pair[1].weight
        counts[0] += int((gap > EQUAL).sum())
        counts[1] += int((gap < -EQUAL).sum())
        total += len(gap)
    candidates = [
        Candidate(name, count, f"{count} of {total} heads")
        for name, count in zip((a, b), counts, strict=True)
    ]
    how = " compared with what all words give them" if baseline == "column" else ""
    told = f"{counts[0]} of {total} heads give more to “{a}”, {counts[1]} more to “{b}”{how}."
    return first_of(
        candidates,
        lambda _: told,
        a=str(counts[0]),
        b=str(counts[1]),
        heads=str(total),
    )


@live(facts=("best", "mean"))
def strongest_head(at: Asked, measure: Measure) -> Answer:
    """The head with the highest score of a measure such as `previous`: "2.3"."""
    reading, kind = _read(at)
    candidates = []
    for layer in range(at.engine.stack(at.model, kind).layers):
        found = at.engine.measures(reading, kind, layer)
        if measure not in found.names:
            raise NoQuestion(f"The measure {measure} makes no sense for this model's attention.")
        candidates += [
            Candidate(f"{layer + 1}.{head + 1}", float(score), f"{100 * float(score):.1f} %")
            for head, score in enumerate(found.of(measure))
            if np.isfinite(score)
        ]
    if not candidates:
        raise NoQuestion("This text gives the measure nothing to count.")
    says = next(one.says for one in heads.MEASURES if one.name == measure)
    mean = percent(float(np.mean([one.score for one in candidates])))
    return first_of(
        candidates,
        lambda best: (
            f"Head {best.name} gives {best.shown} of its attention to {says}; the mean head {mean}."
        ),
        mean=mean,
    )


@live(families=("decoder",), facts=("head", "before", "after", "now"))
def without_head(at: Asked, measure: Measure) -> Answer:
    """Whether the likeliest next token changes without the head with the highest score."""
    best = strongest_head(at, measure)
    layer, head = (int(part) - 1 for part in str(best.value).split("."))
    whole, less = at.reading, Reading(at.model, at.text, off=(("decoder", layer, head),))
    last = len(at.engine.tokens(whole)) - 1
    rows = [probabilities(at.engine.logits(one, (last,)).logits[0]) for one in (whole, less)]
    tops = [int(row.argmax()) for row in rows]
    names = token_names(at, tops)
    right = "changes" if tops[0] != tops[1] else "stays"
    before, after = (percent(float(row[tops[0]])) for row in rows)
    return Answer(
        right,
        right,
        f"Without head {best.value} “{names[0]}” goes from {before} to {after}; first is "
        f"{'now' if right == 'changes' else 'still'} “{names[1]}”.",
        facts={"head": str(best.value), "before": before, "after": after, "now": names[1]},
    )


@live(facts=("largest",))
def future_weight(at: Asked, kind: Literal["", "encoder", "decoder"] = "") -> Answer:
    """Whether any word attends to a word after it, in any layer: "yes" or "no"."""
    reading, own = _read(at)
    asked: Kind = kind or own
    if asked not in at.family:
        raise NoQuestion(f"{at.engine.card(at.model).title} has no {asked}.")
    if asked == "decoder" and at.family == "encoder-decoder":
        reading = at.engine.translated(at.model, at.text)
    queries, _ = at.engine.sides(reading, asked)
    if len(queries) < 2:
        raise NoQuestion("A text of one token has no word after it.")
    largest = max(
        float(np.triu(at.engine.attention(reading, asked, layer).weights, k=1).max())
        for layer in range(at.engine.stack(at.model, asked).layers)
    )
    right = "yes" if largest > 0 else "no"
    return Answer(
        right,
        right,
        f"The largest weight on a later token in any layer is {percent(largest)}.",
        facts={"largest": percent(largest)},
    )


@live(facts=("largest",))
def row_total(at: Asked, word: str, layer: Number, head: Number) -> Answer:
    """What the weights of one word add up to in a head, in percent."""
    reading, kind = _read(at)
    queries, keys = at.engine.sides(reading, kind)
    found, _ = _head_of(at, reading, kind, layer, queries, keys)
    row = found.weights[_head(found, head)][find(queries, word).tokens[0]]
    total = float(row.sum(dtype=np.float64))
    largest = float(row.max())
    return Answer(
        round(100 * total, 3),
        percent(total),
        f"The weights of “{word}” add up to {percent(total)}; the largest is {percent(largest)}.",
        facts={"largest": percent(largest)},
    )


@live(facts=("width", "root"))
def score_divisor(at: Asked, layer: Number = 1) -> Answer:
    """What each dot product is divided by: the root of the head width where the model scales."""
    reading, kind = _read(at)
    queries, keys = at.engine.sides(reading, kind)
    found, _ = _head_of(at, reading, kind, layer, queries, keys)
    if found.query is None:
        raise NoQuestion("This model's queries were not exported.")
    width = found.query.shape[-1]
    divisor = 1 / found.scale
    return Answer(
        divisor,
        f"{divisor:.2f}",
        f"A head is {width} numbers wide; each dot product is divided by {divisor:.2f}.",
        facts={"width": str(width), "root": f"{width**0.5:.2f}"},
    )


@live(facts=("layers", "each"), counts=True)
def head_count(at: Asked) -> Answer:
    """How many heads the model has in all layers together, of its own attention."""
    kind = _own_kind(at)
    stack = at.engine.stack(at.model, kind)
    count = stack.layers * stack.heads
    return Answer(
        float(count),
        f"{count} heads",
        f"{stack.layers} layers with {stack.heads} heads each make {count} heads.",
        facts={"layers": str(stack.layers), "each": str(stack.heads)},
    )


def _own_kind(at: Asked) -> Kind:
    return "decoder" if at.family == "decoder" else "encoder"


def _read(at: Asked) -> tuple[Reading, Kind]:
    return at.reading, _own_kind(at)


def _head_of(
    at: Asked, reading: Reading, kind: Kind, layer: int, queries: Tokens, keys: Tokens
) -> tuple[Attention, np.ndarray]:
    layers = at.engine.stack(at.model, kind).layers
    if not 1 <= layer <= layers:
        raise NoQuestion(f"This model has {layers} layers; the question is about layer {layer}.")
    found = at.engine.attention(reading, kind, layer - 1)
    return found, heads.allowed(kind, len(queries), len(keys), found)


def _head(found: Attention, head: int) -> int:
    count = len(found.weights)
    if not 1 <= head <= count:
        raise NoQuestion(f"A layer of this model has {count} heads; the question is about {head}.")
    return head - 1
