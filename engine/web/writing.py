"""Questions about what a model writes: its next token, its translation of a text.

In: an engine, checked values, the model's card. Out: arrays and texts by name. What one question
may cost is checked by the engine (`engine.policy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.api import Engine
from engine.decoding.beams import Search
from engine.decoding.continuation import WIDEST
from engine.decoding.next_token import banned, opened
from engine.decoding.sampling import Sampling, parse
from engine.errors import NotOffered
from engine.models.bundle import Card
from engine.values import Reading
from engine.web.parameters import Parameter
from engine.web.refusals import Refusal

TOP = Parameter("top", "how many of the likeliest tokens", range(1, 201), default=10)
SETTING = Parameter(
    "setting",
    "a decoding setting as the Decoding page writes it: temperature 0.7, top-p 0.9",
    default="pure sampling",
)
BEAMS = Parameter("beams", "width of the beam search; 1 is greedy", range(1, WIDEST + 1), default=4)
LIMIT = Parameter("limit", "most new tokens", range(1, 257), default=96)
LANGUAGE = Parameter(
    "language", "code of the target language, for models that are told", optional=True
)


def predicted(engine: Engine, given: Mapping[str, Any], card: Card) -> dict[str, Any]:
    """The next token; of an encoder the masked one, of an encoder-decoder its first."""
    setting = _setting(given["setting"])
    logits, ids = _logits(engine, given, card)
    found = opened(logits, setting, ids, start=len(ids), rows=given["top"], ban=banned(card))
    side = "decoder" if card.family == "encoder-decoder" else "encoder"
    return {
        "ids": found.ids,
        "texts": engine.texts(given["model"], found.ids.tolist(), side),
        "probability": found.own,
        "after": found.after,
        "logits": found.logits,
        "rank": found.rank,
        "entropy": found.entropy,
    }


def _setting(text: str) -> Sampling:
    try:
        return parse(text)
    except ValueError as error:
        raise Refusal(400, f"setting: {error}.") from None


def _logits(
    engine: Engine, given: Mapping[str, Any], card: Card
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Logits [vocabulary] of the place that is asked about, and the ids before it."""
    model, language = given["model"], given["language"]
    if language is not None and language not in card.generation.languages:
        known = ", ".join(sorted(card.generation.languages)) or "none"
        raise Refusal(400, f"{card.title} is told no such language. Languages: {known}.")
    if not card.predicts:
        raise NotOffered(f"{card.title} has no output matrix, so it predicts no token.")
    reading = Reading(model, given["text"])
    ids = tuple(engine.tokens(reading).ids.tolist())
    if card.family == "decoder":
        engine.room_left(model, len(ids))
        return engine.following(model, ids), ids
    if card.family == "encoder":
        return _masked(engine, reading, ids, card)
    rules = card.generation
    if rules.start is None:
        raise NotOffered(f"The card of {card.title} names no start token, so it writes nothing.")
    begun = (rules.start,) if language is None else (rules.start, rules.languages[language])
    return engine.following(model, begun, ids), begun


def _masked(
    engine: Engine, reading: Reading, ids: tuple[int, ...], card: Card
) -> tuple[np.ndarray, tuple[int, ...]]:
    if card.mask is None:
        raise NotOffered(f"{card.title} has no mask token, so it cannot predict a masked word.")
    if card.mask not in ids:
        name = engine.piece(reading.model, card.mask)
        raise NotOffered(f"{card.title} fills gaps: write {name} in the text where one is.")
    at = ids.index(card.mask)
    return engine.logits(reading, (at,)).logits[0], ids[:at]


def translated(engine: Engine, given: Mapping[str, Any], _card: Card) -> dict[str, Any]:
    """The hypotheses of a beam search, best first."""
    search = Search(width=given["beams"], limit=given["limit"])
    reading = Reading(given["model"], given["text"])
    found = engine.translation_trace(reading, search, language=given["language"]).translation
    written = [found.written(place) for place in range(len(found.texts))]
    ids = np.full((len(written), max(map(len, written))), -1, dtype=np.int64)
    for row, one in enumerate(written):
        ids[row, : len(one)] = one
    hypotheses = found.found.hypotheses
    return {
        "texts": found.texts,
        "ids": ids,
        "score": np.array([one.score for one in hypotheses]),
        "log_probability": np.array([one.log_probability for one in hypotheses]),
        "ended": np.array([one.ended for one in hypotheses]),
    }
