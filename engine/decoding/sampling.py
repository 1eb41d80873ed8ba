"""From logits to the next token: a setting, its filters in order, and a draw that can be repeated.

In: the logits of one position over the whole vocabulary, a `Sampling`, the ids before it.
Out: logits in which what was cut is -inf, in stages (so that a picture can say which filter cut
what), and one id. What filters there are, and in which order they apply, stands in `filters`;
greedy keeps the likeliest token after the penalties. Knows nothing of models, texts or batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int8

from engine.decoding import filters
from engine.decoding.filters import FILTERS, Before, Filter, Known
from engine.decoding.ranking import Row

# --- The setting --------------------------------------------------------------------------------

BY_NAME = {one.name: one for one in FILTERS}
PENALTIES = tuple(one.name for one in FILTERS if one.kind == "penalty")
WARPERS = tuple(one.name for one in FILTERS if one.kind == "filter" and one.name != "temperature")
STAGES = (*PENALTIES, "banned", "temperature", *WARPERS)  # who can cut a token
LAST = "temperature_last"
LAST_LABEL = "temperature last"
OFF: dict[str, float] = {one.name: one.off for one in FILTERS} | {LAST: False}
WRITTEN = ("temperature", *WARPERS, *PENALTIES)  # the order of a setting's words


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Sampling:
    """How the next token is chosen: a value for each filter of `filters.FILTERS`.

    `Sampling(temperature=0.7, top_k=40)`: what is not given is off, and all off samples from the
    model's own distribution. Temperature 0 is greedy. With `temperature_last` the other filters
    see the distribution before the temperature. Values are read as attributes: `setting.top_k`.
    """

    values: tuple[tuple[str, float], ...]  # what is on, in the order of `OFF`
    stages: tuple[tuple[Filter, float], ...] = field(compare=False)  # what applies, in order

    def __init__(self, **settings: float) -> None:
        """Refuse unknown names and values out of range, naming the range and the value."""
        for name, value in settings.items():
            _check(name, value)
        on = {n: settings[n] for n in OFF if n in settings and settings[n] != OFF[n]}
        object.__setattr__(self, "values", tuple(on.items()))
        object.__setattr__(self, "stages", _in_order(on))

    def __getattr__(self, name: str) -> Any:
        """The value of a filter."""
        if name not in OFF:
            raise AttributeError(f"there is no setting {name!r}")
        return dict(self.values).get(name, OFF[name])

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as values: the functions of the filters stay where they are."""
        return _restored, (self.values,)

    def changed(self, **settings: float) -> Sampling:
        """The setting with some other values."""
        return Sampling(**(dict(self.values) | settings))

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always chosen."""
        return ("temperature", 0) in self.values

    @property
    def plain(self) -> bool:
        """Whether the likeliest token is chosen and no penalty may change which one that is."""
        return self.greedy and not self.penalties

    @property
    def penalties(self) -> tuple[tuple[Filter, float], ...]:
        """The penalties that are on, in order: all of a setting that a beam search obeys."""
        return tuple(pair for pair in self.stages if pair[0].kind == "penalty")

    @property
    def idle(self) -> tuple[str, ...]:
        """Filters that are set but change nothing, because greedy keeps one token anyway."""
        return tuple(n for n, _ in self.values if self.greedy and n in (*WARPERS, LAST))

    def __str__(self) -> str:
        """Write the setting in short, as `parse` reads it: `temperature 0.7, top-p 0.9`."""
        on = dict(self.values)
        parts = ["greedy"] if self.greedy else []
        names = WRITTEN[1:] if self.greedy else WRITTEN
        parts += [f"{label(name)} {on[name]:g}" for name in names if name in on]
        parts += [LAST_LABEL] if LAST in on else []
        return ", ".join(parts) or "pure sampling"

    def __repr__(self) -> str:
        """Write the setting as it is made."""
        return f"Sampling({', '.join(f'{n}={v!r}' for n, v in self.values)})"


def _restored(values: tuple[tuple[str, float], ...]) -> Sampling:
    return Sampling(**dict(values))


def _check(name: str, value: float) -> None:
    if name == LAST:
        if value not in (True, False):
            raise ValueError(f"{LAST_LABEL} is True or False, got {value!r}")
        return
    if name not in BY_NAME:
        raise TypeError(f"there is no setting {name!r}")
    limits = BY_NAME[name].range
    if limits.whole and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"{label(name)} must be a whole number, got {value!r}")
    if not limits.holds(value):
        raise ValueError(f"{label(name)} must be {limits.words}, got {value:g}")


def _in_order(on: dict[str, float]) -> tuple[tuple[Filter, float], ...]:
    """The filters that change logits, in the order in which they apply."""
    pairs = [(one, on[one.name]) for one in FILTERS if one.name in on]
    greedy = on.get("temperature") == 0
    # Temperature 0 divides nothing: greedy stands for it, and no filter has anything left to cut.
    kept = [pair for pair in pairs if not greedy or pair[0].kind == "penalty"]
    if LAST in on:
        kept.sort(key=lambda pair: pair[0].name == "temperature")
    return tuple(kept)


def label(name: str) -> str:
    """Give the name of a filter as the field writes it: `top_k` -> `top-k`."""
    return LAST_LABEL if name == LAST else BY_NAME[name].label


def parse(text: str) -> Sampling:
    """Read a setting as `str(sampling)` writes it; `ValueError` says what was not understood."""
    values: dict[str, float] = {}
    for part in (p.strip().lower() for p in text.split(",")):
        if part in ("", "pure sampling"):
            continue
        name, number = _named(part)
        values[name] = number
    return Sampling(**values)


def _named(part: str) -> tuple[str, float]:
    if part == "greedy":
        return "temperature", 0.0
    if part == LAST_LABEL:
        return LAST, True
    words, _, number = part.rpartition(" ")
    names = {label(name): name for name in WRITTEN}
    if words not in names:
        known = ", ".join([*names, LAST_LABEL])
        raise ValueError(f"“{part[:40]}” is not a setting; known settings are greedy, {known}")
    limits = BY_NAME[names[words]].range
    try:
        value = float(number)
    except ValueError:
        raise ValueError(f"{words} needs a number, got “{number[:20]}”") from None
    if not np.isfinite(value):
        raise ValueError(f"{words} must be {limits.words}, got {number[:20]}")
    if limits.whole and value != int(value):
        raise ValueError(f"{words} must be a whole number, got {value:g}")
    return names[words], int(value) if limits.whole else value


# --- All together -------------------------------------------------------------------------------


def stages(
    logits: Row,
    sampling: Sampling,
    ids: Sequence[int],
    *,
    start: int = 0,
    ban: Sequence[int] = (),
    known: Known | None = None,
) -> Iterator[tuple[str, Row]]:
    """Apply what is switched on, in order: (filter, logits after it); nothing when all is off.

    `ids` are all tokens before this position, the prompt's `start` tokens first. `ban` are ids
    that the model's card forbids: they go after the penalties. `known` is of these logits.
    """
    before = Before(ids, start, known)
    forbid = bool(ban)
    for one, value in sampling.stages:
        if forbid and one.kind != "penalty":
            logits, forbid = filters.banned(logits, ban), False
            yield "banned", logits
        logits = one.apply(logits, value, before)
        yield one.name, logits
    if forbid:
        logits = filters.banned(logits, ban)
        yield "banned", logits
    if sampling.greedy:
        yield "temperature", filters.likeliest(logits)


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
    bits = np.random.Philox(key=[seed, run], counter=[0, position, 0, 0]).random_raw(size)
    bits >>= np.uint64(11)
    found = bits.astype(np.float64)
    found += 0.5  # in its place, as fresh memory takes longer than a logarithm
    found *= 2.0**-53
    for _ in range(2):
        np.negative(np.log(found, out=found), out=found)
    found.setflags(write=False)
    return found


def draw(logits: Row, chance: Float[np.ndarray, "vocabulary"]) -> int:
    """Draw an id with the probabilities of these logits: the largest logit + Gumbel noise wins."""
    return int(np.argmax(logits + chance))
