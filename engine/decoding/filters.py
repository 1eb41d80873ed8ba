"""Decoding filters and penalties: each is one declaration in `FILTERS`.

A filter takes the logits of one position and gives them changed, -inf where it cut. Settings and
their words in links (`sampling`), sliders, presets and the legends of the bars read the
declarations, so that a new filter is a function and a `Filter` here. The order of `FILTERS` is the
order of application; formulas, order and edge cases are those of the logits processors of
`transformers`. What is cut is decided on the full vocabulary. Knows nothing of draws and texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from engine.decoding.ranking import (
    Row,
    descending,
    head,
    holding,
    least_of,
    probabilities,
    surely_hold,
)

CLOSE = 1e-5  # shares so near, in parts of themselves, may not be in the order of their logits


class Known(NamedTuple):
    """What is known of some logits: their probabilities, and the ids of the largest in order.

    Whatever is not in `head` is less likely than all that is.
    """

    logits: Row
    shares: Row
    head: Int[np.ndarray, "id"]


class Before(NamedTuple):
    """What stands before the position: all ids, of which the first `start` are the prompt.

    `known` is of the logits that the first filter is given.
    """

    ids: Sequence[int]
    start: int = 0
    known: Known | None = None

    @property
    def new(self) -> Sequence[int]:
        """The ids that were generated."""
        return self.ids[self.start :]

    def of(self, logits: Row) -> Known | None:
        """What is known of these logits."""
        return self.known if self.known is not None and self.known.logits is logits else None


class Range(NamedTuple):
    """The legal values of a setting and how errors name them; `also` is legal outside of it."""

    low: float
    high: float
    words: str
    whole: bool = False
    low_open: bool = False
    also: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a value is legal; NaN never is."""
        above = self.low < value if self.low_open else self.low <= value
        return value == self.also or (above and value <= self.high)


class Slider(NamedTuple):
    """The values that a slider offers: an interval with a step, or `values` one by one."""

    low: float
    high: float
    step: float = 0.0
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Filter:
    """One decoding filter or penalty.

    `apply(logits, value, before)` changes the logits; at the value `off` it is not called. A
    penalty changes which token is the likeliest, so that greedy and beam search obey it too; a
    filter shapes the distribution that is sampled from. `legend` says what the picture tells where
    the filter stops: how many tokens it keeps, the probability they hold, or the `threshold`
    (least probability kept). `contiguous` is False where it may cut the likeliest, too. `preset`
    is a telling value for a column of its own.
    """

    name: str
    apply: Callable[[Row, Any, Before], Row]
    range: Range
    off: float
    label: str
    help: str
    slider: Slider
    kind: Literal["penalty", "filter"] = "filter"
    legend: Literal["count", "mass", "threshold"] = "mass"
    threshold: Callable[[Row, float], float] | None = None
    contiguous: bool = True
    preset: float | None = None


# --- Penalties ----------------------------------------------------------------------------------


def repetition_penalty(logits: Row, ids: Sequence[int], penalty: float) -> Row:
    """Divide positive and multiply negative logits of these ids (Keskar 2019, 4.1)."""
    present = _with_logit(ids, logits)
    changed = logits.copy()
    score = logits[present]
    changed[present] = np.where(score < 0, score * np.float32(penalty), score / np.float32(penalty))
    return changed


def frequency_penalty(logits: Row, generated: Sequence[int], penalty: float) -> Row:
    """Subtract the penalty from a token's logit once for each time that it was generated."""
    ids, counts = np.unique(np.asarray(generated, dtype=np.int64), return_counts=True)
    inside = ids < len(logits)
    changed = logits.copy()
    changed[ids[inside]] -= (counts[inside] * penalty).astype(logits.dtype)
    return changed


def no_repeat_ngram(logits: Row, ids: Sequence[int], size: int) -> Row:
    """Cut every token that would make a sequence of `size` tokens come a second time."""
    if len(ids) < size:
        return logits
    past = np.asarray(ids, dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(past, size)
    prefix = past[len(past) - size + 1 :]
    ends = windows[(windows[:, :-1] == prefix).all(axis=1), -1]
    return banned(logits, ends.tolist())


def banned(logits: Row, ids: Sequence[int]) -> Row:
    """Cut the given tokens."""
    changed = logits.copy()
    changed[_with_logit(ids, logits)] = -np.inf
    return changed


# --- Filters ------------------------------------------------------------------------------------


def temperature(logits: Row, value: float) -> Row:
    """Divide by the temperature: below 1 sharpens, above 1 flattens."""
    return logits / np.float32(value)


def top_k(logits: Row, count: int, known: Known | None = None) -> Row:
    """Keep the `count` largest logits, and those equal to the smallest of them."""
    if count >= len(logits):
        return logits
    if known is not None and 0 < count < len(known.head):
        least, last = known.shares[known.head[[count - 1, -1]]].tolist()
        if least > last * (1 + CLOSE):  # of nearly equal logits the larger may not be the likelier
            some = logits[known.head]
            return _only(logits, known.head[some >= least_of(some, count)])
    return _without(logits, logits < least_of(logits, count))


def top_p(logits: Row, mass: float, known: Known | None = None) -> Row:
    """Keep the smallest set of likeliest tokens whose probabilities reach `mass`.

    Probabilities 0.5, 0.3, 0.1, 0.1 and mass 0.7 keep two. Of equals the higher ids stay.
    """
    scores = probabilities(logits) if known is None else known.shares
    if known is not None and surely_hold(held := scores[known.head], mass):
        order = known.head
    else:
        some = holding(scores, mass)
        order = some[descending(scores[some], len(some))]
        held = scores[order]
    above = np.cumsum(held, dtype=np.float64) - held
    below = (scores.sum(dtype=np.float64) - above).astype(np.float32)
    kept = order[below > np.float32(1 - mass)]  # compared in float32, as transformers does
    return _only(logits, kept if len(kept) else order[:1])


def min_p(logits: Row, share: float, known: Known | None = None) -> Row:
    """Keep tokens at least `share` times as likely as the likeliest."""
    scores = probabilities(logits) if known is None else known.shares
    if known is not None:
        held = scores[known.head]
        least = np.float32(share) * held[0]
        if held[-1] < least:
            return _only(logits, known.head[held >= least])
    return _without(logits, scores < np.float32(share) * scores.max())


def typical(logits: Row, mass: float, known: Known | None = None) -> Row:
    """Keep the tokens whose surprisal is nearest to the entropy until they hold `mass`.

    Meister and others 2022, section 3: neither too likely nor too unlikely.
    """
    scores = probabilities(logits) if known is None else known.shares
    with np.errstate(divide="ignore"):
        surprisal = -np.log(scores)
    held = scores > 0
    expected = float(np.sum(scores[held] * surprisal[held], dtype=np.float64))
    distance = np.abs(surprisal - np.float32(expected))
    order, above = head(-distance, scores, mass)
    return _without(logits, distance > distance[order[above < mass][-1]])


def likeliest(logits: Row) -> Row:
    """Keep the likeliest token alone: greedy decoding."""
    return _only(logits, np.array([np.argmax(logits)]))


def _with_logit(ids: Sequence[int], logits: Row) -> Int[np.ndarray, "id"]:
    """Ids that have a logit: embeddings may have more rows than the output layer."""
    unique = np.unique(np.asarray(ids, dtype=np.int64))
    return unique[unique < len(logits)]


def _without(logits: Row, cut: Bool[np.ndarray, "vocabulary"]) -> Row:
    changed = logits.copy()
    np.copyto(changed, -np.inf, where=cut)
    return changed


def _only(logits: Row, ids: Int[np.ndarray, "id"]) -> Row:
    changed = np.full(len(logits), -np.inf, logits.dtype)
    changed[ids] = logits[ids]
    return changed


# --- The registry -------------------------------------------------------------------------------

_TOP_K = (0, 1, 2, 3, 5, 10, 20, 40, 80, 160, 320, 1000)

FILTERS: tuple[Filter, ...] = (
    Filter(
        "repetition",
        lambda logits, value, before: repetition_penalty(logits, before.ids, value),
        Range(0.1, 10, "in [0.1, 10]"),
        off=1.0,
        label="repetition penalty",
        help="Above 1, tokens of the prompt and the new text become less likely; 1 is off.",
        slider=Slider(0.8, 2.0, 0.05),
        kind="penalty",
        preset=1.3,
    ),
    Filter(
        "repetition_new",
        lambda logits, value, before: repetition_penalty(logits, before.new, value),
        Range(0.1, 10, "in [0.1, 10]"),
        off=1.0,
        label="repetition penalty of new tokens",
        help="The same for generated tokens alone, without the prompt; 1 is off.",
        slider=Slider(0.8, 2.0, 0.05),
        kind="penalty",
    ),
    Filter(
        "frequency",
        lambda logits, value, before: frequency_penalty(logits, before.new, value),
        Range(-10, 10, "in [-10, 10]"),
        off=0.0,
        label="frequency penalty",
        help="Subtracted from a token's logit each time it was generated; 0 is off.",
        slider=Slider(-1.0, 2.0, 0.05),
        kind="penalty",
    ),
    Filter(
        "no_repeat",
        lambda logits, value, before: no_repeat_ngram(logits, before.ids, value),
        Range(0, 100, "0 (off) or in [1, 100]", whole=True),
        off=0,
        label="no-repeat",
        help="No n-gram of so many tokens occurs twice; 0 is off.",
        slider=Slider(0, 6, 1),
        kind="penalty",
        preset=3,
    ),
    Filter(
        "temperature",
        lambda logits, value, before: temperature(logits, value),
        Range(0.01, 10, "0 (greedy) or in [0.01, 10]", also=0),
        off=1.0,
        label="temperature",
        help="Divides the logits: below 1 sharpens, above 1 flattens; 0 is greedy.",
        slider=Slider(0.0, 2.0, 0.05),
        preset=0.7,
    ),
    Filter(
        "top_k",
        lambda logits, value, before: top_k(logits, value, before.of(logits)),
        Range(0, 1_000_000, "0 (off) or more, at most 1,000,000", whole=True),
        off=0,
        label="top-k",
        help="Keep the k likeliest tokens; 0 is off.",
        slider=Slider(0, 1000, values=_TOP_K),
        legend="count",
        preset=40,
    ),
    Filter(
        "top_p",
        lambda logits, value, before: top_p(logits, value, before.of(logits)),
        Range(0, 1, "in (0, 1]", low_open=True),
        off=1.0,
        label="top-p",
        help="Keep the smallest set of likeliest tokens that holds this probability; 1 is off.",
        slider=Slider(0.01, 1.0, 0.01),
        preset=0.9,
    ),
    Filter(
        "min_p",
        lambda logits, value, before: min_p(logits, value, before.of(logits)),
        Range(0, 1, "in [0, 1]"),
        off=0.0,
        label="min-p",
        help="Keep tokens at least this share as likely as the likeliest; 0 is off.",
        slider=Slider(0.0, 0.5, 0.01),
        legend="threshold",
        threshold=lambda scores, value: float(np.float32(value) * scores.max()),
        preset=0.05,
    ),
    Filter(
        "typical",
        lambda logits, value, before: typical(logits, value, before.of(logits)),
        Range(0, 1, "in (0, 1]", low_open=True),
        off=1.0,
        label="typical",
        help="Keep tokens whose surprisal is near the entropy; 1 is off.",
        slider=Slider(0.05, 1.0, 0.01),
        contiguous=False,
        preset=0.9,
    ),
)
