"""From logits to the next token: filters, probabilities and a draw that can be repeated.

In: the logits of one position over the whole vocabulary, a `Sampling`, the ids before it.
Out: logits in which what was cut is -inf, in stages (so that a picture can say which filter cut
what), and one id. Order and edge cases are those of the logits processors of `transformers`:
repetition penalty, frequency penalty, no-repeat n-gram; then, unless greedy, temperature, top-k,
top-p, min-p, typical. Knows nothing of models, texts or batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int8

from engine.decoding import filters
from engine.decoding.filters import Row

# --- The setting --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; the defaults draw from the model's own distribution.

    Temperature 0 is greedy. `top_k` 0, `top_p` 1, `min_p` 0, `typical` 1, `repetition` 1,
    `frequency` 0 and `no_repeat` 0 mean off. `frequency` is subtracted once for each time that a
    token was already written (the prompt does not count); `no_repeat` is the length of the token
    sequences that may not come twice.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    typical: float = 1.0
    repetition: float = 1.0
    frequency: float = 0.0
    no_repeat: int = 0

    def __post_init__(self) -> None:
        """Refuse values out of range, naming the range and the value."""
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            limits = LIMITS[name]
            if limits.whole and (isinstance(value, bool) or not isinstance(value, int)):
                raise ValueError(f"{label(name)} must be a whole number, got {value!r}")
            if not limits.holds(value):  # NaN is in no interval
                raise ValueError(f"{label(name)} must be {limits.words}, got {value:g}")

    @property
    def greedy(self) -> bool:
        """Whether the most likely token is always taken."""
        return self.temperature == 0

    @property
    def plain(self) -> bool:
        """Whether the likeliest token is taken and no penalty may change which one that is."""
        return self.greedy and self.repetition == 1 and not (self.frequency or self.no_repeat)

    @property
    def idle(self) -> tuple[str, ...]:
        """Fields that are set but change nothing, because greedy keeps one token anyway."""
        return tuple(n for n in WARPERS if self.greedy and getattr(self, n) != OFF[n])

    def __str__(self) -> str:
        """Write the setting in short, as `parse` reads it: `temperature 0.7, top-p 0.9`."""
        first = [] if self.temperature == 1 else [f"temperature {self.temperature:g}"]
        parts = ["greedy"] if self.greedy else first
        parts += [f"{label(n)} {getattr(self, n):g}" for n in FILTERS if getattr(self, n) != OFF[n]]
        return ", ".join(parts) or "pure sampling"


class Limits(NamedTuple):
    """A legal interval; `low_open` when its lower end is not in it."""

    low: float
    high: float
    words: str
    whole: bool = False
    low_open: bool = False

    def holds(self, value: float) -> bool:
        """Whether the value lies in the interval."""
        if self is LIMITS["temperature"] and value == 0:
            return True
        return (self.low < value if self.low_open else self.low <= value) and value <= self.high


LIMITS = {
    "temperature": Limits(0.01, 10, "0 (greedy) or in [0.01, 10]"),
    "top_k": Limits(0, 1_000_000, "0 (off) or more, at most 1,000,000", whole=True),
    "top_p": Limits(0, 1, "in (0, 1]", low_open=True),
    "min_p": Limits(0, 1, "in [0, 1]"),
    "typical": Limits(0, 1, "in (0, 1]", low_open=True),
    "repetition": Limits(0.1, 10, "in [0.1, 10]"),
    "frequency": Limits(-10, 10, "in [-10, 10]"),
    "no_repeat": Limits(0, 100, "0 (off) or in [1, 100]", whole=True),
}
FILTERS = ("top_k", "top_p", "min_p", "typical", "repetition", "frequency", "no_repeat")
WARPERS = ("top_k", "top_p", "min_p", "typical")
OFF = {field.name: field.default for field in fields(Sampling)}
LABELS = {
    "top_k": "top-k",
    "top_p": "top-p",
    "min_p": "min-p",
    "repetition": "repetition penalty",
    "frequency": "frequency penalty",
    "no_repeat": "no-repeat",
}


def label(name: str) -> str:
    """Give the name of a field as the field writes it: `top_k` -> `top-k`."""
    return LABELS.get(name, name)


def parse(text: str) -> Sampling:
    """Read a setting as `str(sampling)` writes it; `ValueError` says what was not understood."""
    values: dict[str, float] = {}
    for part in (p.strip().lower() for p in text.split(",")):
        if part in ("", "pure sampling"):
            continue
        name, number = _named(part)
        limits = LIMITS[name]
        if limits.whole and number != int(number):
            raise ValueError(f"{label(name)} must be a whole number, got {number:g}")
        values[name] = int(number) if limits.whole else number
    return Sampling(**values)  # type: ignore[arg-type]


def _named(part: str) -> tuple[str, float]:
    if part == "greedy":
        return "temperature", 0.0
    words, _, number = part.rpartition(" ")
    names = {label(name): name for name in OFF}
    if words not in names:
        raise ValueError(f"“{part[:40]}” is no setting; known are greedy, {', '.join(names)}")
    try:
        value = float(number)
    except ValueError:
        raise ValueError(f"{words} needs a number, got “{number[:20]}”") from None
    if not np.isfinite(value):
        raise ValueError(f"{words} must be {LIMITS[names[words]].words}, got {number[:20]}")
    return names[words], value


# --- All together -------------------------------------------------------------------------------


def stages(
    logits: Row,
    sampling: Sampling,
    ids: Sequence[int],
    *,
    start: int = 0,
    ban: Sequence[int] = (),
) -> Iterator[tuple[str, Row]]:
    """Apply what is switched on, in order: (field, logits after it); nothing when all is off.

    `ids` are all tokens before this position, the prompt's `start` tokens first. `ban` are ids
    that the model's card forbids.
    """
    if sampling.repetition != 1:
        logits = filters.repetition_penalty(logits, ids, sampling.repetition)
        yield "repetition", logits
    if sampling.frequency != 0:
        logits = filters.frequency_penalty(logits, ids[start:], sampling.frequency)
        yield "frequency", logits
    if sampling.no_repeat:
        logits = filters.no_repeat_ngram(logits, ids, sampling.no_repeat)
        yield "no_repeat", logits
    if ban:
        logits = filters.banned(logits, ban)
        yield "banned", logits
    if sampling.greedy:
        yield "temperature", filters.likeliest(logits)
        return
    for name, warp in _WARPS:
        value = getattr(sampling, name)
        if value != OFF[name]:
            logits = warp(logits, value)
            yield name, logits


_WARPS = (
    ("temperature", filters.temperature),
    ("top_k", filters.top_k),
    ("top_p", filters.top_p),
    ("min_p", filters.min_p),
    ("typical", filters.typical),
)


def filtered(
    logits: Row,
    sampling: Sampling,
    ids: Sequence[int],
    *,
    start: int = 0,
    ban: Sequence[int] = (),
) -> Row:
    """Logits after all stages; what was cut is -inf."""
    for _, changed in stages(logits, sampling, ids, start=start, ban=ban):
        logits = changed
    return logits


def cuts(
    logits: Row,
    sampling: Sampling,
    ids: Sequence[int],
    *,
    start: int = 0,
    ban: Sequence[int] = (),
) -> tuple[Row, Int8[np.ndarray, "vocabulary"]]:
    """Logits after all stages, and who cut each token: an index into `STAGES`, -1 for none."""
    cut = np.full(len(logits), -1, dtype=np.int8)
    for name, changed in stages(logits, sampling, ids, start=start, ban=ban):
        cut[np.isneginf(changed) & ~np.isneginf(logits) & (cut < 0)] = STAGES.index(name)
        logits = changed
    return logits, cut


STAGES = ("repetition", "frequency", "no_repeat", "banned", *(name for name, _ in _WARPS))


def entropy(scores: Row) -> float:
    """Uncertainty of a distribution in bits: 0 when sure, log2 n for n equal choices."""
    logs = np.log(np.maximum(scores, np.float32(1e-38)))
    return max(0.0, float(-np.vdot(scores.astype(np.float64), logs)) / math.log(2))


# --- The draw -----------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def noise(seed: int, run: int, position: int, size: int) -> Float[np.ndarray, "vocabulary"]:
    """Gumbel noise of each token id, a function of these numbers alone; read-only.

    Philox counts instead of remembering, so nothing drawn before changes what comes now. Kept for
    the moment in which all columns of a step ask for the same.
    """
    key, counter = [seed, run], [0, position, 0, 0]
    bits = np.random.Philox(key=key, counter=counter).random_raw(size)
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    found = -np.log(-np.log(uniform))
    found.setflags(write=False)
    return found


def draw(logits: Row, chance: Float[np.ndarray, "vocabulary"]) -> int:
    """Draw an id with the probabilities of these logits: the largest logit + Gumbel noise wins."""
    return int(np.argmax(logits + chance))
